// Encodes images, or parts of them, with a canvas: at a smaller size, in a format that servers read.

/** A part of `source`, in its pixels, at most `longest` pixels wide and high; null if the browser cannot encode it. */
export function encoded(source, { left = 0, top = 0, width, height }, { longest, type, quality }) {
  const scale = Math.min(1, longest / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(scale * width));
  canvas.height = Math.max(1, Math.round(scale * height));
  canvas.getContext("2d").drawImage(source, left, top, width, height, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => { canvas.toBlob(resolve, type, quality); });
}

/** `file` in this format; itself if the browser cannot decode it. */
export async function reencoded(file, format) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return file;
  const blob = await encoded(bitmap, bitmap, format);
  bitmap.close();
  return blob ?? file;
}
