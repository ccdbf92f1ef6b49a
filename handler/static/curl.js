// Builds the curl command that classifies the same image, for a POSIX shell.

const shellQuote = (word) => `'${word.replaceAll("'", "'\\''")}'`;

/** The value of curl's -F for a file; a name that curl or the shell would misread is quoted for both. */
function fileField(name) {
  if (/^\w[\w.-]*$/.test(name)) return `file=@${name}`;
  const path = name === "-" ? "./-" : name; // a lone - is standard input
  return shellQuote(`file=@"${path.replace(/[\\"]/g, "\\$&")}"`);
}

const quotedUrl = (path) => shellQuote(new URL(path, document.baseURI).href);

/** Downloads a sample first, since it is not on the visitor's disk. */
export function curlCommand({ name, samplePath }) {
  if (samplePath) return `curl -sS ${quotedUrl(samplePath)} | curl -sS -F file=@- ${quotedUrl("classify")}`;
  return `curl -sS -F ${fileField(name)} ${quotedUrl("classify")}`;
}
