// API client: sends an image and returns its result, or throws a RequestError with the key of a text.

import { LABELS } from "./model.js";

const CAMERA_CLASSES = 3;
const POLL_MILLISECONDS = 700;
const UPLOAD_TIMEOUT_MILLISECONDS = 60_000;

export class RequestError extends Error {
  /** `reason` is a key of the texts. */
  constructor(reason, { status = 0, detail = "", requestId = "" } = {}) {
    super(reason);
    Object.assign(this, { reason, status, detail, requestId });
  }

  /** Whether a retry with the same image may succeed. */
  get isTemporary() {
    return ["noResponse", "tooManyRequests", "serverError", "unexpectedResponse", "timedOut"].includes(this.reason);
  }
}

const REASON_BY_TYPE = {
  "urn:problem:too-many-pixels": "tooManyPixels",
  "urn:problem:missing-image": "empty",
};
const REASON_BY_TITLE = { "Not an image": "notAnImage", "Broken image": "brokenImage", "Too many pixels": "tooManyPixels" };
const REASON_BY_STATUS = { 413: "tooLarge", 415: "notAnImage", 422: "brokenImage", 429: "tooManyRequests" };

function errorOf(response, problem) {
  const otherwise = response.status >= 500 ? "serverError" : "rejected";
  return new RequestError(REASON_BY_TYPE[problem.type] ?? REASON_BY_STATUS[response.status] ?? otherwise, {
    status: response.status,
    detail: problem.detail ?? problem.message ?? `HTTP ${response.status}`, // API Gateway's own errors have `message`
    requestId: response.headers.get("X-Request-Id") ?? "",
  });
}

async function send(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    throw error.name === "AbortError" ? error : new RequestError("noResponse");
  }
}

/** The response's JSON, and the server's timing from its headers. */
async function sendForJson(url, options) {
  const response = await send(url, options);
  const json = await response.json().catch(() => null); // a proxy may respond with HTML
  if (!response.ok) throw errorOf(response, json ?? {});
  if (json === null) throw new RequestError("unexpectedResponse");
  return { json, timing: serverTiming(response.headers.get("Server-Timing") ?? "") };
}

/** Milliseconds by step, from a header such as `decode;dur=1.2, total;dur=1.9`. */
function serverTiming(header) {
  const entries = header.matchAll(/(?:^|,)\s*([\w-]+)[^,]*?;\s*dur=([\d.]+)/g);
  return Object.fromEntries([...entries].map(([, step, milliseconds]) => [step, Number(milliseconds)]));
}

/** Stores that an image shows the class of this id, or "none". */
export async function correct(file, classId) {
  await ensureReadable(file);
  const headers = { "Content-Type": "application/octet-stream" };
  await sendForJson(`corrections?class_id=${classId}`, { method: "POST", body: file, headers });
}

export async function fetchModelCard() {
  const { json } = await sendForJson("model");
  return json;
}

/** Downloads a file of this host. */
export async function fetchFile(path, signal) {
  const response = await send(path, { signal });
  if (!response.ok) throw errorOf(response, {});
  return response.blob();
}

/** Classifies an image file. One that is too large for the API is uploaded to the bucket, after `onUpload()`. */
export async function classify(file, { signal, onUpload }) {
  await ensureReadable(file);
  const started = performance.now();
  try {
    const { json, timing } = await sendForJson(`classify?top_k=${LABELS.length}&explain=true`, {
      method: "POST",
      body: file,
      headers: { "Content-Type": "application/octet-stream" }, // the browser's guess may be wrong
      signal,
    });
    return withTiming(json, timing, started);
  } catch (error) {
    if (error.reason !== "tooLarge") throw error;
    onUpload();
    return withTiming(await classifyByUpload(file, signal, error), {}, started);
  }
}

/** Classifies a frame of the camera, without an explanation. */
export async function classifyFrame(file, signal) {
  const { json } = await sendForJson(`classify?top_k=${Math.min(LABELS.length, CAMERA_CLASSES)}`, { method: "POST", body: file, signal });
  if (!Array.isArray(json.predictions)) throw new RequestError("unexpectedResponse");
  return json;
}

/** Classifies several files in one request. Returns `{ result }` for each, or `{}` for one that failed. */
export async function classifyBatch(files, names, signal) {
  await Promise.all(files.map(ensureReadable));
  const form = new FormData();
  files.forEach((file, i) => form.append("file", file, names[i]));
  const { json } = await sendForJson(`classify/batch?top_k=${LABELS.length}`, { method: "POST", body: form, signal });
  if (json.results?.length !== files.length) throw new RequestError("unexpectedResponse");
  return json.results.map(({ answer }) => (answer ? { result: { ...answer, timing: {} } } : {}));
}

function withTiming(result, timing, started) {
  if (!Array.isArray(result.predictions)) throw new RequestError("unexpectedResponse");
  return { ...result, timing: { ...timing, roundTrip: performance.now() - started } };
}

/** Detects a dropped folder or a moved file; `fetch` would report a network error. */
async function ensureReadable(file) {
  // In Chromium a missing file has size 0 and empty slices; only a read of the whole file fails.
  const start = await (file.size ? file.slice(0, 1) : file).arrayBuffer().catch(() => null);
  if (start?.byteLength !== Math.min(file.size, 1)) throw new RequestError("unreadable");
}

async function classifyByUpload(file, signal, tooLarge) {
  const ticket = await uploadTicket(signal, tooLarge);
  if (file.size > ticket.max_bytes) throw tooLarge;
  const form = new FormData();
  for (const [name, value] of Object.entries(ticket.fields)) form.append(name, value);
  form.append("file", file); // last, since S3 ignores the fields after it
  const response = await send(ticket.url, { method: "POST", body: form, signal });
  if (!response.ok) throw errorOf(response, {});
  return pollResult(ticket.result, signal);
}

async function uploadTicket(signal, tooLarge) {
  try {
    const { json } = await sendForJson("uploads", { method: "POST", signal });
    return json;
  } catch (error) {
    throw [404, 405, 501, 503].includes(error.status) ? tooLarge : error; // this server has no uploads
  }
}

async function pollResult(path, signal) {
  const deadline = performance.now() + UPLOAD_TIMEOUT_MILLISECONDS;
  while (performance.now() < deadline) {
    const { json } = await sendForJson(path, { signal });
    if (json.status === "done") return json;
    if (json.status === "rejected") {
      throw new RequestError(REASON_BY_TITLE[json.title] ?? "rejected", { detail: json.detail });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
  throw new RequestError("timedOut");
}
