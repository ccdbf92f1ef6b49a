// Code that classifies the file photo.jpg, in several languages; complete, and run by a test.

/** `url` is the address of /classify. */
export const SNIPPETS = {
  curl: (url) => `curl -F file=@photo.jpg '${url}'`,

  Python: (url) => `# pip install requests
import requests

with open("photo.jpg", "rb") as photo:
    response = requests.post("${url}", files={"file": photo}, timeout=60)
response.raise_for_status()
result = response.json()
print(result["label"], result["score"], result["confident"])`,

  JavaScript: (url) => `// Node.js 20 or later; in a browser, take a file of an <input type="file"> instead
import { openAsBlob } from "node:fs";

const photo = await openAsBlob("photo.jpg");
const response = await fetch("${url}", {
  method: "POST",
  headers: { "Content-Type": "application/octet-stream" },
  body: photo,
});
if (!response.ok) throw new Error((await response.json()).detail);
const { label, score, confident } = await response.json();
console.log(label, score, confident);`,
};
