"""Cold start by part: from process start to the first response, compared with baseline implementations."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench.baselines.contenders import BARE, CONTENDERS, FLOAT, HTTP, PYTORCH, Contender
from bench.baselines.packages import Package, package
from bench.baselines.pythons import IN_IMAGE, THIS, Interpreter, torch_for_cpus
from bench.baselines.starting import Start, starter
from bench.baselines.torch_builds import imports_of_torch
from bench.docker_image import need_image
from bench.images import small_png
from bench.in_container.events import request
from bench.machine import versions
from bench.sections import Cell, Plot, Section, Table
from bench.timing import Spread

_PARTS: Final = {
    "interpreter": "interpreter",
    "imports": "imports and set-up",
    "session": "session",
    "first image": "first image",
    "total": "total",
}
_METHOD: Final = (
    "Each package is mounted read-only at /var/task in a running container of Lambda's image for Python 3.13, without a"
    " network. A fresh process imports its function and classifies one 28x28 PNG.",
    "The total is measured from outside, from process start to response; the parts are measured in the process. Session"
    " means loading the model. This project's functions classify a sample photo of their own during import; that time"
    " counts as part of the first image. The worker's S3 is a local server that responds immediately.",
    "Excluded are Lambda's own steps, which are the same for all: starting the micro-VM, downloading the package, the"
    " runtime client. All functions use both cores; Lambda assigns one core at 1,769 MB of memory.",
    "Baselines are as pip installs them; without bytecode is what `sam build` produces. With bytecode means compiled by"
    " the Python that runs it, with unchecked-hash invalidation. This project ships with bytecode, and without unused"
    " files.",
)


@dataclass(frozen=True)
class _Variant:
    contender: Contender
    bytecode: bool
    interpreter: Interpreter
    package: Package


def measure(*, quick: bool) -> Section:
    """Measure in Lambda's image. Unless `quick`, include PyTorch, whose first installation takes minutes.

    Raises NoDocker.
    """
    need_image()
    torch, rounds = None if quick else torch_for_cpus(), 2 if quick else 7
    starts = _starts(list(_variants(torch)), rounds)
    tables = [_parts_table(starts), _needs_table(starts)]
    if torch and not quick:
        tables.append(_torch_table(torch, starts))
    return Section(
        name="cold_starts",
        title="Cold starts",
        method=(*_METHOD, f"{rounds} starts of each, in turns, after one warm-up start."),
        tables=tuple(tables),
        plots=(_totals_plot(starts), _parts_plot(starts)),
        notes=(*_comparisons(starts), *_about_torch(torch, quick=quick)),
        versions={
            **versions(("fastapi", "mangum", "numpy", "onnxruntime", "pillow")),
            **({"torch": torch[1]} if torch else {}),
        },
    )


def _variants(torch: tuple[Interpreter, str] | None) -> Iterator[_Variant]:
    for contender in CONTENDERS:
        if contender.torch and not torch:
            continue
        interpreter, build = torch if torch and contender.torch else (IN_IMAGE, None)
        for bytecode in (True, False):
            found = package(contender, interpreter, build, bytecode=bytecode)
            yield _Variant(contender, bytecode, interpreter, found)


def _starts(variants: Sequence[_Variant], rounds: int) -> dict[_Variant, list[Start]]:
    starts: dict[_Variant, list[Start]] = {each: [] for each in variants}
    with ExitStack() as stack:
        events = _write_events(Path(stack.enter_context(TemporaryDirectory())))
        starters = {
            each: stack.enter_context(starter(each.contender, each.package, each.interpreter, events))
            for each in variants
        }
        for turn in range(rounds + 1):  # the first fills the page cache
            for each, start in starters.items():
                found = start()
                if turn:
                    starts[each].append(found)
    return starts


def _write_events(folder: Path) -> Path:
    """Write an API Gateway event with an image, and an SQS event of an uploaded image."""
    image = small_png()
    detail = {"bucket": {"name": "uploads"}, "object": {"key": "a.png", "size": len(image), "sequencer": "01"}}
    body = {"detail-type": "Object Created", "time": "2026-01-01T00:00:00Z", "detail": detail}
    upload = {"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": json.dumps(body)}]}
    events: dict[str, dict[str, Any]] = {"http": request(image), "worker": upload}
    for name, event in events.items():
        (folder / f"{name}.json").write_text(json.dumps(event), encoding="utf-8")
    return folder


def _spread(starts: Sequence[Start], part: str) -> Spread:
    return Spread.of([start.seconds[part] for start in starts])


def _torch_table(torch: tuple[Interpreter, str], starts: Iterable[_Variant]) -> Table:
    """Compare the import times of PyTorch's builds."""
    package_folder = next(each.package.folder for each in starts if each.contender is PYTORCH and each.bytecode)
    builds = imports_of_torch(torch, package_folder, rounds=5)
    return Table(
        f"Process that only imports PyTorch, Python {THIS.version}, outside Docker, with bytecode",
        ("build of PyTorch", "unpacked, including CUDA libraries, MB", "ms: median (quartiles)"),
        tuple((name, size / 1e6, _milliseconds(seconds)) for name, (size, seconds) in builds.items()),
    )


