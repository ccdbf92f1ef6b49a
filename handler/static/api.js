// Talks to the API: a picture goes in, an answer comes out, or a Failure that names the text which tells of it.

const POLL_MILLISECONDS = 700;
const PATIENCE_MILLISECONDS = 60_000;

export class Failure extends Error {
  /** `reason` is a key of the texts. */
  constructor(reason, { status = 0, detail = "", requestId = "" } = {}) {
    super(reason);
    Object.assign(this, { reason, status, detail, requestId });
  }

  /** Whether the same picture may fare better at another time. */
  get isPassing() {
    return ["away", "busy", "trouble", "odd", "late"].includes(this.reason);
  }
}

const BY_TYPE = {
  "urn:problem:too-many-pixels": "tooManyPixels",
  "urn:problem:missing-image": "empty",
};
const BY_TITLE = { "Not an image": "notAnImage", "Broken image": "brokenImage", "Too many pixels": "tooManyPixels" };
const BY_STATUS = { 413: "tooLarge", 415: "notAnImage", 422: "brokenImage", 429: "busy" };

function failureOf(reply, problem) {
  const otherwise = reply.status >= 500 ? "trouble" : "refused";
  return new Failure(BY_TYPE[problem.type] ?? BY_STATUS[reply.status] ?? otherwise, {
    status: reply.status,
    detail: problem.detail ?? problem.message ?? `HTTP ${reply.status}`, // `message` is what API Gateway says
    requestId: reply.headers.get("X-Request-Id") ?? "",
  });
}

async function send(address, options) {
  try {
    return await fetch(address, options);
  } catch (error) {
    throw error.name === "AbortError" ? error : new Failure("away");
  }
}

/** The reply's JSON, with what its headers say of the time that it took. */
async function ask(address, options) {
  const reply = await send(address, options);
  const answer = await reply.json().catch(() => null); // a proxy may answer with HTML
  if (!reply.ok) throw failureOf(reply, answer ?? {});
  if (answer === null) throw new Failure("odd");
  return { answer, timing: serverTiming(reply.headers.get("Server-Timing") ?? "") };
}

/** Milliseconds by step, of a header such as `decode;dur=1.2, total;dur=1.9`. */
function serverTiming(header) {
  const entries = header.matchAll(/(?:^|,)\s*([\w-]+)[^,]*?;\s*dur=([\d.]+)/g);
  return Object.fromEntries([...entries].map(([, step, milliseconds]) => [step, Number(milliseconds)]));
}

export async function fetchLabels() {
  const { answer } = await ask("labels");
  return answer.labels;
}

/** A file at a path of this host. */
export async function fetchFile(path, signal) {
  const reply = await send(path, { signal });
  if (!reply.ok) throw failureOf(reply, {});
  return reply.blob();
}

/** What `file` shows. `onUpload` is called if it is so large that it takes the way over the storage. */
export async function classify(file, { signal, onUpload }) {
  await ensureReadable(file);
  const started = performance.now();
  try {
    const { answer, timing } = await ask("classify?top_k=10&explain=true", {
      method: "POST",
      body: file,
      headers: { "Content-Type": "application/octet-stream" }, // whatever the browser thinks that it is
      signal,
    });
    return timed(answer, timing, started);
  } catch (failure) {
    if (failure.reason !== "tooLarge") throw failure;
    onUpload();
    return timed(await classifyUploaded(file, signal, failure), {}, started);
  }
}

function timed(answer, timing, started) {
  if (!Array.isArray(answer.predictions)) throw new Failure("odd");
  return { ...answer, timing: { ...timing, roundTrip: performance.now() - started } };
}

/** A folder that was dropped, or a file that was moved away since, fails here and not like a network. */
async function ensureReadable(file) {
  // To Chromium a file that is gone has no size, and no bytes in a slice; only reading it as a whole fails.
  const start = await (file.size ? file.slice(0, 1) : file).arrayBuffer().catch(() => null);
  if (start?.byteLength !== Math.min(file.size, 1)) throw new Failure("unreadable");
}

async function classifyUploaded(file, signal, tooLarge) {
  const ticket = await uploadTicket(signal, tooLarge);
  if (file.size > ticket.max_bytes) throw tooLarge;
  const form = new FormData();
  for (const [name, value] of Object.entries(ticket.fields)) form.append(name, value);
  form.append("file", file); // last, since the storage ignores what comes after it
  const stored = await send(ticket.url, { method: "POST", body: form, signal });
  if (!stored.ok) throw failureOf(stored, {});
  return uploadResult(ticket.result, signal);
}

async function uploadTicket(signal, tooLarge) {
  try {
    const { answer } = await ask("uploads", { method: "POST", signal });
    return answer;
  } catch (failure) {
    throw [404, 405, 501, 503].includes(failure.status) ? tooLarge : failure; // there are no uploads here
  }
}

async function uploadResult(path, signal) {
  const giveUp = performance.now() + PATIENCE_MILLISECONDS;
  while (performance.now() < giveUp) {
    const { answer } = await ask(path, { signal });
    if (answer.status === "done") return answer;
    if (answer.status === "rejected") throw new Failure(BY_TITLE[answer.title] ?? "refused", { detail: answer.detail });
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
  throw new Failure("late");
}
