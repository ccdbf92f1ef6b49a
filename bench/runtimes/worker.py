"""A runtime, a model file, a number of threads and pictures in; how long it takes, and what it answers, out.

`python -m bench.runtimes.worker PACKAGE MODULE:FUNCTION FILE THREADS IMAGES` imports PACKAGE, before all that makes
that quicker, then says how long it took, and then does what lines of JSON on its input ask.
"""

import importlib
import json
import sys
from pathlib import Path
from time import perf_counter, process_time
from typing import Any


def main(package: str, loader: str, file: str, threads: str, images: str) -> None:
    started = perf_counter()
    importlib.import_module(package)
    imported = perf_counter() - started
    module, _, function = loader.partition(":")
    load = getattr(importlib.import_module(f"bench.runtimes.{module}"), function)

    import numpy as np  # noqa: PLC0415  not before the runtime, which imports it itself

    pictures = np.load(images)
    started = perf_counter()
    answer = load(Path(file), int(threads))
    answer(pictures[:1])
    _say({"importing": imported, "loading": perf_counter() - started})
    for line in sys.stdin:
        request = json.loads(line)
        size = request["size"]
        if request["do"] == "time":
            _say(_timed(answer, pictures[:size], request["calls"]))
        else:
            parts = [answer(pictures[start : start + size])[0] for start in range(0, len(pictures), size)]
            _say(np.concatenate(parts).argmax(axis=1).tolist())


def _timed(answer: Any, pictures: Any, calls: int) -> dict[str, Any]:
    """Seconds of each of `calls`, after one that does not count, and of all processors during all of them."""
    answer(pictures)
    wall, processors = [], process_time()
    for _ in range(calls):
        started = perf_counter()
        answer(pictures)
        wall.append(perf_counter() - started)
    return {"wall": wall, "processors": process_time() - processors}


def _say(reply: Any) -> None:
    print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
