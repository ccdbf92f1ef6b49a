// The page: pictures come in, each gets a card, a few at a time are sent, and the cards show what comes back.

import { classify, Failure, fetchLabels } from "./api.js";
import { Card } from "./card.js";
import { listen } from "./intake.js";
import { followColours } from "./preferences.js";
import { isChinese, switchLanguage, text, translate } from "./texts.js";

const REQUESTS_AT_ONCE = 4;
const SLOW_MILLISECONDS = 3000;
const ANNOUNCEMENTS_KEPT = 20;

const find = (id) => document.getElementById(id);
const cards = new Map(); // each card that is shown, with what ends its request
const queue = [];
let running = 0;
let labels = [];

const actions = { remove, retry: enqueue, announce };

function nameOf({ class_id: classId, label }) {
  return (isChinese() && labels[classId]?.chinese) || label;
}

function take(pictures) {
  complain("");
  const added = pictures.map((picture) => new Card(picture, nameOf, actions));
  find("results").hidden = false;
  document.body.classList.add("has-results");
  find("cards").append(...added.map((card) => card.element));
  added.forEach(enqueue);
  reveal(added[0].element);
}

function reveal(element) {
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
  while (running < REQUESTS_AT_ONCE && queue.length) {
    running += 1;
    finish(queue.shift()).finally(() => {
      running -= 1;
      startNext();
    });
  }
}

async function finish(card) {
  const { signal } = cards.get(card);
  const show = (state) => signal.aborted || card.show(state);
  show({ kind: "working" });
  const slow = setTimeout(() => show({ kind: "slow" }), SLOW_MILLISECONDS);
  const onUpload = () => {
    clearTimeout(slow);
    show({ kind: "uploading" });
  };
  const state = await outcome(card, signal, onUpload);
  clearTimeout(slow);
  if (signal.aborted) return;
  show(state);
  announce(card.summary);
}

async function outcome(card, signal, onUpload) {
  try {
    return { kind: "done", answer: await classify(await card.load(signal), { signal, onUpload }) };
  } catch (error) {
    if (!(error instanceof Failure) && !signal.aborted) throw error; // a fault of this page: the console shows it
    return { kind: "failed", failure: error };
  }
}

function remove(card) {
  const neighbour = card.element.nextElementSibling ?? card.element.previousElementSibling;
  drop(card);
  announce(text("removed", { name: card.name }));
  if (neighbour) neighbour.querySelector(".remove").focus();
  else showNoResults();
}

function clear() {
  [...cards.keys()].forEach(drop);
  announce(text("cleared"));
  showNoResults();
}

function drop(card) {
  cards.get(card).abort();
  cards.delete(card);
  if (queue.includes(card)) queue.splice(queue.indexOf(card), 1);
  card.element.remove();
  card.release();
}

function showNoResults() {
  find("results").hidden = true;
  document.body.classList.remove("has-results");
  find("file").focus();
}

/** Tells those who listen instead of looking; `visibly`, the others too. */
function announce(sentence, { visibly = false } = {}) {
  if (visibly) find("notice").textContent = sentence;
  const line = document.createElement("p");
  line.textContent = sentence;
  find("announcements").append(line);
  while (find("announcements").childElementCount > ANNOUNCEMENTS_KEPT) find("announcements").firstChild.remove();
}

function complain(key) {
  find("notice").textContent = key && text(key);
}

function render() {
  translate(document);
  document.title = text("title");
  const [otherName, otherTag] = isChinese() ? ["English", "en"] : ["中文", "zh-CN"];
  Object.assign(find("language"), { textContent: otherName, lang: otherTag });
  showKinds();
  for (const card of cards.keys()) card.render();
}

function showKinds() {
  find("kinds").hidden = !labels.length;
  find("kinds").querySelector("ul").replaceChildren(...labels.map((label) => {
    const kind = document.createElement("li");
    kind.textContent = isChinese() ? label.chinese : label.english;
    return kind;
  }));
}

async function learnLabels() {
  try {
    labels = await fetchLabels();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return; // then the names that come with each answer do
  }
  render();
}

find("clear").addEventListener("click", clear);
find("language").addEventListener("click", () => { switchLanguage(); complain(""); render(); });
find("colours").addEventListener("click", followColours((isDark) => { find("colours").ariaPressed = String(isDark); }));
listen(take, complain);
render();
learnLabels();
