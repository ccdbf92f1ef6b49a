"""The table of targets: what must be reached, from the saved results of all sections."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from bench.cold_starts import BARE, BARE_IMPORTS, HTTP, WORKER
from bench.environments import THIS
from bench.requests import PHOTO, RAW, SMALL, TENSOR_BINARY, TENSOR_JSON
from bench.results import RATIO, Cell, Figure, Table, number

_OWN: Final = THIS.name


@dataclass(frozen=True)
class Target:
    """`pattern` names the figures of a row; of several, the worst counts."""

    what: str
    pattern: str
    bar: float
    stretch: float
    at_least: bool = False


def _requests(kind: str, peer: str, bar: float, stretch: float) -> Target:
    what = f"{kind}: requests per second, 8 connections, against {peer.replace('[LB]*', 'LitServe and BentoML')}"
    return Target(what, f"{kind}, 8 connections: {_OWN} / {peer}", bar, stretch, at_least=True)


TARGETS: Final = (
    _requests(SMALL, "FastAPI", 1.0, 1.2),
    _requests(RAW, "FastAPI", 1.0, 1.2),
    _requests(TENSOR_JSON, "MLServer", 1.15, 1.5),
    _requests(TENSOR_BINARY, "MLServer", 1.15, 1.5),
    _requests(PHOTO, "[LB]*", 0.8, 1.2),
    Target(f"{SMALL}: two workers against one", f"{SMALL}, 8 *: two workers / one", 1.8, 1.9, at_least=True),
    Target("a photo of 0.1 megapixels, bytes to answer, against another commit", f"photo: {_OWN} / commit *", 0.7, 0.5),
    Target("64 small images in one request, against 64 requests", f"batch: {_OWN} / 64 *", 0.35, 0.25),
    Target("12-megapixel JPEG, against open, convert, resize, run", f"12-*: {_OWN} / open*", 0.3, 0.25),
    Target("28x28 PNG, event in, reply out, against decode and run", f"28x28 PNG: {_OWN} / decode*", 1.7, 1.4),
    Target("HTTP function cold, against bare imports", f"{HTTP} / {BARE_IMPORTS}", 0.9, 0.75),
    Target("HTTP function cold, against a bare handler", f"{HTTP} / {BARE}", 1.8, 1.5),
    Target("worker cold, against HTTP cold", f"{WORKER} / HTTP", 0.6, 0.5),
    Target("package, unpacked, MB", f"package of {_OWN}, unpacked", 100, 85),
    Target("package, zipped, MB", f"package of {_OWN}, zipped", 36, 30),
)


def table(figures: Iterable[Figure]) -> Table:
    """One row for each target; "by processor time" is the same ratio without waiting and other programs."""
    found = list(figures)
    return Table(
        "Targets",
        ("what", "measured", "by processor time", "target", "stretch target", "reached"),
        tuple(tuple(_cells(target, found)) for target in TARGETS),
    )


def _cells(target: Target, figures: list[Figure]) -> Iterator[Cell]:
    worst, by_processor = _worst(target, figures, ""), _worst(target, figures, ", processor time")
    sign = "≥" if target.at_least else "≤"
    yield from (target.what, str(worst) if worst else None, str(by_processor) if by_processor else "")
    yield from (f"{sign} {number(target.bar)}", f"{sign} {number(target.stretch)}", _verdict(target, worst))


def _worst(target: Target, figures: list[Figure], suffix: str) -> Figure | None:
    """Processor time per request is inverted, where requests per second are compared."""
    matching = [each for each in figures if fnmatchcase(each.name, target.pattern + suffix)]
    if not suffix:
        matching = [each for each in matching if "processor time" not in each.name]
    if suffix and target.at_least:
        matching = [Figure(each.name, RATIO, tuple(1 / one for one in each.samples)) for each in matching]
    choose = min if target.at_least else max
    return choose(matching, key=lambda each: each.median, default=None)


def _verdict(target: Target, measured: Figure | None) -> str:
    if measured is None:
        return ""
    sign = -1 if target.at_least else 1
    reached = [sign * measured.median <= sign * bound for bound in (target.bar, target.stretch)]
    return "stretch target" if all(reached) else "yes" if reached[0] else "**no**"
