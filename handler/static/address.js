// Fetches an image from its address on the web, by the browser: the other host must allow it (CORS).

import { RequestError } from "./api.js";
import { text } from "./texts.js";

const ADDRESS = /^https?:\/\/[^\s"'<>]+$/i;

/** The address in pasted or dropped text, or null. */
export function addressIn(words) {
  const [first] = words.trim().split(/\r?\n/);
  return ADDRESS.test(first) && URL.canParse(first) ? first : null;
}

/** The image at `address` as a file. Throws a RequestError with a reason that a visitor can act on. */
export async function fetchImage(address) {
  const response = await fetch(address, { credentials: "omit", referrerPolicy: "no-referrer" }).catch(blocked);
  if (!response.ok) throw new RequestError("addressFailed", { status: response.status });
  const blob = await response.blob().catch(blocked);
  return new File([blob], nameIn(address), { type: blob.type });
}

function blocked() {
  throw new RequestError("addressBlocked"); // the browser does not tell CORS from a network error
}

export const addressNotice = (error, address) => text(error.reason, { host: new URL(address).host, status: error.status });

function nameIn(address) {
  const last = new URL(address).pathname.split("/").pop();
  try {
    return decodeURIComponent(last) || "image";
  } catch {
    return last; // a stray % in it
  }
}
