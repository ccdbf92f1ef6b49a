// Live camera view: classifies what the camera sees, one request at a time, at most five a second.

import { classifyFrame, RequestError } from "./api.js";
import { text } from "./texts.js";
import { titleOf, voiceOf } from "./voice.js";

const MILLISECONDS_PER_FRAME = 200;
const LONGEST_SIDE = 480; // pixels that are sent
const REASONS = { NotAllowedError: "cameraDenied", NotFoundError: "cameraMissing" };

const find = (id) => document.getElementById(id);

export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia); // only with HTTPS, or on this computer

/** Opens the view; `onPicture(file)` gets each picture that the visitor keeps. */
export async function openCamera(labelOf, onPicture) {
  const dialog = find("live");
  find("live-title").textContent = text("cameraStarting");
  dialog.showModal();
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
  } catch (error) {
    find("live-title").textContent = text(REASONS[error.name] ?? "cameraFailed");
    return;
  }
  const stopped = new AbortController();
  const stop = () => {
    stopped.abort();
    for (const track of stream.getTracks()) track.stop();
    find("live-video").srcObject = null;
  };
  if (!dialog.open) return stop(); // closed while the browser asked
  dialog.addEventListener("close", stop, { once: true });
  find("live-keep").onclick = async () => {
    onPicture(new File([await picture(Infinity)], `${text("cameraPicture")}.jpg`, { type: "image/jpeg" }));
    dialog.close();
  };
  find("live-video").srcObject = stream;
  await find("live-video").play().catch(() => {}); // rejected if it is closed at once
  await watch(labelOf, stopped.signal);
}

async function watch(labelOf, signal) {
  while (!signal.aborted) {
    const started = performance.now();
    if (find("live-video").videoWidth && !document.hidden) await show(labelOf, signal);
    const left = MILLISECONDS_PER_FRAME - (performance.now() - started);
    await new Promise((resolve) => { setTimeout(resolve, Math.max(left, 0)); });
  }
}

async function show(labelOf, signal) {
  try {
    const result = await classifyFrame(await picture(LONGEST_SIDE), signal);
    if (signal.aborted) return;
    find("live").dataset.voice = voiceOf(result);
    find("live-title").textContent = titleOf(result, labelOf);
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof RequestError)) throw error;
    find("live-title").textContent = text("cameraNoAnswer");
    await new Promise((resolve) => { setTimeout(resolve, 5 * MILLISECONDS_PER_FRAME); }); // a busy server gets time
  }
}

/** What the camera sees now, as a JPEG whose longer side is at most `longest` pixels. */
function picture(longest) {
  const video = find("live-video");
  const scale = Math.min(1, longest / Math.max(video.videoWidth, video.videoHeight));
  const canvas = Object.assign(document.createElement("canvas"), {
    width: Math.round(scale * video.videoWidth), height: Math.round(scale * video.videoHeight) });
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.85); });
}
