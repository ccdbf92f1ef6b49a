-- Script for wrk; arguments: BODY_FILE EXPECTED_FILE. Posts the body at each request, and counts responses that lack the
-- expected bytes as wrong. Prints one line of JSON at the end.
local threads = {}

function setup(thread)
   table.insert(threads, thread)
end

local function read(path)
   local file = assert(io.open(path, "rb"))
   local content = file:read("*a")
   file:close()
   return content
end

function init(arguments)
   wrk.method = "POST"
   wrk.body = read(arguments[1])
   expected = read(arguments[2])
   wrong = 0
end

function response(status, _, body)
   if status ~= 200 or not body:find(expected, 1, true) then
      wrong = wrong + 1
   end
end

function done(summary, _, _)
   local errors = summary.errors
   local all_wrong = 0
   for _, thread in ipairs(threads) do
      all_wrong = all_wrong + thread:get("wrong")
   end
   io.write(string.format(
      '{"requests": %d, "microseconds": %d, "wrong": %d, "socket_errors": %d}\n',
      summary.requests, summary.duration,
      all_wrong, errors.connect + errors.read + errors.write + errors.timeout
   ))
end
