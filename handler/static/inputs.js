// Image inputs: file dialogue, camera, clipboard, drag and drop, and the samples.

import { addressIn, addressNotice, fetchImage } from "./address.js";
import { fetchFile, RequestError } from "./api.js";
import { readableFile } from "./heic.js";
import { text } from "./texts.js";

const SAMPLE_BYTES = 40_000; // at most

/**
 * An image from the visitor's device. Its object URL holds memory until `release`. For its size and its URL, the
 * browser asks another process, a millisecond each; so that is done for one image after the other, when needed.
 */
export function fromFile(file) {
  let url = "";
  return {
    name: file.name,
    get bytes() { return file.size; },
    get url() { return (url ||= URL.createObjectURL(file)); },
    load: () => readableFile(file),
    release() {
      URL.revokeObjectURL(url);
      url = "";
    },
  };
}

function fromSample(name) {
  const url = new URL(`samples/${name}`, import.meta.url).href; // of this version of the page
  return { name, bytes: SAMPLE_BYTES, samplePath: `static/samples/${name}`, url, load: (signal) => fetchFile(url, signal), release() {} };
}

/** Calls `onImages(images)` with at least one image, or `onNotice(sentence)` if there was none. */
export function listenForImages(onImages, onNotice) {
  const addFiles = (files, noticeIfNone) => {
    if (files.length) onImages([...files].map(fromFile));
    else if (noticeIfNone) onNotice(text(noticeIfNone));
  };
  const addTransfer = async (transfer, noticeIfNone) => {
    const address = transfer.files.length ? null : addressIn(transfer.getData("text/uri-list") || transfer.getData("text/plain"));
    if (!address) return addFiles(transfer.files, noticeIfNone);
    await addAddress(address);
  };
  const addAddress = async (address) => {
    onNotice(text("addressLoading", { host: new URL(address).host }));
    try {
      addFiles([await fetchImage(address)]);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      onNotice(addressNotice(error, address));
    }
  };
  document.getElementById("address").addEventListener("submit", (event) => {
    event.preventDefault();
    const address = addressIn(event.target.elements[0].value);
    if (address) addAddress(address);
    else onNotice(text("noAddress"));
  });
  for (const input of document.querySelectorAll("input[type=file]")) listenToFileInput(input, addFiles);
  for (const button of document.querySelectorAll("[data-sample]")) {
    button.addEventListener("click", () => onImages([fromSample(button.dataset.sample)]));
  }
  addEventListener("paste", (event) => addTransfer(event.clipboardData, "noImagePasted"));
  listenToDrops((transfer) => addTransfer(transfer, "noFileDropped"));
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

function listenToDrops(addTransfer) {
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
    addTransfer(event.dataTransfer);
  });
}
