// Language and theme: the visitor's choice, kept in localStorage where the browser allows it.

const darkQuery = matchMedia("(prefers-color-scheme: dark)");

function recall(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // the browser may block storage
  }
}

function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // without storage, the choice lasts for this visit
  }
}

const languages = ["en", "zh"];

/** The language chosen earlier, or the browser's first that the page has, or English. */
export function preferredLanguage() {
  const remembered = recall("language");
  if (languages.includes(remembered)) return remembered;
  const wanted = navigator.languages.map((language) => language.toLowerCase().split("-")[0]);
  return wanted.find((language) => languages.includes(language)) ?? "en";
}

export const rememberLanguage = (language) => remember("language", language);

let chosenTheme = ["dark", "light"].find((theme) => theme === recall("theme")) ?? null;

const systemTheme = () => (darkQuery.matches ? "dark" : "light");
const currentTheme = () => chosenTheme ?? systemTheme();

/** Applies the chosen theme, or the system's, now and on each change. Calls `onChange(isDark)`; returns a toggle. */
export function followTheme(onChange) {
  const apply = () => {
    if (chosenTheme) document.documentElement.dataset.theme = chosenTheme;
    else delete document.documentElement.dataset.theme;
    onChange(currentTheme() === "dark");
  };
  darkQuery.addEventListener("change", apply);
  apply();
  return function toggle() {
    const next = currentTheme() === "dark" ? "light" : "dark";
    chosenTheme = next === systemTheme() ? null : next; // null: follow the system again
    remember("theme", chosenTheme);
    apply();
  };
}
