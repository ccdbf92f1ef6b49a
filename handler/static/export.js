// Exports results as CSV (RFC 4180) or JSON, with the scores exactly as the API returned them.

const COLUMNS = ["name", "label", "class_id", "score", "known", "known_score", "confident", "error"];

/** One row for each image that has a result or an error. */
export const rowOf = ({ name, result, error }) => ({
  name,
  ...(result ? Object.fromEntries(COLUMNS.slice(1, -1).map((column) => [column, result[column]])) : {}),
  ...(error ? { error: error.detail || error.reason } : {}),
});

export function csvOf(rows) {
  const lines = [COLUMNS, ...rows.map((row) => COLUMNS.map((column) => field(row[column] ?? "")))];
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

export const jsonOf = (rows) => `${JSON.stringify(rows, null, 1)}\n`;

function field(value) {
  const written = String(value);
  return /[",\r\n]/.test(written) ? `"${written.replaceAll('"', '""')}"` : written;
}

export function download(name, content, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // the browser may read it a moment later
}