def _milliseconds(spread: Spread) -> str:
    median_ms, lower, upper = (f"{seconds * 1e3:,.0f}" for seconds in (spread.median, spread.lower, spread.upper))
    return f"{median_ms} ({lower} to {upper})"


def _parts_table(starts: Mapping[_Variant, list[Start]]) -> Table:
    columns = tuple(f"{title}, ms" for title in _PARTS.values())

    def cells(_: Package, own: list[Start]) -> tuple[Cell, ...]:
        return tuple(_milliseconds(_spread(own, part)) for part in _PARTS)

    return _table("Process start to first response: median (quartiles)", columns, starts, cells)


def _needs_table(starts: Mapping[_Variant, list[Start]]) -> Table:
    columns = ("unpacked, MB", "zipped, MB", "peak memory, MB", "label", "score")

    def cells(own: Package, all_starts: list[Start]) -> tuple[Cell, ...]:
        peak = median(start.peak_mb for start in all_starts)
        return own.unpacked_bytes / 1e6, own.zipped_bytes / 1e6, peak, all_starts[0].label, all_starts[0].score

    return _table("Package size, memory and result", columns, starts, cells)


def _table(
    title: str,
    columns: tuple[str, ...],
    starts: Mapping[_Variant, list[Start]],
    cells: Callable[[Package, list[Start]], tuple[Cell, ...]],
) -> Table:
    """Make two rows for each contender, with and without bytecode; cells are empty if not measured."""
    rows: list[tuple[Cell, ...]] = []
    for contender in CONTENDERS:
        for bytecode in (True, False):
            variant = _of(starts, contender, bytecode=bytecode)
            measured = cells(variant.package, starts[variant]) if variant else (None,) * len(columns)
            rows.append((contender.name, "yes" if bytecode else "no", *measured))
    return Table(title, ("function", "bytecode", *columns), tuple(rows))


def _of(starts: Iterable[_Variant], contender: Contender, *, bytecode: bool) -> _Variant | None:
    return next((each for each in starts if each.contender is contender and each.bytecode is bytecode), None)


def _totals_plot(starts: Mapping[_Variant, list[Start]]) -> Plot:
    def points(*, bytecode: bool) -> tuple[tuple[str, float], ...]:
        mine = [each for each in starts if each.bytecode is bytecode]
        return tuple((each.contender.name, _spread(starts[each], "total").median * 1e3) for each in mine)

    return Plot(
        name="cold_starts",
        title="Process start to first response",
        x_label="",
        y_label="milliseconds (median)",
        series={"with bytecode": points(bytecode=True), "without bytecode": points(bytecode=False)},
    )


def _parts_plot(starts: Mapping[_Variant, list[Start]]) -> Plot:
    mine = [each for each in starts if each.bytecode]
    return Plot(
        name="cold_starts_parts",
        title="Parts of a cold start, with bytecode",
        x_label="",
        y_label="milliseconds (median)",
        series={
            title: tuple((each.contender.name, _spread(starts[each], part).median * 1e3) for each in mine)
            for part, title in _PARTS.items()
            if part != "total"
        },
    )


def _comparisons(starts: Mapping[_Variant, list[Start]]) -> Iterator[str]:
    """Compare this project's HTTP function with each baseline."""
    ours = _total_ms(starts, HTTP, bytecode=True)
    yield (
        f"{BARE.name}: has one route and one input format, no cropping of photos, no error handling and no"
        " documentation; it starts faster because it does less."
    )
    for baseline in (BARE, FLOAT, PYTORCH):
        for bytecode, how in ((True, "with bytecode"), (False, "without bytecode, as sam build makes it")):
            if _of(starts, baseline, bytecode=bytecode):
                theirs = _total_ms(starts, baseline, bytecode=bytecode)
                verdict = "faster" if ours < theirs else "slower"
                yield (
                    f"This project's HTTP function is {abs(theirs - ours):,.0f} ms {verdict} than {baseline.name}"
                    f" ({how}): {ours:,.0f} instead of {theirs:,.0f} ms."
                )


def _total_ms(starts: Mapping[_Variant, list[Start]], contender: Contender, *, bytecode: bool) -> float:
    variant = _of(starts, contender, bytecode=bytecode)
    return _spread(starts[variant], "total").median * 1e3 if variant else float("nan")


def _about_torch(torch: tuple[Interpreter, str] | None, *, quick: bool) -> Iterator[str]:
    if quick:
        yield f"{PYTORCH.name}: skipped, because installing it takes minutes."
    elif not torch:
        yield (
            f"{PYTORCH.name}: not measured, because pip finds no CPU build, and the CUDA build would be an unfair"
            " comparison; set PIP_EXTRA_INDEX_URL to PyTorch's index of CPU builds."
        )
    else:
        if torch[0] is not IN_IMAGE:
            yield f"{PYTORCH.name}: run by Python {torch[0].version}, as pip finds no CPU build for {IN_IMAGE.version}."
        yield f"{PYTORCH.name}: exceeds Lambda's limit of 250 MB for zip packages; would need a container image."
