-- Script for wrk; arguments: FILE CONTENT_TYPE EXPECTED. Posts FILE at each request, and counts responses that lack the
-- text EXPECTED as wrong. Prints one line of JSON at the end.
local threads = {}

function setup(thread)
   table.insert(threads, thread)
end

function init(arguments)
   local file = assert(io.open(arguments[1], "rb"))
   wrk.method = "POST"
   wrk.body = file:read("*a")
   wrk.headers["Content-Type"] = arguments[2]
   file:close()
   expected = arguments[3]
   wrong = 0
end

function response(status, _, body)
   if status ~= 200 or not body:find(expected, 1, true) then
      wrong = wrong + 1
   end
end

function done(summary, latency, _)
   local errors = summary.errors
   local all_wrong = 0
   for _, thread in ipairs(threads) do
      all_wrong = all_wrong + thread:get("wrong")
   end
   io.write(string.format(
      '{"requests": %d, "microseconds": %d, "p50": %d, "p95": %d, "p99": %d, "wrong": %d, "socket_errors": %d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99),
      all_wrong, errors.connect + errors.read + errors.write + errors.timeout
   ))
end
