// The page's entry: adds a card for each image, sends a few requests at a time, and shows the results.

import { classify, fetchLabels, RequestError } from "./api.js";
import { Card } from "./card.js";
import { listenForImages } from "./inputs.js";
import { followTheme } from "./preferences.js";
import { isChinese, switchLanguage, text, translate } from "./texts.js";

const MAX_CONCURRENT_REQUESTS = 4;
const SLOW_AFTER_MILLISECONDS = 3000;
const MAX_ANNOUNCEMENTS = 20;

const find = (id) => document.getElementById(id);
const cards = new Map(); // card -> the AbortController of its request
const queue = [];
let running = 0;
let labels = [];

const actions = { remove, retry: enqueue, announce };

function labelOf({ class_id: classId, label }) {
  return (isChinese() && labels[classId]?.chinese) || label;
}

function addImages(images) {
  showNotice("");
  const added = images.map((image) => new Card(image, labelOf, actions));
  find("results").hidden = false;
  document.body.classList.add("has-results");
  find("cards").append(...added.map((card) => card.element));
  added.forEach(enqueue);
  scrollToCard(added[0].element);
}

function scrollToCard(element) {
  const { top } = element.getBoundingClientRect();
  if (top < 0 || top > innerHeight / 2) element.scrollIntoView();
}

function enqueue(card) {
  cards.set(card, new AbortController());
  card.show({ kind: "waiting" });
  queue.push(card);
  startNext();
}

function startNext() {
  while (running < MAX_CONCURRENT_REQUESTS && queue.length) {
    running += 1;
    classifyCard(queue.shift()).finally(() => {
      running -= 1;
      startNext();
    });
  }
}

async function classifyCard(card) {
  const { signal } = cards.get(card);
  const show = (state) => signal.aborted || card.show(state);
  show({ kind: "working" });
  const slow = setTimeout(() => show({ kind: "slow" }), SLOW_AFTER_MILLISECONDS);
  const onUpload = () => {
    clearTimeout(slow);
    show({ kind: "uploading" });
  };
  const state = await finalState(card, signal, onUpload);
  clearTimeout(slow);
  if (signal.aborted) return;
  show(state);
  announce(card.summary);
}

async function finalState(card, signal, onUpload) {
  try {
    return { kind: "done", result: await classify(await card.load(signal), { signal, onUpload }) };
  } catch (error) {
    if (!(error instanceof RequestError) && !signal.aborted) throw error; // a bug in this page: log it to the console
    return { kind: "failed", error };
  }
}

function remove(card) {
  const neighbour = card.element.nextElementSibling ?? card.element.previousElementSibling;
  discard(card);
  announce(text("removed", { name: card.name }));
  if (neighbour) neighbour.querySelector(".remove").focus();
  else hideResults();
}

function clear() {
  [...cards.keys()].forEach(discard);
  announce(text("cleared"));
  hideResults();
}

function discard(card) {
  cards.get(card).abort();
  cards.delete(card);
  if (queue.includes(card)) queue.splice(queue.indexOf(card), 1);
  card.element.remove();
  card.release();
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

/** Shows the text of this key below the drop zone; an empty key clears it. */
function showNotice(key) {
  find("notice").textContent = key && text(key);
}

function render() {
  translate(document);
  document.title = text("title");
  const [otherName, otherTag] = isChinese() ? ["English", "en"] : ["中文", "zh-CN"];
  Object.assign(find("language"), { textContent: otherName, lang: otherTag });
  renderClasses();
  for (const card of cards.keys()) card.render();
}

function renderClasses() {
  find("classes").hidden = !labels.length;
  find("classes").querySelector("ul").replaceChildren(...labels.map((label) => {
    const item = document.createElement("li");
    item.textContent = isChinese() ? label.chinese : label.english;
    return item;
  }));
}

async function loadLabels() {
  try {
    labels = await fetchLabels();
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return; // the page works without them: each result has English labels
  }
  render();
}

find("clear").addEventListener("click", clear);
find("language").addEventListener("click", () => { switchLanguage(); showNotice(""); render(); });
find("theme").addEventListener("click", followTheme((isDark) => { find("theme").ariaPressed = String(isDark); }));
listenForImages(addImages, showNotice);
render();
loadLabels();
