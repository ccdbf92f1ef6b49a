"""Cold start by part: from process start to the first response, beside baselines; imports; package sizes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.environments import THIS, Checkout
from bench.in_container.one_start import IMPORTS
from bench.lambda_image import in_container, need_image
from bench.machine import versions
from bench.packages import Baseline, baseline_package, own_package, unpacked_mb, zipped_mb
from bench.results import Cell, Figure, Section, Table, milliseconds, ratio

HTTP, WORKER = f"{THIS.name}, HTTP", f"{THIS.name}, worker"
BARE, FASTAPI, BARE_IMPORTS = "bare handler", "FastAPI and Mangum", "bare imports"
WITH, WITHOUT = "yes", "no"
_ENTRIES: Final = {"HTTP": "handler.http_entry", "worker": "handler.s3_entry"}
_BASELINES: Final = {
    BARE: Baseline("bare", ("numpy", "onnxruntime", "pillow")),
    FASTAPI: Baseline("fastapi_app", ("fastapi", "mangum", "numpy", "onnxruntime", "pillow")),
}
_PARTS: Final = ("interpreter", "imports", "session", "first image", "total")
_SHOWN_IMPORTS: Final = 12
_METHOD: Final = (
    "Each package is mounted read-only at /var/task in Lambda's image for Python 3.13, without a network. A fresh"
    " process imports its function and classifies one 28x28 PNG; all take turns.",
    "The total is measured from outside, from process start to response; the parts in the process. Session means"
    " loading models, wherever it happens. This project's functions classify a sample photo during import, which counts"
    " as imports. The worker's S3 is a local server that responds immediately.",
    "Excluded are Lambda's own steps, which are the same for all: starting the micro-VM, downloading the package, the"
    " runtime client. All functions use both cores; Lambda assigns one core at 1,769 MB of memory.",
    "Baselines are as pip installs them; without bytecode is what `sam build` produces. With bytecode means compiled by"
    " the Python that runs it, with unchecked-hash invalidation, as this project ships. The bare imports are `import"
    " fastapi, mangum, onnxruntime, PIL.Image` from this project's package.",
)


@dataclass(frozen=True)
class _Variant:
    name: str
    bytecode: str
    module: str
    package: Path


Starts = Mapping[_Variant, Sequence[Mapping[str, Any]]]


def measure(*, quick: bool, against: Checkout | None) -> Section:
    """Measure in Lambda's image. Raises NoDocker or CannotMeasure."""
    need_image()
    rounds = 2 if quick else 11
    variants = list(_variants(against))
    starts = _starts(variants, rounds)
    packages = {each.name.partition(",")[0]: each.package for each in variants if each.bytecode == WITH}
    del packages[BARE_IMPORTS]  # this project's
    sizes = {name: (unpacked_mb(folder), zipped_mb(folder)) for name, folder in packages.items()}
    return Section(
        "cold_starts",
        "Cold starts and package sizes",
        (*_METHOD, f"{rounds} starts of each, in turns, after one warm-up start. Median (and quartiles)."),
        (_parts(starts), _sizes(sizes), _imports(variants[0].package, 1 if quick else 5)),
        (*_figures(starts, sizes), *_ratios(starts, against)),
        versions=versions(("fastapi", "mangum", "numpy", "onnxruntime", "pillow")),
    )


def _variants(against: Checkout | None) -> Iterator[_Variant]:
    for checkout in filter(None, (THIS, against)):
        package = own_package(checkout)
        for kind, module in _ENTRIES.items():
            yield _Variant(f"{checkout.name}, {kind}", WITH, module, package)
        if checkout is THIS:
            yield _Variant(BARE_IMPORTS, WITH, IMPORTS, package)
    for name, baseline in _BASELINES.items():
        yield _Variant(name, WITH, baseline.module, baseline_package(baseline, bytecode=True))
        yield _Variant(name, WITHOUT, baseline.module, baseline_package(baseline, bytecode=False))


