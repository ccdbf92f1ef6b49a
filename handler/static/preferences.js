// What a visitor chose, remembered by the browser where it allows that: language and colours.

const dark = matchMedia("(prefers-color-scheme: dark)");

function recall(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // storage may be forbidden
  }
}

function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // then it holds for this visit only
  }
}

const languages = ["en", "zh"];

export function preferredLanguage() {
  const remembered = recall("language");
  if (languages.includes(remembered)) return remembered;
  const wanted = navigator.languages.map((language) => language.toLowerCase().split("-")[0]);
  return wanted.find((language) => languages.includes(language)) ?? "en";
}

export const rememberLanguage = (language) => remember("language", language);

let chosenColours = ["dark", "light"].find((colours) => colours === recall("colours")) ?? null;

const systemColours = () => (dark.matches ? "dark" : "light");

/** Keeps the page in the colours of the system, or in those that were chosen; `show(isDark)` hears of each change. */
export function followColours(show) {
  const apply = () => {
    if (chosenColours) document.documentElement.dataset.colours = chosenColours;
    else delete document.documentElement.dataset.colours;
    show((chosenColours ?? systemColours()) === "dark");
  };
  dark.addEventListener("change", apply);
  apply();
  return function toggle() {
    const next = (chosenColours ?? systemColours()) === "dark" ? "light" : "dark";
    chosenColours = next === systemColours() ? null : next; // back to following the system
    remember("colours", chosenColours);
    apply();
  };
}
