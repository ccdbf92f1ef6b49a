// The page's texts in the current language; numbers formatted for it.

import { CHINESE } from "./chinese.js";
import { ENGLISH, ENGLISH_PHRASES } from "./english.js";
import { LABELS, namesIn } from "./model.js";
import { preferredLanguage, rememberLanguage } from "./preferences.js";

const TEXTS = { en: ENGLISH, zh: CHINESE };
const NAMES = { en: namesIn("english"), zh: namesIn("chinese") };
const TAGS = { en: "en", zh: "zh-CN" };
let language = preferredLanguage();
document.documentElement.lang = TAGS[language];

export const isChinese = () => language === "zh";

export function switchLanguage() {
  language = isChinese() ? "en" : "zh";
  document.documentElement.lang = TAGS[language];
  rememberLanguage(language);
}

/** The text of this key; each {name} in it is replaced by `values[name]`, or by what the model's card says. */
export function text(key, values = {}) {
  const named = { ...NAMES[language], ...values };
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (_, name) => named[name]);
}

/** The name of a predicted class. */
export const labelOf = ({ class_id: classId, label }) => (isChinese() && LABELS[classId]?.chinese) || label;

/** The same within a sentence: "a dress". */
export const phraseOf = (prediction) => (isChinese() ? "" : ENGLISH_PHRASES[prediction.label]) || labelOf(prediction);

/** The name of one of the model's classes. */
export const nameOf = (label) => (isChinese() ? label.chinese : label.english);

/** Fills the elements below `root` whose `data-text` or `data-label` is a key of the texts. */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) element.ariaLabel = text(element.dataset.label);
}

const percentFormat = () =>
  new Intl.NumberFormat(TAGS[language], { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** A measured share as a percentage; all may be 100%. */
export const measuredShare = (share) => percentFormat().format(share);

/** A score as a percentage. No score is exactly 0 or 1, so none is displayed as 0% or 100%. */
export function percent(score) {
  const format = percentFormat();
  if (score > 0.9995) return `> ${format.format(0.999)}`;
  return score < 0.0005 ? `< ${format.format(0.001)}` : format.format(score);
}

export function duration(milliseconds) {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)}\u00a0s`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)}\u00a0ms`;
}
