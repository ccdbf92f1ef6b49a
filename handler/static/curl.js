// The command that sends the same picture to the same endpoint, for a POSIX shell.

const inShell = (word) => `'${word.replaceAll("'", "'\\''")}'`;

/** A file as the value of curl's -F: a name that curl or the shell would misread is quoted for both. */
function fileField(name) {
  if (/^\w[\w.-]*$/.test(name)) return `file=@${name}`;
  const path = name === "-" ? "./-" : name; // a lone - is standard input
  return inShell(`file=@"${path.replace(/[\\"]/g, "\\$&")}"`);
}

const address = (path) => inShell(new URL(path, document.baseURI).href);

/** A sample is fetched first, since it is not on the visitor's disk. */
export function curlCommand({ name, samplePath }) {
  if (samplePath) return `curl -sS ${address(samplePath)} | curl -sS -F file=@- ${address("classify")}`;
  return `curl -sS -F ${fileField(name)} ${address("classify")}`;
}
