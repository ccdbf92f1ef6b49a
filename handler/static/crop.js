// A crop box over a preview: drag to draw it, arrow keys to move it, Shift and arrow keys to change its size.

import { encoded } from "./encoding.js";
import { text } from "./texts.js";

const STEP = 0.02;
const SMALLEST = 0.08;
const FORMAT = { longest: 4096, type: "image/jpeg", quality: 0.95 }; // iOS encodes no canvas of more pixels than 4096 squared
const START = { left: 0.1, top: 0.1, width: 0.8, height: 0.8 }; // in shares of the image's sides
const MOVES = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

const within = (value, low, high) => Math.min(Math.max(value, low), high);

export class CropBox {
  #box = START;
  #element;

  /** Over `preview`, an element as large as the image. */
  constructor(preview) {
    this.#element = Object.assign(document.createElement("div"), { className: "crop-box", tabIndex: 0, role: "group" });
    preview.append(this.#element);
    preview.classList.add("cropping");
    this.#element.addEventListener("keydown", (event) => this.#onKey(event));
    preview.onpointerdown = (event) => this.#drag(event, preview);
    this.#show();
    this.#element.focus();
  }

  remove() {
    const preview = this.#element.parentElement;
    preview.classList.remove("cropping");
    preview.onpointerdown = null;
    this.#element.remove();
  }

  /** The part of `image`, an element that shows it, as a JPEG file. */
  cut(image) {
    const { left, top, width, height } = this.#box;
    const { naturalWidth: wide, naturalHeight: high } = image;
    const part = { left: left * wide, top: top * high, width: width * wide, height: height * high };
    return encoded(image, part, FORMAT);
  }

  #drag(event, preview) {
    event.preventDefault();
    const bounds = preview.getBoundingClientRect();
    const pointOf = ({ clientX, clientY }) => [
      within((clientX - bounds.left) / bounds.width, 0, 1), within((clientY - bounds.top) / bounds.height, 0, 1)];
    const [x, y] = pointOf(event);
    preview.setPointerCapture(event.pointerId);
    preview.onpointermove = (move) => {
      const [toX, toY] = pointOf(move);
      this.#set({ left: Math.min(x, toX), top: Math.min(y, toY), width: Math.abs(toX - x), height: Math.abs(toY - y) });
    };
    preview.onpointerup = preview.onpointercancel = () => { preview.onpointermove = null; };
  }

  #onKey(event) {
    const [dx, dy] = MOVES[event.key] ?? [];
    if (dx === undefined) return;
    event.preventDefault();
    const { left, top, width, height } = this.#box;
    this.#set(event.shiftKey ? { left, top, width: width + dx, height: height + dy } : { left: left + dx, top: top + dy, width, height });
  }

  #set({ left, top, width, height }) {
    const [w, h] = [within(width, SMALLEST, 1), within(height, SMALLEST, 1)];
    this.#box = { left: within(left, 0, 1 - w), top: within(top, 0, 1 - h), width: w, height: h };
    this.#show();
  }

  #show() {
    const percents = Object.entries(this.#box).map(([side, share]) => [side, Math.round(100 * share)]);
    for (const [side, value] of percents) this.#element.style[side] = `${value}%`;
    this.#element.ariaLabel = text("cropBox", Object.fromEntries(percents));
  }
}
