// Re-encodes HEIC images as JPEG where the browser can decode them: smaller uploads. Others go to the server as they are.

const IS_HEIC = /\.hei[cf]$/i;
const LONGEST_SIDE = 2000; // pixels
const QUALITY = 0.92;

/** `file`, or a JPEG copy of a HEIC file. */
export async function readableFile(file) {
  if (!IS_HEIC.test(file.name) && !/^image\/hei[cf]$/.test(file.type)) return file;
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return file;
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = Object.assign(document.createElement("canvas"), {
    width: Math.round(scale * bitmap.width), height: Math.round(scale * bitmap.height) });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise((resolve) => { canvas.toBlob((blob) => resolve(blob ?? file), "image/jpeg", QUALITY); });
}
