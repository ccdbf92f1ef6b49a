// The list of results, newest first: cards, or tiles if there are many; counts, filter, sort, export and undo.

import { csvOf, download, jsonOf, rowOf } from "./export.js";
import { fill } from "./select.js";
import { inSlices } from "./slices.js";
import { labelOf, text } from "./texts.js";

const MAX_CARDS = 6; // more results are tiles
const REFRESH_MILLISECONDS = 250; // counts and order, while results arrive

const find = (id) => document.getElementById(id);

const SORTS = {
  sortNewest: null,
  sortName: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
  sortLabel: (a, b) => classOf(a) - classOf(b) || scoreOf(b) - scoreOf(a),
  sortSure: (a, b) => scoreOf(b) - scoreOf(a),
  sortUnsure: (a, b) => scoreOf(a) - scoreOf(b),
};
const FILTERS = { filterAll: () => true, filterUnsure: (result) => result.voice === "unsure",
  unknown: (result) => result.voice === "none", filterFailed: (result) => result.voice === "failed" };

const classOf = ({ state: { result } }) => (result?.known ? result.class_id : Infinity);
const scoreOf = ({ state: { result } }) => (result?.known ? result.score : -1);

export class Results {
  all = []; // newest first
  #removed = []; // by `clear`, until there is nothing to undo
  #refresh = 0;

  constructor() {
    for (const id of ["filter", "sort"]) find(id).addEventListener("change", () => this.#arrange());
    find("export-csv").addEventListener("click", () => download("results.csv", csvOf(this.#rows), "text/csv"));
    find("export-json").addEventListener("click", () => download("results.json", jsonOf(this.#rows), "application/json"));
  }

  add(results) {
    this.forget();
    this.all = [...results, ...this.all];
    this.#layOut();
  }

  remove(result) {
    this.all = this.all.filter((each) => each !== result);
    result.element.remove();
    result.release();
    this.#layOut();
  }

  /** Removes all; returns them. `restore` brings them back, until `forget`. */
  clear() {
    this.#removed = this.all;
    this.all = [];
    find("cards").replaceChildren();
    this.#layOut();
    return this.#removed;
  }

  restore() {
    [this.all, this.#removed] = [this.#removed, []];
    this.#layOut();
    this.render(); // the language may have changed
    return this.all;
  }

  forget() {
    for (const result of this.#removed) result.release();
    this.#removed = [];
    find("undo").hidden = true;
  }

  /** After a state changed. */
  changed() {
    this.#refresh ||= setTimeout(() => {
      this.#refresh = 0;
      this.#renderOverview();
      this.#arrange();
    }, REFRESH_MILLISECONDS);
  }

  /** In the current language. */
  render() {
    inSlices(this.all, (result) => result.render());
    fill(find("sort"), Object.keys(SORTS).map((key) => [key, text(key)]));
    this.#renderOverview();
  }

  get isComplete() {
    return this.all.every((result) => result.isDone);
  }

  get isCompact() {
    return this.all.length > MAX_CARDS;
  }

  get #rows() {
    return this.all.filter((result) => result.isDone).map(({ name, state }) => rowOf({ name, ...state }));
  }

  /** "40 images: 12 × Dress · 3 unknown" */
  get counts() {
    const parts = this.#classes.map(({ label, count }) => text("countOfClass", { count, label }));
    const others = { countUnknown: "none", countFailed: "failed", countWaiting: "" };
    for (const [key, voice] of Object.entries(others)) {
      const count = this.all.filter((result) => result.voice === voice).length;
      if (count) parts.push(text(key, { count }));
    }
    return text("counts", { images: this.all.length, parts: parts.join(" · ") });
  }

  /** The classes of the known images, the most frequent first. */
  get #classes() {
    const counts = new Map();
    for (const result of this.all) {
      if (!result.state.result?.known) continue;
      const { class_id: classId } = result.state.result;
      const count = (counts.get(classId)?.count ?? 0) + 1;
      counts.set(classId, { classId, count, label: labelOf(result.state.result) });
    }
    return [...counts.values()].sort((a, b) => b.count - a.count);
  }

  #layOut() {
    inSlices(this.all, (result) => result.setCompact(this.isCompact)); // as it will be then
    find("cards").classList.toggle("tiles", this.isCompact);
    find("overview").hidden = !this.isCompact;
    if (!this.isCompact) [find("filter").value, find("sort").value] = ["filterAll", "sortNewest"];
    this.#renderOverview();
    this.#arrange();
  }

  #arrange() {
    const compare = SORTS[find("sort").value];
    const passes = FILTERS[find("filter").value] ?? ((result) => classOf(result) === Number(find("filter").value));
    for (const result of this.all) result.element.hidden = !passes(result);
    const sorted = compare ? [...this.all].sort(compare) : this.all;
    const list = find("cards");
    if (sorted.some(({ element }, i) => list.children[i] !== element)) list.append(...sorted.map(({ element }) => element));
  }

  #renderOverview() {
    if (!this.isCompact) return;
    const done = this.all.filter((result) => result.isDone).length;
    find("counts").textContent = this.counts;
    Object.assign(find("progress"), { max: this.all.length, value: done, hidden: done === this.all.length });
    const classes = this.#classes.map(({ classId, label }) => [String(classId), label]);
    fill(find("filter"), [...Object.keys(FILTERS).map((key) => [key, text(key)]), ...classes]);
  }
}
