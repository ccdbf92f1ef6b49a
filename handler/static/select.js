// Fills a select element.

/** Replaces its options, each [value, name], but keeps the chosen one. */
export function fill(select, options) {
  const { value } = select;
  select.replaceChildren(...options.map(([key, label]) => new Option(label, key)));
  select.value = options.some(([key]) => key === value) ? value : options[0][0];
}
