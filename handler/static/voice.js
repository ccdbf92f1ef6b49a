// Words a result by its certainty: sure ("Dress"), unsure ("Perhaps a dress, or a shirt"), none ("None of these classes").

import { labelOf, percent, phraseOf, text } from "./texts.js";

const CONFIDENT_SCORE = 0.8; // of a server that does not say whether it is confident
const SECOND_GUESS_SCORE = 0.1; // a less likely second class is not worth mentioning

/** "sure", "unsure" or "none". */
export function voiceOf({ known, confident, score }) {
  if (!known) return "none";
  return confident ?? score >= CONFIDENT_SCORE ? "sure" : "unsure";
}

export function titleOf(result) {
  const voice = voiceOf(result);
  if (voice === "none") return text("unknown");
  const [best, second] = result.predictions;
  if (voice === "sure") return labelOf(best);
  const guesses = { first: phraseOf(best), second: second && phraseOf(second) };
  return text(second?.score >= SECOND_GUESS_SCORE ? "unsureOfTwo" : "unsure", guesses);
}

export function messageOf(result) {
  const key = { sure: "confidence", unsure: "unsureMessage", none: "unknownMessage" }[voiceOf(result)];
  return text(key, { percent: percent(result.score) });
}
