// An image's card: the preview, the state of its request, then the result or the error.

import { curlCommand } from "./curl.js";
import { paintHeatmap } from "./heatmap.js";
import { duration, percent, text, translate } from "./texts.js";

const COPIED_MILLISECONDS = 2000;

export class Card {
  #image;
  #labelOf;
  #state = { kind: "waiting" };
  #find;

  /** `labelOf(prediction)` is the class's name in the current language. */
  constructor(image, labelOf, { remove, retry, announce }) {
    this.#image = image;
    this.#labelOf = labelOf;
    this.element = document.getElementById("card-template").content.firstElementChild.cloneNode(true);
    this.#find = (selector) => this.element.querySelector(selector);
    this.#showPreview();
    this.#find(".remove").addEventListener("click", () => remove(this));
    this.#find(".retry").addEventListener("click", () => retry(this));
    this.#find(".heatmap-toggle").addEventListener("click", () => this.#toggleHeatmap());
    this.#find(".copy").addEventListener("click", () => this.#copy(announce));
    this.show(this.#state);
  }

  get name() {
    return this.#image.name;
  }

  load(signal) {
    return this.#image.load(signal);
  }

  /** Frees the memory that the image holds. */
  release() {
    this.#image.release();
  }

  /** `state.kind` is waiting, working, slow, uploading, done (with `result`) or failed (with `error`). */
  show(state) {
    this.#state = state;
    this.render();
    if (state.kind === "done" && state.result.explanation) this.#showExplanation(state.result.explanation);
  }

  /** Shows the state in the current language. */
  render() {
    const { kind, result, error } = this.#state;
    translate(this.element);
    this.element.dataset.state = result && !result.known ? "unknown" : kind;
    this.element.ariaBusy = String(!result && !error);
    this.#renderTexts();
    this.#find(".retry").hidden = !error?.isTemporary;
    this.#find(".placeholder span").textContent = result ? text("noPreview") : "";
    this.#find(".skeleton").hidden = Boolean(result || error);
    for (const part of [".scores", ".timing"]) this.#find(part).hidden = !result;
    if (result) this.#renderResult(result);
  }

  get #title() {
    const { kind, result } = this.#state;
    if (result) return result.known ? this.#labelOf(result.predictions[0]) : text("unknown");
    return text(kind);
  }

  get #message() {
    const { result, error } = this.#state;
    if (result) return result.known ? text("confidence", { percent: percent(result.score) }) : text("unknownMessage");
    if (!error) return "";
    const sentence = text(error.reason, { name: this.name, detail: error.detail });
    const showId = error.reason === "serverError" && error.requestId;
    return showId ? `${sentence} ${text("requestId", { id: error.requestId })}` : sentence;
  }

  /** The state in a sentence or two. */
  get summary() {
    const { result } = this.#state;
    const parts = { name: this.name, title: this.#title, message: this.#message };
    if (!result || result.known) return text("summary", parts);
    return text("unknownSummary", { ...parts, labels: result.predictions.slice(0, 3).map(this.#labelOf).join(", ") });
  }

  #showPreview() {
    const image = this.#find(".image");
    image.addEventListener("load", () => {
      this.#find(".preview").style.setProperty("--ratio", image.naturalWidth / image.naturalHeight);
      image.classList.toggle("pixelated", Math.max(image.naturalWidth, image.naturalHeight) < 100);
    });
    image.addEventListener("error", () => {
      this.#find(".preview").hidden = true;
      this.#find(".placeholder").hidden = false;
    });
    image.src = this.#image.url;
  }

  #renderTexts() {
    const { name } = this;
    this.#find(".file-name").textContent = name;
    this.#find(".image").alt = text("preview", { name });
    this.#find(".pixels img").alt = text("pixels");
    this.#find(".remove").ariaLabel = text("remove", { name });
    this.#find(".copy").ariaLabel = text("copyLabel", { name });
    this.#find(".title").textContent = this.#title;
    this.#find(".message").textContent = this.#message;
  }

  #renderResult({ predictions, timing, explanation }) {
    this.#find(".scores").replaceChildren(...predictions.map((prediction) => this.#scoreRow(prediction)));
    this.#find(".timing").textContent = timingText(timing);
    this.#find(".legend p").textContent = text("legend", { label: this.#labelOf(predictions[0]) });
    this.#find(".curl").hidden = !explanation; // without one, it was uploaded: too large for this command
    this.#find(".curl code").textContent = curlCommand(this.#image);
  }

  #scoreRow(prediction) {
    const row = document.getElementById("score-template").content.firstElementChild.cloneNode(true);
    row.querySelector(".label").textContent = this.#labelOf(prediction);
    row.querySelector(".percent").textContent = percent(prediction.score);
    row.querySelector(".bar i").style.width = `${100 * prediction.score}%`;
    return row;
  }

  #showExplanation({ pixels, activation_map: activationMap, view }) {
    this.#find(".model-input").hidden = false;
    this.#find(".pixels img").src = pixels;
    for (const canvas of this.element.querySelectorAll(".heatmap")) paintHeatmap(canvas, activationMap);
    const { style } = this.#find(".preview .heatmap");
    for (const side of ["left", "top", "width", "height"]) style[side] = `${100 * view[side]}%`;
  }

  #toggleHeatmap() {
    const button = this.#find(".heatmap-toggle");
    const on = button.ariaPressed !== "true";
    button.ariaPressed = String(on);
    this.element.classList.toggle("with-heatmap", on);
    for (const part of this.element.querySelectorAll(".heatmap, .legend")) part.hidden = !on;
  }

  async #copy(announce) {
    const command = this.#find(".curl code");
    const button = this.#find(".copy");
    try {
      await navigator.clipboard.writeText(command.textContent);
    } catch {
      getSelection().selectAllChildren(command); // without HTTPS there is no clipboard
      announce(text("copyFailed"), { visible: true });
      return;
    }
    button.textContent = text("copied");
    button.classList.add("copied");
    announce(text("copied"));
    setTimeout(() => {
      button.textContent = text("copy");
      button.classList.remove("copied");
    }, COPIED_MILLISECONDS);
  }
}

function timingText({ infer, total, cold, roundTrip }) {
  const parts = { inference: infer, server: total, roundTrip, cold };
  const measured = Object.entries(parts).filter(([, milliseconds]) => milliseconds !== undefined);
  return measured.map(([key, milliseconds]) => text(key, { time: duration(milliseconds) })).join(" · ");
}
