// Live camera view: classifies what the camera sees, one request at a time, at most five a second.

import { classifyFrame, RequestError } from "./api.js";
import { encoded } from "./encoding.js";
import { text } from "./texts.js";
import { titleOf, voiceOf } from "./voice.js";

const MILLISECONDS_PER_FRAME = 200;
const LONGEST_SIDE = 480; // pixels that are sent
const REASONS = { NotAllowedError: "cameraDenied", NotFoundError: "cameraMissing" };

const find = (id) => document.getElementById(id);

export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia); // only with HTTPS, or on this computer

/** Opens the view; `onPicture(file)` gets each picture that the visitor keeps. */
export async function openCamera(onPicture) {
  const [dialog, video, keep] = ["live", "live-video", "live-keep"].map(find);
  const closed = new AbortController();
  dialog.addEventListener("close", () => closed.abort(), { once: true });
  find("live-title").textContent = text("cameraStarting");
  dialog.dataset.voice = "";
  keep.disabled = true; // until there is a picture
  dialog.showModal();
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
  } catch (error) {
    if (!closed.signal.aborted) find("live-title").textContent = text(REASONS[error.name] ?? "cameraFailed");
    return;
  }
  if (closed.signal.aborted) return stop(stream); // while the browser asked
  closed.signal.addEventListener("abort", () => {
    stop(stream);
    video.srcObject = null;
  });
  keep.onclick = async () => {
    onPicture(new File([await picture(Infinity)], "camera.jpg", { type: "image/jpeg" }));
    dialog.close();
  };
  video.srcObject = stream;
  await video.play().catch(() => {}); // rejected if it is closed at once
  if (closed.signal.aborted) return;
  keep.disabled = false;
  await watch(closed.signal);
}

function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}

async function watch(signal) {
  while (!signal.aborted) {
    const started = performance.now();
    if (find("live-video").videoWidth && !document.hidden) await show(signal);
    const left = MILLISECONDS_PER_FRAME - (performance.now() - started);
    await new Promise((resolve) => { setTimeout(resolve, Math.max(left, 0)); });
  }
}

async function show(signal) {
  try {
    const result = await classifyFrame(await picture(LONGEST_SIDE), signal);
    if (signal.aborted) return;
    find("live").dataset.voice = voiceOf(result);
    find("live-title").textContent = titleOf(result);
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
  return encoded(video, { width: video.videoWidth, height: video.videoHeight }, { longest, type: "image/jpeg", quality: 0.85 });
}
