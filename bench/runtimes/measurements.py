"""Measure size, start-up, latency and predicted classes of each contender."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

from bench.runtimes.contenders import Contender
from bench.runtimes.process import RuntimeProcess, Start, start_process
from bench.timing import Spread

SIZES: Final = (1, 8, 64)  # images per call
THREADS: Final = (1, 2)
CALLS: Final = {1: 10, 8: 4, 64: 2}  # calls per round, by size
_SETTLING_SECONDS: Final = 0.05  # a runtime's second thread may spin this long after a call
_ACCURACY_BATCH: Final = 100

Case = tuple[int, int]  # threads, and images per call


@dataclass(frozen=True)
class Effort:
    """Number of repetitions; `starts` are in addition to the processes that run the calls."""

    starts: int
    rounds: int


@dataclass(frozen=True)
class Measurements:
    """Results of one contender; `class_ids` has the most probable class of each image."""

    installed_bytes: int
    file_bytes: int
    importing: Spread
    loading: Spread
    calls: Mapping[Case, Spread]
    class_ids: Sequence[int]


def measure_all(contenders: Sequence[Contender], images: Path, effort: Effort) -> dict[Contender, Measurements]:
    """Measure each of `contenders`; their model files are written to the folder of `images`."""
    for each in contenders:
        each.make(each.path(images.parent))
    starts = [_starts(contenders, images) for _ in range(effort.starts)]
    with _all_running(contenders, images) as processes:
        starts += [[processes[each, threads].start for each in contenders] for threads in THREADS]
        class_ids = _class_ids([processes[each, 1] for each in contenders])
        calls = _calls(processes, effort.rounds)
    return {
        each: Measurements(
            installed_bytes=_installed_bytes(each.distribution),
            file_bytes=sum(path.stat().st_size for path in images.parent.glob(f"{each.path(images.parent).stem}.*")),
            importing=Spread.of([start.importing for start in of_each]),
            loading=Spread.of([start.loading for start in of_each]),
            calls={(threads, size): Spread.of(calls[each, threads, size]) for threads in THREADS for size in SIZES},
            class_ids=class_ids_of_each,
        )
        for each, of_each, class_ids_of_each in zip(contenders, zip(*starts, strict=True), class_ids, strict=True)
    }


def _installed_bytes(name: str) -> int:
    paths = [Path(str(file.locate())) for file in distribution(name).files or ()]
    return sum(path.stat().st_size for path in paths if path.exists())


def _starts(contenders: Sequence[Contender], images: Path) -> list[Start]:
    starts = []
    for each in contenders:
        with start_process(each, 1, images) as process:
            starts.append(process.start)
    return starts


@contextmanager
def _all_running(
    contenders: Sequence[Contender], images: Path
) -> Iterator[dict[tuple[Contender, int], RuntimeProcess]]:
    """Start an idle process for each of `contenders` and each number of threads."""
    with ExitStack() as stack:
        yield {
            (each, threads): stack.enter_context(start_process(each, threads, images))
            for threads in THREADS
            for each in contenders
        }


def _class_ids(processes: Sequence[RuntimeProcess]) -> list[list[int]]:
    """Predict two contenders at a time, as this is not timed."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda each: each.class_ids(_ACCURACY_BATCH), processes))


def _calls(
    processes: Mapping[tuple[Contender, int], RuntimeProcess], rounds: int
) -> dict[tuple[Contender, int, int], list[float]]:
    """Time all calls in turns, so that background load on the machine affects all alike."""
    seconds: dict[tuple[Contender, int, int], list[float]] = {}
    for _ in range(rounds):
        for size, calls in CALLS.items():
            for (each, threads), process in processes.items():
                seconds.setdefault((each, threads, size), []).extend(process.seconds(size, calls))
                if threads > 1:
                    time.sleep(_SETTLING_SECONDS)
    return seconds
