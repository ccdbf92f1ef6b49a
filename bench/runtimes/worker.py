"""Worker process of a runtime: `python -m bench.runtimes.worker PACKAGE MODULE:FUNCTION FILE THREADS IMAGES`.

Imports PACKAGE before anything that would speed the import up, and prints the seconds of import and loading. Then
executes requests, given as lines of JSON on its input.
"""

import importlib
import json
import sys
from pathlib import Path
from time import perf_counter, process_time
from typing import Any


def main(package: str, loader: str, file: str, threads: str, image_file: str) -> None:
    started = perf_counter()
    importlib.import_module(package)
    imported = perf_counter() - started
    module, _, function = loader.partition(":")
    load = getattr(importlib.import_module(f"bench.runtimes.{module}"), function)

    import numpy as np  # noqa: PLC0415  after the runtime, which imports NumPy itself

    images = np.load(image_file)
    started = perf_counter()
    predict = load(Path(file), int(threads))
    predict(images[:1])
    _send({"importing": imported, "loading": perf_counter() - started})
    for line in sys.stdin:
        request = json.loads(line)
        size = request["size"]
        if request["do"] == "time":
            _send(_timed(predict, images[:size], request["calls"]))
        else:
            parts = [predict(images[start : start + size])[0] for start in range(0, len(images), size)]
            _send(np.concatenate(parts).argmax(axis=1).tolist())


def _timed(predict: Any, images: Any, calls: int) -> dict[str, Any]:
    """Return the wall-clock seconds of each call, after one warm-up call, and the processor time of all."""
    predict(images)
    wall, processors = [], process_time()
    for _ in range(calls):
        started = perf_counter()
        predict(images)
        wall.append(perf_counter() - started)
    return {"wall": wall, "processors": process_time() - processors}


def _send(response: Any) -> None:
    print(json.dumps(response), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
