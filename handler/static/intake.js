// The ways on which pictures come in: chosen, photographed, pasted, dropped, or one of the samples.

import { fetchFile } from "./api.js";

/** A picture on the visitor's machine. Its address holds memory until `release`. */
function fromFile(file) {
  const address = URL.createObjectURL(file);
  return { name: file.name, address, load: async () => file, release: () => URL.revokeObjectURL(address) };
}

function fromSample(name) {
  const samplePath = `static/samples/${name}`;
  return { name, samplePath, address: samplePath, load: (signal) => fetchFile(samplePath, signal), release() {} };
}

/** `take(pictures)` gets what came in, at least one; `complain(key)` the text for what held no picture. */
export function listen(take, complain) {
  const takeFiles = (files, complaint) => {
    if (files.length) take([...files].map(fromFile));
    else if (complaint) complain(complaint);
  };
  for (const input of document.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", () => {
      takeFiles(input.files);
      input.value = ""; // so that the same file can be chosen again
    });
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return; // a file input opens by Space alone, but it looks like a button here
      event.preventDefault();
      input.click();
    });
  }
  for (const button of document.querySelectorAll("[data-sample]")) {
    button.addEventListener("click", () => take([fromSample(button.dataset.sample)]));
  }
  addEventListener("paste", (event) => takeFiles(event.clipboardData.files, "noPicturePasted"));
  listenToDrops((files) => takeFiles(files, "noPictureDropped"));
}

function listenToDrops(takeFiles) {
  let depth = 0; // a drag enters each element below the pointer before it leaves the last one
  const mark = () => document.body.classList.toggle("dragging", depth > 0);
  const enterOrLeave = (step) => (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    depth = Math.max(0, depth + step);
    mark();
  };
  addEventListener("dragenter", enterOrLeave(1));
  addEventListener("dragleave", enterOrLeave(-1));
  addEventListener("dragover", (event) => event.preventDefault()); // or the browser would open the file instead
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    mark();
    takeFiles(event.dataTransfer.files);
  });
}
