// One picture's card: it shows the picture at once, then how its request fares, then the answer.

import { curlCommand } from "./curl.js";
import { duration, percent, text, translate } from "./texts.js";

const COPIED_MILLISECONDS = 2000;

export class Card {
  #picture;
  #nameOf;
  #state = { kind: "waiting" };
  #find;

  /** `nameOf(prediction)` is a class's name in the language of the day. */
  constructor(picture, nameOf, { remove, retry, announce }) {
    this.#picture = picture;
    this.#nameOf = nameOf;
    this.element = document.getElementById("card").content.firstElementChild.cloneNode(true);
    this.#find = (selector) => this.element.querySelector(selector);
    this.#showPicture();
    this.#find(".remove").addEventListener("click", () => remove(this));
    this.#find(".again").addEventListener("click", () => retry(this));
    this.#find(".look").addEventListener("click", () => this.#toggleHeat());
    this.#find(".copy").addEventListener("click", () => this.#copy(announce));
    this.show(this.#state);
  }

  get name() {
    return this.#picture.name;
  }

  load(signal) {
    return this.#picture.load(signal);
  }

  /** Gives back what the picture holds. */
  release() {
    this.#picture.release();
  }

  focus() {
    this.#find(".remove").focus();
  }

  /** `state.kind` is waiting, working, slow, uploading, done (with `answer`) or failed (with `failure`). */
  show(state) {
    this.#state = state;
    this.render();
    if (state.kind === "done" && state.answer.explanation) this.#showExplanation(state.answer.explanation);
  }

  /** Shows the same state again, in the language of the day. */
  render() {
    const { kind, answer, failure } = this.#state;
    translate(this.element);
    this.element.dataset.state = answer && !answer.known ? "unknown" : kind;
    this.element.ariaBusy = String(!answer && !failure);
    this.#find(".name").textContent = this.name;
    this.#find(".picture").alt = text("picture", { name: this.name });
    this.#find(".pixels img").alt = text("pixels");
    this.#find(".remove").ariaLabel = text("remove", { name: this.name });
    this.#find(".copy").ariaLabel = text("copyLabel", { name: this.name });
    this.#find(".verdict").textContent = this.verdict;
    this.#find(".remark").textContent = this.remark;
    this.#find(".again").hidden = !failure?.isPassing;
    this.#find(".placeholder span").textContent = answer ? text("undisplayable") : "";
    this.#find(".skeleton").hidden = Boolean(answer || failure);
    for (const part of [".scores", ".timing"]) this.#find(part).hidden = !answer;
    if (answer) this.#showAnswer(answer);
  }

  get verdict() {
    const { kind, answer } = this.#state;
    if (answer) return answer.known ? this.#nameOf(answer.predictions[0]) : text("none");
    return text(kind);
  }

  get remark() {
    const { answer, failure } = this.#state;
    if (answer) return answer.known ? text("sure", { percent: percent(answer.score) }) : text("noneRemark");
    if (!failure) return "";
    const sentence = text(failure.reason, { name: this.name, detail: failure.detail });
    const isOurs = failure.reason === "trouble" && failure.requestId;
    return isOurs ? `${sentence} ${text("requestId", { id: failure.requestId })}` : sentence;
  }

  /** The outcome in a sentence or two. */
  get summary() {
    const { answer } = this.#state;
    const parts = { name: this.name, verdict: this.verdict, remark: this.remark };
    if (!answer || answer.known) return text("announce", parts);
    return text("announceUnknown", { ...parts, kinds: answer.predictions.slice(0, 3).map(this.#nameOf).join(", ") });
  }

  #showPicture() {
    const image = this.#find(".picture");
    image.addEventListener("load", () => {
      this.#find(".photo").style.setProperty("--ratio", image.naturalWidth / image.naturalHeight);
      image.classList.toggle("tiny", Math.max(image.naturalWidth, image.naturalHeight) < 100);
    });
    image.addEventListener("error", () => {
      this.#find(".photo").hidden = true;
      this.#find(".placeholder").hidden = false;
    });
    image.src = this.#picture.address;
  }

  #showAnswer({ predictions, timing, explanation }) {
    this.#find(".scores").replaceChildren(...predictions.map((prediction) => this.#scoreRow(prediction)));
    this.#find(".timing").textContent = timingText(timing);
    this.#find(".legend p").textContent = text("legend", { kind: this.#nameOf(predictions[0]) });
    this.#find(".curl").hidden = !explanation; // what went over the storage is too large for this command
    this.#find(".curl code").textContent = curlCommand(this.#picture);
  }

  #scoreRow(prediction) {
    const row = document.getElementById("score").content.firstElementChild.cloneNode(true);
    row.querySelector(".kind").textContent = this.#nameOf(prediction);
    row.querySelector(".percent").textContent = percent(prediction.score);
    row.querySelector(".bar i").style.width = `${100 * prediction.score}%`;
    return row;
  }

  #showExplanation({ pixels, activation_map: activationMap, view }) {
    this.#find(".seen").hidden = false;
    this.#find(".pixels img").src = pixels;
    for (const canvas of this.element.querySelectorAll(".heat")) paintHeat(canvas, activationMap);
    const { style } = this.#find(".photo .heat");
    for (const side of ["left", "top", "width", "height"]) style[side] = `${100 * view[side]}%`;
  }

  #toggleHeat() {
    const button = this.#find(".look");
    const on = button.ariaPressed !== "true";
    button.ariaPressed = String(on);
    this.element.classList.toggle("looking", on);
    for (const part of this.element.querySelectorAll(".heat, .legend")) part.hidden = !on;
  }

  async #copy(announce) {
    const command = this.#find(".curl code");
    const button = this.#find(".copy");
    try {
      await navigator.clipboard.writeText(command.textContent);
    } catch {
      getSelection().selectAllChildren(command); // there is no clipboard without HTTPS
      announce(text("copyFailed"), { visibly: true });
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
  const known = Object.entries(parts).filter(([, milliseconds]) => milliseconds !== undefined);
  return known.map(([key, milliseconds]) => text(key, { time: duration(milliseconds) })).join(" · ");
}

// From what said nothing to what said most: red, green, blue, alpha. The style sheet's scale has the same colours.
const HEAT = [[88, 28, 135, 0], [124, 58, 237, 90], [236, 72, 153, 180], [253, 186, 60, 220], [255, 244, 170, 240]];

function paintHeat(canvas, activationMap) {
  const values = activationMap.flat();
  const colours = values.flatMap((value) => {
    const place = Math.min(Math.max(value, 0), 1) * (HEAT.length - 1);
    const below = Math.min(Math.floor(place), HEAT.length - 2);
    return HEAT[below].map((channel, i) => channel + (place - below) * (HEAT[below + 1][i] - channel));
  });
  const side = activationMap.length;
  canvas.width = canvas.height = side;
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(colours), side, side), 0, 0);
}
