// Words a result by its certainty: sure ("Dress"), unsure ("Perhaps a dress, or a shirt"), none ("None of these classes").

import { percent, text } from "./texts.js";

const CONFIDENT_SCORE = 0.8; // of a server that does not say whether it is confident
const SECOND_GUESS_SCORE = 0.1; // a less likely second class is not worth mentioning

/** "sure", "unsure" or "none". */
export function voiceOf({ known, confident, score }) {
  if (!known) return "none";
  return confident ?? score >= CONFIDENT_SCORE ? "sure" : "unsure";
}

/** `labelOf(prediction)` is the class's name in the current language. */
export function titleOf(result, labelOf) {
  const voice = voiceOf(result);
  if (voice === "none") return text("unknown");
  const [best, second] = result.predictions;
  if (voice === "sure") return labelOf(best);
  const guesses = { first: withArticle(best, labelOf), second: second && withArticle(second, labelOf) };
  return text(second?.score >= SECOND_GUESS_SCORE ? "unsureOfTwo" : "unsure", guesses);
}

export function messageOf(result) {
  const key = { sure: "confidence", unsure: "unsureMessage", none: "unknownMessage" }[voiceOf(result)];
  return text(key, { percent: percent(result.score) });
}

function withArticle(prediction, labelOf) {
  const [label] = labelOf(prediction).split("/"); // "T-shirt/top" is one class
  if (label === "Trouser") return "trousers"; // the data set's singular is no English word
  const name = /^[A-Z][a-z]/.test(label) ? label[0].toLowerCase() + label.slice(1) : label;
  return text(/^[aeiou]/i.test(name) ? "articleBeforeVowel" : "article", { name });
}
