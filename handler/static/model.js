// What the model is: classes, title and input, as the server wrote them into the page; the same as /labels returns.

const { title, labels, input, photos, corrections } = JSON.parse(document.querySelector('meta[name="model"]').content);

/** In the order of their ids: { class_id, english, chinese }. */
export const LABELS = labels;
export const INPUT = input;
/** Whether networks for photos cut out the object and vote. */
export const HAS_PHOTO_NETWORKS = photos;
export const TAKES_CORRECTIONS = corrections;

const capitalized = (words) => words[0].toUpperCase() + words.slice(1);

/** What the texts of a language, "english" or "chinese", name. */
export const namesIn = (language) => ({
  classes: title[language], Classes: capitalized(title[language]), count: labels.length, side: input.side,
});