def _starts(variants: Sequence[_Variant], rounds: int) -> Starts:
    starts: dict[_Variant, list[Mapping[str, Any]]] = {each: [] for each in variants}
    with ExitStack() as stack:
        asks = {each: stack.enter_context(in_container(each.package, "starts", each.module)) for each in variants}
        for turn in range(rounds + 1):  # the first fills the page cache
            for each, ask in asks.items():
                start = ask()
                if turn:
                    starts[each].append(start)
    return starts


def _part(starts: Sequence[Mapping[str, Any]], part: str, name: str = "") -> Figure:
    return milliseconds(name, [start["seconds"][part] for start in starts])


def _parts(starts: Starts) -> Table:
    rows = []
    for each, own in starts.items():
        cells: list[Cell] = [str(_part(own, part)) if part in own[0]["seconds"] else "" for part in _PARTS]
        rows.append((each.name, each.bytecode, *cells, median(start["peak_mb"] for start in own), _answer(own[0])))
    columns = ("function", "bytecode", *(f"{part}, ms" for part in _PARTS), "peak memory, MB", "answer")
    return Table("Process start to first response", columns, tuple(rows))


def _answer(start: Mapping[str, Any]) -> str:
    if not start["response"]:
        return ""
    answer = json.loads(start["response"])
    best = answer.get("predictions", [answer])[0]
    return f"class {best['class_id']:.0f}, {best['score']:.3f}"


def _sizes(sizes: Mapping[str, tuple[float, float]]) -> Table:
    rows = tuple((name, *megabytes) for name, megabytes in sizes.items())
    return Table("Package sizes, with bytecode", ("package", "unpacked, MB", "zipped, MB"), rows)


def _imports(package: Path, repetitions: int) -> Table:
    """What the imports of both entries take, by top-level package."""
    found = {}
    for kind, module in _ENTRIES.items():
        with in_container(package, "import_times", module) as ask:
            runs = [ask() for _ in range(repetitions)]
        found[kind] = {name: median(run.get(name, 0) for run in runs) for name in runs[0]}
    names = sorted({name for own in found.values() for name in own}, key=lambda name: -max(_of(found, name)))
    rows: list[tuple[Cell, ...]] = [(name, *_of(found, name)) for name in names[:_SHOWN_IMPORTS]]
    rest = [sum(own.get(name, 0) for name in names[_SHOWN_IMPORTS:]) for own in found.values()]
    title = f"Imports by `python -X importtime`, own time of each package's modules, median of {repetitions}"
    return Table(title, ("package", "HTTP, ms", "worker, ms"), (*rows, ("all others", *rest)))


def _of(found: Mapping[str, Mapping[str, float]], name: str) -> list[float]:
    return [own.get(name, 0.0) for own in found.values()]


def _figures(starts: Starts, sizes: Mapping[str, tuple[float, float]]) -> Iterator[Figure]:
    for each, own in starts.items():
        yield _part(own, "total", f"{each.name}, bytecode {each.bytecode}: total")
    for name, (unpacked, zipped) in sizes.items():
        yield Figure(f"package of {name}, unpacked", "MB", (unpacked,))
        yield Figure(f"package of {name}, zipped", "MB", (zipped,))


def _ratios(starts: Starts, against: Checkout | None) -> Iterator[Figure]:
    by_name = {(each.name, each.bytecode): own for each, own in starts.items()}

    def total(name: str, bytecode: str = WITH) -> Figure:
        return _part(by_name[name, bytecode], "total")

    def in_process(name: str) -> Figure:
        """Without the interpreter's own start."""
        samples = [one["seconds"]["total"] - one["seconds"]["interpreter"] for one in by_name[name, WITH]]
        return milliseconds("", samples)

    yield ratio(f"{HTTP} / {BARE_IMPORTS}", in_process(HTTP), _part(by_name[BARE_IMPORTS, WITH], "imports"))
    yield ratio(f"{WORKER} / HTTP", in_process(WORKER), in_process(HTTP))
    for name in _BASELINES:
        yield ratio(f"{HTTP} / {name}", total(HTTP), total(name))
        yield ratio(f"{HTTP} / {name} without bytecode", total(HTTP), total(name, WITHOUT))
    if against:
        for own, kind in ((HTTP, "HTTP"), (WORKER, "worker")):
            yield ratio(f"{own} / {against.name}", total(own), total(f"{against.name}, {kind}"))
