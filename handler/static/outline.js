// Draws the outline of a mask as an SVG path, by marching squares (Lorensen and Cline, 1987, in two dimensions).

// Which sides of a cell its line joins, by which corners are inside: 1 top left, 2 top right, 4 bottom right, 8 bottom left.
const JOINS = {
  1: ["left top"], 2: ["top right"], 3: ["left right"], 4: ["right bottom"], 5: ["left top", "right bottom"],
  6: ["top bottom"], 7: ["left bottom"], 8: ["left bottom"], 9: ["top bottom"], 10: ["top right", "left bottom"],
  11: ["right bottom"], 12: ["left right"], 13: ["top right"], 14: ["left top"],
};

/** The SVG path around a mask that is the image at `url`, white on black; in units of its pixels. */
export async function outlineOf(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const { naturalWidth: width, naturalHeight: height } = image;
  const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const shareInside = (x, y) => (x >= 0 && y >= 0 && x < width && y < height ? data[4 * (y * width + x)] / 255 : 0);
  return { path: pathAround(blurred(shareInside), width, height), width, height };
}

/** The mean of each pixel and its neighbours, so that the line has no steps. */
const blurred = (valueAt) => (x, y) => {
  let sum = 0;
  for (let dy = -1; dy <= 1; dy += 1) for (let dx = -1; dx <= 1; dx += 1) sum += valueAt(x + dx, y + dy);
  return sum / 9;
};

function pathAround(valueAt, width, height) {
  const lines = [];
  for (let y = -1; y < height; y += 1) {
    for (let x = -1; x < width; x += 1) {
      const corners = [valueAt(x, y), valueAt(x + 1, y), valueAt(x + 1, y + 1), valueAt(x, y + 1)];
      const inside = corners.reduce((bits, value, i) => bits + (value > 0.5 ? 2 ** i : 0), 0);
      for (const join of JOINS[inside] ?? []) lines.push(lineIn(x + 0.5, y + 0.5, corners, join));
    }
  }
  return lines.join("");
}

/** The line between two sides of a cell, each crossed where the value between its corners is one half. */
function lineIn(x, y, [topLeft, topRight, bottomRight, bottomLeft], join) {
  const share = (from, to) => (0.5 - from) / (to - from);
  const points = {
    top: () => [x + share(topLeft, topRight), y],
    right: () => [x + 1, y + share(topRight, bottomRight)],
    bottom: () => [x + share(bottomLeft, bottomRight), y + 1],
    left: () => [x, y + share(topLeft, bottomLeft)],
  };
  const [from, to] = join.split(" ").map((side) => points[side]().map((value) => value.toFixed(2)).join(" "));
  return `M${from}L${to}`;
}
