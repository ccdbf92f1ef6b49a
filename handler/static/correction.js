// "Wrong? It is ...": a card's control with which a visitor says what an image really shows.

import { correct, RequestError } from "./api.js";
import { reencoded } from "./encoding.js";
import { fill } from "./select.js";
import { text } from "./texts.js";

const MAX_BYTES = 3_000_000; // API Gateway takes 10 MB and Lambda 6 MB, as base64
const REDUCED = { longest: 1024, type: "image/webp", quality: 0.9 };

export class CorrectionControl {
  #result;
  #find;

  /** `element` is `.correction` of a card. */
  constructor(element, result) {
    this.#result = result;
    this.#find = (selector) => element.querySelector(selector);
    this.element = element;
    this.#find("select").addEventListener("change", () => this.#choose());
    this.#find("button").addEventListener("click", () => this.#send());
  }

  render() {
    const { state, correction, actions } = this.#result;
    const classes = actions.correctionClasses();
    this.element.hidden = !state.result || !classes.length;
    if (this.element.hidden) return;
    fill(this.#find("select"), [["", text("chooseClass")], ...classes, ["none", text("unknown")]]);
    const { kind, classId } = correction;
    this.#find("select").value = classId;
    this.#find("button").disabled = !classId || kind === "sending";
    this.#find(".note").hidden = !classId;
    this.#find(".choice").hidden = kind === "sent";
    this.#find(".answer").textContent = this.#answer;
  }

  get #answer() {
    const { name, correction: { kind, error } } = this.#result;
    if (kind === "failed") return text(error.reason, { name, detail: error.detail });
    return kind === "sent" ? text("thanks", { label: this.#find("select").selectedOptions[0].textContent }) : "";
  }

  #choose() {
    this.#show({ kind: "chosen", classId: this.#find("select").value });
  }

  async #send() {
    const { correction: { classId }, image, actions } = this.#result;
    this.#show({ kind: "sending", classId });
    const outcome = await sent(image, classId);
    if (image !== this.#result.image) return; // another part of it is shown now
    this.#show({ classId, ...outcome });
    actions.announce(this.#answer);
    this.#find(outcome.kind === "sent" ? ".answer" : "button").focus();
  }

  #show(correction) {
    this.#result.correction = correction;
    this.#result.render();
  }
}

async function sent(image, classId) {
  try {
    const file = await image.load();
    await correct(file.size > MAX_BYTES ? await reencoded(file, REDUCED) : file, classId);
    return { kind: "sent" };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { kind: "failed", error };
  }
}
