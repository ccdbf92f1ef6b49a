// A result among many: thumbnail, label and percentage, as a button that opens the card.

import { labelOf, percent, text } from "./texts.js";

export class Tile {
  #result;
  #find;

  constructor(result) {
    this.#result = result;
    this.element = document.getElementById("tile-template").content.firstElementChild.cloneNode(true);
    this.#find = (selector) => this.element.querySelector(selector);
    this.element.addEventListener("click", () => result.toggle());
    this.#find("img").src = result.image.url;
    this.#find("img").addEventListener("error", (event) => { event.target.hidden = true; });
  }

  render() {
    const { name, title, voice, state } = this.#result;
    this.#find(".label").textContent = voice === "unsure" ? `${labelOf(state.result)}?` : title;
    this.#find(".percent").textContent = state.result?.known ? percent(state.result.score) : "";
    this.#find(".file-name").textContent = name;
    this.element.ariaLabel = text("openResult", { name, title });
  }
}
