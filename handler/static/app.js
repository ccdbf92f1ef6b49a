// The page's entry: adds a result for each image, classifies them, and listens to the buttons.

import { classify, RequestError } from "./api.js";
import { hasCamera, openCamera } from "./camera.js";
import { fromFile, listenForImages } from "./inputs.js";
import { LABELS, TAKES_CORRECTIONS } from "./model.js";
import { followTheme } from "./preferences.js";
import { Queue } from "./queue.js";
import { Result } from "./result.js";
import { Results } from "./results.js";
import { isChinese, nameOf, switchLanguage, text, translate } from "./texts.js";

const MAX_ANNOUNCEMENTS = 20;
const LISTED_CLASSES = 40;

const find = (id) => document.getElementById(id);
const results = new Results();
const queue = new Queue(finished);

const actions = { remove, retry: (result) => queue.add([result]), explain, announce, correctionClasses };

/** The classes that a visitor can correct a result to: their ids and names; none if the server takes no corrections. */
function correctionClasses() {
  return TAKES_CORRECTIONS ? LABELS.map((label) => [String(label.class_id), nameOf(label)]) : [];
}

function addImages(images) {
  showNotice("");
  const added = images.map((image) => new Result(image, actions));
  results.add(added);
  showResults();
  queue.add(added);
  requestAnimationFrame(() => scrollToCard(added[0].element));
}

function showResults() {
  find("results").hidden = false;
  document.body.classList.add("has-results");
  const samples = find("samples-box"); // a page for other classes has none
  if (samples && matchMedia("(max-width: 40rem)").matches) samples.open = false;
}

function scrollToCard(element) {
  const { top } = element.getBoundingClientRect();
  if (top < 0 || top > innerHeight / 2) element.scrollIntoView();
}

function finished(result) {
  results.changed();
  if (!results.isCompact) announce(result.summary);
  else if (results.isComplete) announce(text("allDone", { counts: results.counts }));
}

/** Classifies once more with an explanation, which results of a batch lack. */
async function explain(result) {
  if (!result.state.result || result.state.result.timing.roundTrip) return;
  const signal = result.newRequest();
  try {
    const explained = await classify(await result.load(signal), { signal, onUpload() {} });
    if (!signal.aborted) result.show({ kind: "done", result: explained });
  } catch (error) {
    if (!(error instanceof RequestError) && error.name !== "AbortError") throw error; // the result stays, unexplained
  }
}

function remove(result) {
  const neighbour = result.element.nextElementSibling ?? result.element.previousElementSibling;
  queue.remove([result]);
  results.remove(result);
  announce(text("removed", { name: result.name }));
  if (neighbour) neighbour.querySelector(".remove, .tile").focus();
  else hideResults();
}

function clear() {
  queue.remove(results.clear());
  announce(text("cleared"));
  hideResults();
  find("undo").hidden = false;
  find("undo").querySelector("button").focus();
}

function undo() {
  const restored = results.restore();
  find("undo").hidden = true;
  showResults();
  queue.add(restored.filter((result) => !result.isDone));
  announce(text("restored"));
  find("clear").focus();
}

function hideResults() {
  find("results").hidden = true;
  document.body.classList.remove("has-results");
  find("file").focus();
}

/** Announces a sentence to screen readers; with `visible`, shows it to everyone. */
function announce(sentence, { visible = false } = {}) {
  if (visible) find("notice").textContent = sentence;
  const line = document.createElement("p");
  line.textContent = sentence;
  find("announcements").append(line);
  while (find("announcements").childElementCount > MAX_ANNOUNCEMENTS) find("announcements").firstChild.remove();
}

/** Shows the sentence below the drop zone. */
function showNotice(sentence) {
  find("notice").textContent = sentence;
}

function render() {
  translate(document);
  document.title = text("title");
  const [otherName, otherTag] = isChinese() ? ["English", "en"] : ["中文", "zh-CN"];
  Object.assign(find("language"), { textContent: otherName, lang: otherTag });
  renderClasses();
  results.render();
}

function renderClasses() {
  const names = LABELS.slice(0, LISTED_CLASSES).map(nameOf);
  const more = LABELS.length - names.length;
  if (more) names.push(text("moreClasses", { more }));
  find("classes").querySelector("ul").replaceChildren(...names.map((name) => {
    const item = document.createElement("li");
    item.textContent = name;
    return item;
  }));
}

find("clear").addEventListener("click", clear);
find("undo").querySelector("button").addEventListener("click", undo);
find("language").addEventListener("click", () => { switchLanguage(); showNotice(""); render(); });
find("theme").addEventListener("click", followTheme((isDark) => { find("theme").ariaPressed = String(isDark); }));
find("live-open").hidden = !hasCamera();
find("live-open").addEventListener("click", () => openCamera((file) => addImages([fromFile(file)])));
listenForImages(addImages, showNotice);
render();
