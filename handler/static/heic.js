// Re-encodes HEIC images as JPEG where the browser can decode them: smaller uploads. Others go to the server as they are.

import { reencoded } from "./encoding.js";

const IS_HEIC = /\.hei[cf]$/i;
const FORMAT = { longest: 2000, type: "image/jpeg", quality: 0.92 };

/** `file`, or a JPEG copy of a HEIC file. */
export async function readableFile(file) {
  return IS_HEIC.test(file.name) || /^image\/hei[cf]$/.test(file.type) ? reencoded(file, FORMAT) : file;
}
