// Paints an activation map, rows of values from 0 to 1, as a heat map of one pixel per value.

// Red, green, blue and alpha from the lowest value to the highest. The legend in style.css has the same colours.
const COLOURS = [[88, 28, 135, 0], [124, 58, 237, 90], [236, 72, 153, 180], [253, 186, 60, 220], [255, 244, 170, 240]];

export function paintHeatmap(canvas, activationMap) {
  const side = activationMap.length;
  const pixels = new Uint8ClampedArray(activationMap.flat().flatMap(colourOf));
  canvas.width = canvas.height = side;
  canvas.getContext("2d").putImageData(new ImageData(pixels, side, side), 0, 0);
}

/** Interpolates between the two nearest colours. */
function colourOf(value) {
  const position = Math.min(Math.max(value, 0), 1) * (COLOURS.length - 1);
  const below = Math.min(Math.floor(position), COLOURS.length - 2);
  return COLOURS[below].map((channel, i) => channel + (position - below) * (COLOURS[below + 1][i] - channel));
}
