// Sends a bounded number of requests at a time; images of a long queue go to the server in batches.

import { classify, classifyBatch, RequestError } from "./api.js";

const MAX_CONCURRENT_REQUESTS = 4;
const BATCH_FROM_IMAGES = 7; // in the queue: a single request for each of fewer also explains its result
const BATCH_IMAGES = 8;
const BATCH_BYTES = 3_000_000; // API Gateway takes 10 MB and Lambda 6 MB, as base64
const SLOW_AFTER_MILLISECONDS = 3000;

export class Queue {
  #waiting = [];
  #running = 0;
  #onDone;

  /** Calls `onDone(item)` after each. An item has `load(signal)`, `show(state)`, `bytes` and `abort`, which this sets. */
  constructor(onDone) {
    this.#onDone = onDone;
  }

  add(items) {
    for (const item of items) {
      item.abort = new AbortController();
      item.show({ kind: "waiting" });
    }
    this.#waiting.push(...items);
    this.#startNext();
  }

  remove(items) {
    const removed = new Set(items);
    this.#waiting = this.#waiting.filter((item) => !removed.has(item));
    for (const item of items) item.abort.abort();
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

  /** The next item, or several small ones if many wait. */
  #take() {
    const taken = [this.#waiting.shift()];
    if (this.#waiting.length + 1 < BATCH_FROM_IMAGES) return taken;
    let { bytes } = taken[0];
    while (taken.length < BATCH_IMAGES && this.#waiting.length && bytes + this.#waiting[0].bytes <= BATCH_BYTES) {
      bytes += this.#waiting[0].bytes;
      taken.push(this.#waiting.shift());
    }
    return taken;
  }

  async #send(items) {
    const left = items.length > 1 ? await this.#sendBatch(items) : items;
    for (const item of left) if (!item.abort.signal.aborted) await this.#sendOne(item);
  }

  /** Returns the items that must be sent alone: all of them if the batch as a whole failed. */
  async #sendBatch(items) {
    for (const item of items) item.show({ kind: "working" });
    try {
      const files = await Promise.all(items.map((item) => item.load(item.abort.signal)));
      const outcomes = await classifyBatch(files, items.map((item) => item.name));
      items.forEach((item, i) => outcomes[i].result && this.#finish(item, { kind: "done", result: outcomes[i].result }));
      return items.filter((_, i) => !outcomes[i].result); // alone, each gets its own error, or an upload
    } catch (error) {
      if (!(error instanceof RequestError) && error.name !== "AbortError") throw error;
      return items;
    }
  }

  async #sendOne(item) {
    const { signal } = item.abort;
    const show = (state) => signal.aborted || item.show(state);
    show({ kind: "working" });
    const slow = setTimeout(() => show({ kind: "slow" }), SLOW_AFTER_MILLISECONDS);
    const onUpload = () => {
      clearTimeout(slow);
      show({ kind: "uploading" });
    };
    const state = await finalState(item, signal, onUpload);
    clearTimeout(slow);
    this.#finish(item, state);
  }

  #finish(item, state) {
    if (item.abort.signal.aborted) return;
    item.show(state);
    this.#onDone(item);
  }
}

async function finalState(item, signal, onUpload) {
  try {
    return { kind: "done", result: await classify(await item.load(signal), { signal, onUpload }) };
  } catch (error) {
    if (!(error instanceof RequestError) && !signal.aborted) throw error; // a bug in this page: log it to the console
    return { kind: "failed", error };
  }
}
