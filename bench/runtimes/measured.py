"""Contenders in; how large and how quick each is, and what it answers, out."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

from bench.runtimes.contenders import Contender
from bench.runtimes.running import Running, Start, running
from bench.timing import Spread

SIZES: Final = (1, 8, 64)  # images of a call
THREADS: Final = (1, 2)
CALLS: Final = {1: 10, 8: 4, 64: 2}  # of each size, in a round
_SETTLING_SECONDS: Final = 0.05  # for which a runtime's second thread may spin after a call, in wait of another
_ANSWERED_AT_ONCE: Final = 100

Case = tuple[int, int]  # threads, and images of a call


@dataclass(frozen=True)
class Effort:
    """How much is measured; `starts` are those before the two that run what follows."""

    starts: int
    rounds: int


@dataclass(frozen=True)
class Found:
    """Of one contender; `class_ids` are what it takes each image for."""

    installed_bytes: int
    file_bytes: int
    importing: Spread
    loading: Spread
    calls: Mapping[Case, Spread]
    class_ids: Sequence[int]


def find(contenders: Sequence[Contender], images: Path, effort: Effort) -> dict[Contender, Found]:
    """Of each of `contenders`, whose files are put beside that of the `images`."""
    for each in contenders:
        each.make(each.path(images.parent))
    starts = [_starts(contenders, images) for _ in range(effort.starts)]
    with _all_running(contenders, images) as processes:
        starts += [[processes[each, threads].start for each in contenders] for threads in THREADS]
        class_ids = _class_ids([processes[each, 1] for each in contenders])
        calls = _calls(processes, effort.rounds)
    return {
        each: Found(
            installed_bytes=_installed_bytes(each.distribution),
            file_bytes=sum(path.stat().st_size for path in images.parent.glob(f"{each.path(images.parent).stem}.*")),
            importing=Spread.of([start.importing for start in of_each]),
            loading=Spread.of([start.loading for start in of_each]),
            calls={(threads, size): Spread.of(calls[each, threads, size]) for threads in THREADS for size in SIZES},
            class_ids=answers,
        )
        for each, of_each, answers in zip(contenders, zip(*starts, strict=True), class_ids, strict=True)
    }


def _installed_bytes(name: str) -> int:
    paths = [Path(str(file.locate())) for file in distribution(name).files or ()]
    return sum(path.stat().st_size for path in paths if path.exists())


def _starts(contenders: Sequence[Contender], images: Path) -> list[Start]:
    starts = []
    for each in contenders:
        with running(each, 1, images) as process:
            starts.append(process.start)
    return starts


@contextmanager
def _all_running(contenders: Sequence[Contender], images: Path) -> Iterator[dict[tuple[Contender, int], Running]]:
    """A process for each of `contenders` and each number of threads; they wait until they are asked."""
    with ExitStack() as stack:
        yield {
            (each, threads): stack.enter_context(running(each, threads, images))
            for threads in THREADS
            for each in contenders
        }


def _class_ids(processes: Sequence[Running]) -> list[list[int]]:
    """Two at a time, as this is not timed."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda each: each.class_ids(_ANSWERED_AT_ONCE), processes))


def _calls(
    processes: Mapping[tuple[Contender, int], Running], rounds: int
) -> dict[tuple[Contender, int, int], list[float]]:
    """Seconds of every call, in turns, so that a busy moment of the machine meets all."""
    seconds: dict[tuple[Contender, int, int], list[float]] = {}
    for _ in range(rounds):
        for size, calls in CALLS.items():
            for (each, threads), process in processes.items():
                seconds.setdefault((each, threads, size), []).extend(process.seconds(size, calls))
                if threads > 1:
                    time.sleep(_SETTLING_SECONDS)
    return seconds
