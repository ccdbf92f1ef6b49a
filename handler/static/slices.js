// Long loops in slices, between which the browser draws and reacts: no task is long enough to be felt.

const SLICE_MILLISECONDS = 30;

/** Calls `action(item)` for each of `items`; the first slice at once, the others in tasks of their own. */
export async function inSlices(items, action) {
  let started = performance.now();
  for (const item of items) {
    action(item);
    if (performance.now() - started < SLICE_MILLISECONDS) continue;
    await new Promise((resolve) => { setTimeout(resolve); });
    started = performance.now();
  }
}
