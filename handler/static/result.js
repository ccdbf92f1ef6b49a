// One image's result: the state of its request, and its view, which is a card or, among many, a tile.

import { Card } from "./card.js";
import { Tile } from "./tile.js";
import { messageOf, titleOf, voiceOf } from "./voice.js";
import { labelOf, text } from "./texts.js";

const NO_CORRECTION = { kind: "none", classId: "" }; // then chosen, sending, and sent or failed (with `error`)

export class Result {
  state = { kind: "waiting" };
  correction = NO_CORRECTION; // what the visitor says that the image shows
  #abort = null; // of its latest request
  #image;
  #whole = null; // the image that `#image` was cropped from
  #view = null;
  #isCompact = false;
  #isOpen = false; // a tile that was opened is a card

  constructor(image, actions) {
    this.#image = image;
    this.actions = actions;
    this.element = document.createElement("li");
  }

  get image() { return this.#image; }
  get name() { return this.#image.name; }
  get bytes() { return this.#image.bytes; }
  get isCropped() { return this.#whole !== null; }
  get isDone() { return Boolean(this.state.result || this.state.error); }
  get isTile() { return this.#isCompact && !this.#isOpen; }
  get canClose() { return this.#isCompact && this.#isOpen; }

  /** "sure", "unsure" or "none"; for an image without a result, "failed" or "". */
  get voice() {
    return this.state.result ? voiceOf(this.state.result) : this.state.error ? "failed" : "";
  }

  load(signal) {
    return this.#image.load(signal);
  }

  /** The signal of a new request, in place of an earlier one. */
  newRequest() {
    this.cancel();
    this.#abort = new AbortController();
    return this.#abort.signal;
  }

  cancel() {
    this.#abort?.abort();
  }

  /** Frees the memory that the image holds. */
  release() {
    this.#image.release();
    this.#whole?.release();
  }

  /** `state.kind` is waiting, working, slow, uploading, done (with `result`) or failed (with `error`). */
  show(state) {
    this.state = state;
    this.render();
    this.#explain();
  }

  setCompact(isCompact) {
    if (isCompact === this.#isCompact && this.#view) return;
    this.#isCompact = isCompact;
    this.#isOpen = false;
    this.#newView();
  }

  toggle() {
    this.#isOpen = !this.#isOpen;
    this.#newView();
    this.element.querySelector(this.#isOpen ? ".close" : ".tile").focus();
  }

  /** Shows `image`, a part of this one, in its place; without one, the whole image again. */
  replaceImage(image) {
    if (this.#whole) this.#image.release();
    const whole = this.#whole ?? this.#image;
    [this.#image, this.#whole] = image ? [image, whole] : [whole, null];
    this.correction = NO_CORRECTION;
    this.#newView();
  }

  /** Shows the state in the current language. */
  render() {
    if (!this.#view) return; // it will be made soon
    const { result, kind } = this.state;
    this.element.dataset.state = result && !result.known ? "unknown" : kind;
    this.element.dataset.voice = this.voice;
    this.element.ariaBusy = String(!this.isDone);
    this.#view.render();
  }

  get title() {
    const { kind, result } = this.state;
    return result ? titleOf(result) : text(kind);
  }

  get message() {
    const { result, error } = this.state;
    if (result) return messageOf(result);
    if (!error) return "";
    const sentence = text(error.reason, { name: this.name, detail: error.detail });
    const showId = error.reason === "serverError" && error.requestId;
    return showId ? `${sentence} ${text("requestId", { id: error.requestId })}` : sentence;
  }

  /** The state in a sentence or two. */
  get summary() {
    const { result } = this.state;
    const parts = { name: this.name, title: this.title, message: this.message };
    if (!result || result.known) return text("summary", parts);
    return text("unknownSummary", { ...parts, labels: result.predictions.slice(0, 3).map(labelOf).join(", ") });
  }

  #newView() {
    this.#view = this.isTile ? new Tile(this) : new Card(this);
    this.element.className = this.isTile ? "small" : "card";
    this.element.replaceChildren(this.#view.element);
    this.render();
    this.#explain();
  }

  /** A card's result of a batch gets its explanation, which tiles do without. */
  #explain() {
    if (this.state.result && this.#view && !this.isTile) this.actions.explain(this);
  }
}
