"""Warm requests in one process of Lambda's image, beside the least code for the same task."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

from bench.environments import THIS, Checkout
from bench.lambda_image import in_container, need_image
from bench.machine import versions
from bench.packages import own_package
from bench.results import Figure, Section, Table, milliseconds, ratio

TASKS: Final = {
    "28x28 PNG": ("event in, reply out", "decode and run"),
    "28x28 PNG in doubt": ("event in, reply out", "decode and run"),
    "photo": ("22 kB, bytes to answer", "open, convert, resize and run"),
    "12-megapixel JPEG": ("3.3 MB, bytes to answer", "open, convert, resize and run"),
    "batch": ("64 small images in one request", "64 requests"),
}
_METHOD: Final = (
    "The package that `sam build` makes, mounted read-only in Lambda's image with Python 3.13, without a network. In"
    " one process, what is compared takes turns; another commit runs in a second process, in turns with the first.",
    "Ratios are taken round by round, then their median (and quartiles). Processor time is less sensitive to other"
    " programs on the machine.",
)

Rounds = Sequence[Mapping[str, Mapping[str, tuple[float, float]]]]  # of one package


def measure(*, quick: bool, against: Checkout | None) -> Section:
    """Measure in Lambda's image. Raises NoDocker or CannotMeasure."""
    need_image()
    rounds = 2 if quick else 15
    packages = {each.name: own_package(each) for each in (THIS, against) if each}
    found = _rounds(packages, rounds)
    ratios = list(_ratios(found, against))
    return Section(
        "requests",
        "Requests in process",
        (*_METHOD, f"{rounds} rounds after one to warm up."),
        (_table(found), Table("Ratios", ("ratio", "value"), tuple((each.name, str(each)) for each in ratios))),
        (*_figures(found), *ratios),
        versions=versions(("fastapi", "mangum", "numpy", "onnxruntime", "pillow")),
    )


def _rounds(packages: Mapping[str, Any], rounds: int) -> dict[str, Rounds]:
    with ExitStack() as stack:
        asks = {name: stack.enter_context(in_container(folder, "warm")) for name, folder in packages.items()}
        turns = [{name: ask() for name, ask in asks.items()} for _ in range(rounds + 1)]
    return {name: [turn[name] for turn in turns[1:]] for name in packages}


def _figure(rounds: Rounds, task: str, contender: str, clock: int, name: str = "") -> Figure:
    return milliseconds(name, [each[task][contender][clock] for each in rounds])


def _table(found: Mapping[str, Rounds]) -> Table:
    rows = []
    for task, (what, other) in TASKS.items():
        for name, rounds in found.items():
            rows.append((task, f"{name}: {what}", *(str(_figure(rounds, task, "own", clock)) for clock in (0, 1))))
        own = found[THIS.name]
        rows.append((task, other, *(str(_figure(own, task, "other", clock)) for clock in (0, 1))))
    return Table("Median (quartiles)", ("task", "code", "ms", "processor time, ms"), tuple(rows))


def _figures(found: Mapping[str, Rounds]) -> Iterator[Figure]:
    for name, rounds in found.items():
        for task in TASKS:
            yield _figure(rounds, task, "own", 1, f"{task}: {name}, processor time")


def _ratios(found: Mapping[str, Rounds], against: Checkout | None) -> Iterator[Figure]:
    own = found[THIS.name]
    for task, (_, other) in TASKS.items():
        for clock, suffix in enumerate(("", ", processor time")):
            mine = _figure(own, task, "own", clock)
            yield ratio(f"{task}: {THIS.name} / {other}{suffix}", mine, _figure(own, task, "other", clock))
            if against:
                theirs = _figure(found[against.name], task, "own", clock)
                yield ratio(f"{task}: {THIS.name} / {against.name}{suffix}", mine, theirs)
