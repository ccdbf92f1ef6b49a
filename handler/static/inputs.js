// Image inputs: file dialogue, camera, clipboard, drag and drop, and the samples.

import { fetchFile } from "./api.js";

/** An image from the visitor's device. Its object URL holds memory until `release`. */
function fromFile(file) {
  const url = URL.createObjectURL(file);
  return { name: file.name, url, load: async () => file, release: () => URL.revokeObjectURL(url) };
}

function fromSample(name) {
  const url = new URL(`samples/${name}`, import.meta.url).href; // of this version of the page
  return { name, samplePath: `static/samples/${name}`, url, load: (signal) => fetchFile(url, signal), release() {} };
}

/** Calls `onImages(images)` with at least one image, or `onNotice(key)` with a text's key if there was none. */
export function listenForImages(onImages, onNotice) {
  const addFiles = (files, noticeIfNone) => {
    if (files.length) onImages([...files].map(fromFile));
    else if (noticeIfNone) onNotice(noticeIfNone);
  };
  for (const input of document.querySelectorAll("input[type=file]")) listenToFileInput(input, addFiles);
  for (const button of document.querySelectorAll("[data-sample]")) {
    button.addEventListener("click", () => onImages([fromSample(button.dataset.sample)]));
  }
  addEventListener("paste", (event) => addFiles(event.clipboardData.files, "noImagePasted"));
  listenToDrops((files) => addFiles(files, "noFileDropped"));
}

function listenToFileInput(input, addFiles) {
  input.addEventListener("change", () => {
    addFiles(input.files);
    input.value = ""; // so that the same file can be chosen again
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return; // browsers open a file input with Space only, but it looks like a button here
    event.preventDefault();
    input.click();
  });
}

function listenToDrops(addFiles) {
  let depth = 0; // a drag enters the next element before it leaves the last one
  const changeDepth = (newDepth) => {
    depth = Math.max(0, newDepth);
    document.body.classList.toggle("dragging", depth > 0);
  };
  const hasFiles = (event) => event.dataTransfer.types.includes("Files");

  addEventListener("dragenter", (event) => hasFiles(event) && changeDepth(depth + 1));
  addEventListener("dragleave", (event) => hasFiles(event) && changeDepth(depth - 1));
  addEventListener("dragover", (event) => event.preventDefault()); // or the browser would open the file
  addEventListener("drop", (event) => {
    event.preventDefault();
    changeDepth(0);
    addFiles(event.dataTransfer.files);
  });
}
