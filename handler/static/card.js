// An image's card: the preview with the outline of what the model looked at, then the result or the error.

import { CorrectionControl } from "./correction.js";
import { CropBox } from "./crop.js";
import { curlCommand } from "./curl.js";
import { paintHeatmap } from "./heatmap.js";
import { fromFile } from "./inputs.js";
import { outlineOf } from "./outline.js";
import { INPUT } from "./model.js";
import { duration, labelOf, percent, text, translate } from "./texts.js";

const COPIED_MILLISECONDS = 2000;
const TOP_CLASSES = 3;
const PIXELS_SHOWN = 84; // the side of the picture of the model's input

export class Card {
  #result;
  #find;
  #explanation = null; // the one that is shown
  #cropBox = null;
  #correction;

  constructor(result) {
    this.#result = result;
    this.element = document.getElementById("card-template").content.firstElementChild.cloneNode(true);
    this.#find = (selector) => this.element.querySelector(selector);
    this.#correction = new CorrectionControl(this.#find(".correction"), result);
    this.#showPreview();
    const { remove, retry } = result.actions;
    const onClick = {
      ".remove": () => remove(result),
      ".retry": () => retry(result),
      ".close": () => result.toggle(),
      ".all-classes": () => this.#toggleAllClasses(),
      ".heatmap-toggle": () => this.#toggleHeatmap(),
      ".copy": () => this.#copy(),
      ".crop": () => this.#startCrop(),
      ".crop-apply": () => this.#crop(),
      ".crop-cancel": () => this.#endCrop(),
      ".uncrop": () => this.#uncrop(),
    };
    for (const [selector, listener] of Object.entries(onClick)) this.#find(selector).addEventListener("click", listener);
  }

  render() {
    const { state: { result, error } } = this.#result;
    translate(this.element);
    this.#renderTexts();
    this.#find(".retry").hidden = !error?.isTemporary;
    this.#find(".close").hidden = !this.#result.canClose;
    this.#find(".uncrop").hidden = !this.#result.isCropped || Boolean(this.#cropBox);
    this.#find(".placeholder span").textContent = result ? text("noPreview") : "";
    this.#find(".skeleton").hidden = Boolean(result || error);
    for (const part of [".scores", ".all-classes", ".more"]) this.#find(part).hidden = !result;
    if (result) this.#renderResult(result);
    this.#correction.render();
  }

  #showPreview() {
    const image = this.#find(".image");
    image.addEventListener("load", () => {
      this.#find(".preview").style.setProperty("--ratio", image.naturalWidth / image.naturalHeight);
      image.classList.toggle("pixelated", Math.max(image.naturalWidth, image.naturalHeight) < 100);
    });
    image.addEventListener("error", () => {
      for (const part of [".preview", ".crop"]) this.#find(part).hidden = true;
      this.#find(".placeholder").hidden = false;
    });
    image.src = this.#result.image.url;
  }

  #renderTexts() {
    const { name, title, message } = this.#result;
    this.#find(".file-name").textContent = name;
    this.#find(".image").alt = text("preview", { name });
    this.#find(".pixels img").alt = text("pixels");
    this.#find(".model-input p").textContent = text(INPUT.channels === 1 ? "modelInputGrey" : "modelInputColour");
    this.#find(".remove").ariaLabel = text("remove", { name });
    this.#find(".copy").ariaLabel = text("copyLabel", { name });
    this.#find(".title").textContent = title;
    this.#find(".message").textContent = message;
  }

  #renderResult({ known, predictions, timing, explanation }) {
    const all = this.#find(".all-classes").ariaExpanded === "true";
    const shown = all ? predictions : known ? predictions.slice(0, TOP_CLASSES) : []; // no bold guess for an unknown image
    this.#find(".scores").replaceChildren(...shown.map((prediction) => this.#scoreRow(prediction)));
    this.#find(".timing").textContent = timingText(timing);
    this.#find(".curl").hidden = !explanation || this.#result.isCropped; // an upload is too large for this command
    this.#find(".curl code").textContent = curlCommand(this.#result.image);
    if (explanation && explanation !== this.#explanation) this.#showExplanation(explanation);
    this.#renderLegend();
  }

  #scoreRow(prediction) {
    const row = document.getElementById("score-template").content.firstElementChild.cloneNode(true);
    row.querySelector(".label").textContent = labelOf(prediction);
    row.querySelector(".percent").textContent = percent(prediction.score);
    row.querySelector(".bar i").style.width = `${100 * prediction.score}%`;
    return row;
  }

  #toggleAllClasses() {
    const button = this.#find(".all-classes");
    button.ariaExpanded = String(button.ariaExpanded !== "true");
    this.render();
  }

  async #showExplanation(explanation) {
    this.#explanation = explanation;
    const { pixels, activation_map: activationMap, view, foreground } = explanation;
    for (const part of [".model-input", ".heatmap-toggle"]) this.#find(part).hidden = false;
    this.#find(".pixels img").src = pixels;
    this.#find(".pixels img").classList.toggle("pixelated", INPUT.side < PIXELS_SHOWN);
    for (const canvas of this.element.querySelectorAll(".heatmap")) paintHeatmap(canvas, activationMap);
    const { style } = this.#find(".preview .heatmap");
    for (const side of ["left", "top", "width", "height"]) style[side] = `${100 * view[side]}%`;
    if (!foreground) return; // this model sees the whole image
    const { path, width, height } = await outlineOf(foreground);
    const outline = this.#find(".outline");
    outline.setAttribute("viewBox", `0 0 ${width} ${height}`);
    for (const line of outline.children) line.setAttribute("d", path);
    outline.toggleAttribute("hidden", false);
  }

  #renderLegend() {
    const { predictions } = this.#result.state.result;
    const withMap = this.#find(".heatmap-toggle").ariaPressed === "true";
    const withOutline = Boolean(this.#explanation?.foreground);
    const key = { true: withMap ? "outlineAndMap" : "outline", false: withMap ? "map" : "" }[withOutline];
    this.#find(".legend").textContent = key && text(key, { label: labelOf(predictions[0]) });
    this.#find(".scale").hidden = !withMap;
    this.#find(".looked").hidden = !key || Boolean(this.#cropBox);
  }

  #toggleHeatmap() {
    const button = this.#find(".heatmap-toggle");
    const on = button.ariaPressed !== "true";
    button.ariaPressed = String(on);
    this.element.classList.toggle("with-heatmap", on);
    for (const canvas of this.element.querySelectorAll(".heatmap")) canvas.hidden = !on;
    this.#renderLegend();
  }

  #startCrop() {
    this.#cropBox = new CropBox(this.#find(".preview"));
    this.#showCropTools(true);
  }

  #endCrop() {
    this.#cropBox.remove();
    this.#cropBox = null;
    this.#showCropTools(false);
    this.#find(".crop").focus();
  }

  #showCropTools(isCropping) {
    this.#find(".crop-tools").hidden = !isCropping;
    this.#find(".crop").hidden = isCropping;
    this.render();
  }

  async #crop() {
    const part = await this.#cropBox.cut(this.#find(".image"));
    this.#result.replaceImage(fromFile(new File([part], this.#result.name, { type: part.type })));
    this.#result.actions.retry(this.#result);
  }

  #uncrop() {
    this.#result.replaceImage(null);
    this.#result.actions.retry(this.#result);
  }

  async #copy() {
    const { announce } = this.#result.actions;
    const command = this.#find(".curl code");
    const button = this.#find(".copy");
    try {
      await navigator.clipboard.writeText(command.textContent);
    } catch {
      this.#find(".more").open = true;
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
