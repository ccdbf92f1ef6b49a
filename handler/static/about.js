// The page about the model: tables from the model card, and code to copy.

import { fetchModelCard, RequestError } from "./api.js";
import { HAS_PHOTO_NETWORKS, LABELS } from "./model.js";
import { followTheme } from "./preferences.js";
import { SNIPPETS } from "./snippets.js";
import { isChinese, measuredShare, nameOf, switchLanguage, text, translate } from "./texts.js";

const find = (id) => document.getElementById(id);
const shareOf = (measured) => (measured ? measuredShare(measured.share) : "–");
const MAX_CONFUSION_CLASSES = 60; // a larger table cannot be read
let card = null;

function nameOfClass(english) {
  const label = LABELS.find((each) => each.english === english);
  return label ? nameOf(label) : english;
}

function cell(name, content, attributes = {}) {
  return Object.assign(document.createElement(name), { textContent: content, ...attributes });
}

/** Fills a table; the first cell of a row is its header. Each row: its cells, and optionally a class. */
function fillTable(id, head, rows) {
  const headRow = document.createElement("tr");
  headRow.append(...head.map((content) => (content ? cell("th", content, { scope: "col" }) : cell("td", ""))));
  const bodyRows = rows.map(({ cells: [first, ...others], className = "" }) => {
    const row = Object.assign(document.createElement("tr"), { className });
    row.append(cell("th", first, { scope: "row" }), ...others.map((other) => (other instanceof Node ? other : cell("td", other))));
    return row;
  });
  const [thead, tbody] = ["thead", "tbody"].map((name) => document.createElement(name));
  thead.append(headRow);
  tbody.append(...bodyRows);
  find(id).replaceChildren(thead, tbody);
}

/** Hides the section of `id` if the card has nothing for it. */
function section(id, document_, fill) {
  find(id).closest("section").hidden = !document_;
  if (document_) fill(document_);
}

function renderAccuracy(photos) {
  const { all } = photos.accuracy ?? {};
  find("accuracy-of").textContent = all ? text("aboutAccuracyOf", { percent: shareOf(all), images: all.images }) : "";
  const rows = Object.entries(photos.by_class).map(([label, measured]) => ({ cells: [nameOfClass(label), shareOf(measured),
    measured.interval?.map((bound) => measuredShare(bound)).join(" – ") ?? "", String(measured.images)] }));
  fillTable("accuracy", [text("aboutClass"), text("aboutRight"), text("aboutInterval"), text("aboutPhotos")], rows);
}

function renderCoverage(rows) {
  const chosen = card.calibration?.confident_threshold;
  fillTable("coverage", [text("aboutThreshold"), text("aboutAnswered"), text("aboutOfTheseRight"), text("aboutOthers")],
    rows.map(({ threshold, answered, right, outliers_answered: others }) => ({
      cells: [threshold.toFixed(2), shareOf(answered), shareOf(right), shareOf(others)],
      className: threshold === chosen ? "chosen" : "" })));
}

function renderConfusion({ images, accuracy, confusion_matrix: matrix }) {
  find("confusion-of").textContent = text("aboutConfusionOf", { images, percent: measuredShare(accuracy) });
  const names = LABELS.map(nameOf);
  fillTable("confusion", ["", ...names], matrix.map((counts, i) => ({
    cells: [names[i], ...counts.map((count, j) => cell("td", count || "", { className: classOf(i === j, count, counts) }))] })));
}

function classOf(isRight, count, counts) {
  if (isRight) return "right";
  return count >= 0.02 * counts.reduce((sum, each) => sum + each, 0) ? "wrong" : "";
}

function listItems(id, sentences) {
  find(id).replaceChildren(...sentences.map((sentence) => cell("li", sentence)));
}

function renderCard() {
  section("accuracy", card.photos?.by_class && card.photos, renderAccuracy);
  section("coverage", card.photos?.coverage, renderCoverage);
  section("confusion", LABELS.length <= MAX_CONFUSION_CLASSES && card.metrics?.int8?.confusion_matrix && card.metrics.int8, renderConfusion);
  const weaknesses = (isChinese() && card.known_weaknesses_chinese) || card.known_weaknesses;
  section("weaknesses", weaknesses?.length && weaknesses, (sentences) => listItems("weaknesses", sentences));
  const sets = [card.dataset, card.dataset?.photos].filter((set) => set?.licence && set.source);
  section("licences", sets.length && sets, () => listItems("licences", [text("aboutCodeLicence"),
    ...sets.map(({ name, licence, source }) => `${name}: ${licence} (${source})`)]));
}

function render() {
  translate(document);
  find("lead").textContent = text(HAS_PHOTO_NETWORKS ? "aboutLeadPhotos" : "aboutLead");
  document.title = `${text("model")} – ${text("title")}`;
  const [otherName, otherTag] = isChinese() ? ["English", "en"] : ["中文", "zh-CN"];
  Object.assign(find("language"), { textContent: otherName, lang: otherTag });
  if (card) renderCard();
}

function showSnippet(language) {
  for (const tab of find("tabs").children) {
    tab.ariaSelected = String(tab.textContent === language);
    tab.tabIndex = tab.textContent === language ? 0 : -1;
  }
  find("copy").textContent = text("copy");
  find("snippet").setAttribute("aria-label", language);
  find("snippet").firstElementChild.textContent = SNIPPETS[language](new URL("classify", document.baseURI).href);
}

function addTabs() {
  const tabs = Object.keys(SNIPPETS).map((language) => {
    const tab = cell("button", language, { type: "button", role: "tab", className: "quiet compact" });
    tab.addEventListener("click", () => showSnippet(language));
    return tab;
  });
  find("tabs").append(...tabs);
  find("tabs").addEventListener("keydown", ({ key, target }) => { // as the ARIA Authoring Practices have it
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const tab = tabs[(tabs.indexOf(target) + step + tabs.length) % tabs.length];
    tab.focus();
    tab.click();
  });
  showSnippet("curl");
}

async function copy() {
  const code = find("snippet").firstElementChild;
  try {
    await navigator.clipboard.writeText(code.textContent);
    find("copy").textContent = text("copied");
  } catch {
    getSelection().selectAllChildren(code); // without HTTPS there is no clipboard
    find("notice").textContent = text("copyFailed");
  }
}

async function loadCard() {
  try {
    card = await fetchModelCard();
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    find("notice").textContent = text("aboutFailed");
    return;
  }
  renderCard();
}

find("language").addEventListener("click", () => { switchLanguage(); render(); });
find("theme").addEventListener("click", followTheme((isDark) => { find("theme").ariaPressed = String(isDark); }));
find("copy").addEventListener("click", copy);
addTabs();
render();
await loadCard();
document.body.classList.add("ready");
if (location.hash === "#code") find("code").scrollIntoView();
