// Sends a bounded number of requests at a time; images of a long queue go to the server in batches.

import { classify, classifyBatch, RequestError } from "./api.js";

const MAX_CONCURRENT_REQUESTS = 4;
const BATCH_FROM_IMAGES = 7; // in the queue: a single request for each of fewer also explains its result
const BATCH_IMAGES = 8;
const BATCH_BYTES = 3_000_000; // API Gateway takes 10 MB and Lambda 6 MB, as base64
const SLOW_AFTER_MILLISECONDS = 3000;

export class Queue {
  #waiting = []; // requests: an item, and the signal that aborts when it is removed or added again
  #running = 0;
  #onDone;

  /** Calls `onDone(item)` after each. An item has `load(signal)`, `show(state)`, `bytes`, `newRequest()` and `cancel()`. */
  constructor(onDone) {
    this.#onDone = onDone;
  }

  add(items) {
    this.remove(items); // an image that was cropped may wait or be on its way
    for (const item of items) {
      this.#waiting.push({ item, signal: item.newRequest() });
      item.show({ kind: "waiting" });
    }
    this.#startNext();
  }

  remove(items) {
    const removed = new Set(items);
    this.#waiting = this.#waiting.filter(({ item }) => !removed.has(item));
    for (const item of items) item.cancel();
  }

  #startNext() {
    while (this.#running < MAX_CONCURRENT_REQUESTS && this.#waiting.length) {
      this.#running += 1;
      this.#send(this.#take()).finally(() => {
        this.#running -= 1;
        this.#startNext();
      });
    }
  }

  /** The next request, or several of small images if many wait. */
  #take() {
    const taken = [this.#waiting.shift()];
    if (this.#waiting.length + 1 < BATCH_FROM_IMAGES) return taken;
    let { bytes } = taken[0].item;
    while (taken.length < BATCH_IMAGES && this.#waiting.length && bytes + this.#waiting[0].item.bytes <= BATCH_BYTES) {
      bytes += this.#waiting[0].item.bytes;
      taken.push(this.#waiting.shift());
    }
    return taken;
  }

  async #send(requests) {
    const left = requests.length > 1 ? await this.#sendBatch(requests) : requests;
    for (const request of left) if (!request.signal.aborted) await this.#sendOne(request);
  }

  /** Returns the requests that must be sent alone: all of them if the batch as a whole failed. */
  async #sendBatch(requests) {
    const signal = whenAllAbort(requests.map((request) => request.signal));
    for (const { item } of requests) item.show({ kind: "working" });
    try {
      const files = await Promise.all(requests.map((request) => request.item.load(request.signal)));
      const outcomes = await classifyBatch(files, requests.map(({ item }) => item.name), signal);
      requests.forEach((request, i) => outcomes[i].result && this.#finish(request, { kind: "done", result: outcomes[i].result }));
      return requests.filter((_, i) => !outcomes[i].result); // alone, each gets its own error, or an upload
    } catch (error) {
      if (!(error instanceof RequestError) && error.name !== "AbortError") throw error;
      return requests;
    }
  }

  async #sendOne(request) {
    const { item, signal } = request;
    const show = (state) => signal.aborted || item.show(state);
    show({ kind: "working" });
    const slow = setTimeout(() => show({ kind: "slow" }), SLOW_AFTER_MILLISECONDS);
    const onUpload = () => {
      clearTimeout(slow);
      show({ kind: "uploading" });
    };
    const state = await finalState(item, signal, onUpload);
    clearTimeout(slow);
    this.#finish(request, state);
  }

  #finish({ item, signal }, state) {
    if (signal.aborted) return;
    item.show(state);
    this.#onDone(item);
  }
}

/** A signal that aborts when the last of `signals` does. */
function whenAllAbort(signals) {
  const controller = new AbortController();
  const check = () => { if (signals.every(({ aborted }) => aborted)) controller.abort(); };
  for (const signal of signals) signal.addEventListener("abort", check);
  return controller.signal;
}

async function finalState(item, signal, onUpload) {
  try {
    return { kind: "done", result: await classify(await item.load(signal), { signal, onUpload }) };
  } catch (error) {
    if (!(error instanceof RequestError) && !signal.aborted) throw error; // a bug in this page: log it to the console
    return { kind: "failed", error };
  }
}
