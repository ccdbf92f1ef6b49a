"""How long a fresh process takes until it has answered its first picture, part by part, beside other ways to do it."""

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
from bench.in_container.events import request
from bench.machine import versions
from bench.pictures import small_png
from bench.sections import Cell, Plot, Section, Table
from bench.timing import Spread

_PARTS: Final = {
    "interpreter": "interpreter",
    "imports": "imports and set-up",
    "session": "session",
    "first picture": "first picture",
    "total": "total",
}
_METHOD: Final = (
    "In Lambda's image for Python 3.13, without a network, each package is at /var/task, read-only, as Lambda has it,"
    " and the container is there already; a fresh process is started, imports its function, and answers one 28x28 PNG.",
    "Total is from outside: from the start of the process until its answer is there. The parts are from within; session"
    " is the loading of the model. This project's functions answer a photo of their own while they are imported: that"
    " is in their first picture. The worker's S3 is a server that answers at once.",
    "Not in it are Lambda's own parts, which are the same for all: its micro-VM, its download of the package, its"
    " runtime client. Both cores are there for all; Lambda gives one at 1,769 MB of memory.",
    "Rivals are as pip installs them, and without bytecode, as `sam build` leaves them; with bytecode means compiled by"
    " the Python that runs it, checked by no date (unchecked-hash). This project ships with bytecode, and without what"
    " never runs.",
)


@dataclass(frozen=True)
class _Entrant:
    contender: Contender
    bytecode: bool
    interpreter: Interpreter
    package: Package


def measure(*, quick: bool) -> Section:
    """Needs Docker with Lambda's image. Without `quick`, rivals with PyTorch take part: minutes, the first time.

    Raises NoDocker.
    """
    need_image()
    torch, rounds = None if quick else torch_for_cpus(), 2 if quick else 7
    starts = _starts(list(_entrants(torch)), rounds)
    tables = [_parts_table(starts), _needs_table(starts)]
    if torch and not quick:
        tables.append(_torch_table(torch, starts))
    return Section(
        name="cold_starts",
        title="Cold starts",
        method=(*_METHOD, f"{rounds} starts of each, in turns, after one that does not count."),
        tables=tuple(tables),
        plots=(_totals_plot(starts), _parts_plot(starts)),
        notes=(*_comparisons(starts), *_about_torch(torch, quick=quick)),
        versions={
            **versions(("fastapi", "mangum", "numpy", "onnxruntime", "pillow")),
            **({"torch": torch[1]} if torch else {}),
        },
    )


def _entrants(torch: tuple[Interpreter, str] | None) -> Iterator[_Entrant]:
    for contender in CONTENDERS:
        if contender.torch and not torch:
            continue
        interpreter, build = torch if torch and contender.torch else (IN_IMAGE, None)
        for bytecode in (True, False):
            found = package(contender, interpreter, build, bytecode=bytecode)
            yield _Entrant(contender, bytecode, interpreter, found)


def _starts(entrants: Sequence[_Entrant], rounds: int) -> dict[_Entrant, list[Start]]:
    starts: dict[_Entrant, list[Start]] = {each: [] for each in entrants}
    with ExitStack() as stack:
        events = _write_events(Path(stack.enter_context(TemporaryDirectory())))
        starters = {
            each: stack.enter_context(starter(each.contender, each.package, each.interpreter, events))
            for each in entrants
        }
        for turn in range(rounds + 1):  # the first fills the disk's cache
            for each, start in starters.items():
                found = start()
                if turn:
                    starts[each].append(found)
    return starts


def _write_events(folder: Path) -> Path:
    """What API Gateway makes of a request with a picture, and the queue of one that was uploaded."""
    picture = small_png()
    detail = {"bucket": {"name": "uploads"}, "object": {"key": "a.png", "size": len(picture), "sequencer": "01"}}
    body = {"detail-type": "Object Created", "time": "2026-01-01T00:00:00Z", "detail": detail}
    upload = {"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": json.dumps(body)}]}
    events: dict[str, dict[str, Any]] = {"http": request(picture), "worker": upload}
    for name, event in events.items():
        (folder / f"{name}.json").write_text(json.dumps(event), encoding="utf-8")
    return folder


def _spread(starts: Sequence[Start], part: str) -> Spread:
    return Spread.of([start.seconds[part] for start in starts])


def _torch_table(torch: tuple[Interpreter, str], starts: Iterable[_Entrant]) -> Table:
    """What the choice of a build decides."""
    package_folder = next(each.package.folder for each in starts if each.contender is PYTORCH and each.bytecode)
    builds = imports_of_torch(torch, package_folder, rounds=5)
    return Table(
        f"A process that imports PyTorch and ends: in Python {THIS.version}, not in Docker, with bytecode",
        ("build of PyTorch", "unpacked, with CUDA's libraries if it has them, MB", "ms: median (quartiles)"),
        tuple((name, size / 1e6, _milliseconds(seconds)) for name, (size, seconds) in builds.items()),
    )


def _milliseconds(spread: Spread) -> str:
    median_ms, lower, upper = (f"{seconds * 1e3:,.0f}" for seconds in (spread.median, spread.lower, spread.upper))
    return f"{median_ms} ({lower} to {upper})"


def _parts_table(starts: Mapping[_Entrant, list[Start]]) -> Table:
    columns = tuple(f"{title}, ms" for title in _PARTS.values())

    def cells(_: Package, own: list[Start]) -> tuple[Cell, ...]:
        return tuple(_milliseconds(_spread(own, part)) for part in _PARTS)

    return _table("From start to first answer: median (quartiles)", columns, starts, cells)


def _needs_table(starts: Mapping[_Entrant, list[Start]]) -> Table:
    columns = ("unpacked, MB", "zipped, MB", "peak of memory, MB", "label", "score")

    def cells(own: Package, all_starts: list[Start]) -> tuple[Cell, ...]:
        peak = median(start.peak_mb for start in all_starts)
        return own.unpacked_bytes / 1e6, own.zipped_bytes / 1e6, peak, all_starts[0].label, all_starts[0].score

    return _table("What each takes, and what it answers", columns, starts, cells)


def _table(
    title: str,
    columns: tuple[str, ...],
    starts: Mapping[_Entrant, list[Start]],
    cells: Callable[[Package, list[Start]], tuple[Cell, ...]],
) -> Table:
    """A row for each contender with bytecode, and one without; empty where it could not be measured."""
    rows: list[tuple[Cell, ...]] = []
    for contender in CONTENDERS:
        for bytecode in (True, False):
            entrant = _of(starts, contender, bytecode=bytecode)
            measured = cells(entrant.package, starts[entrant]) if entrant else (None,) * len(columns)
            rows.append((contender.name, "yes" if bytecode else "no", *measured))
    return Table(title, ("function", "bytecode", *columns), tuple(rows))


def _of(starts: Iterable[_Entrant], contender: Contender, *, bytecode: bool) -> _Entrant | None:
    return next((each for each in starts if each.contender is contender and each.bytecode is bytecode), None)


def _totals_plot(starts: Mapping[_Entrant, list[Start]]) -> Plot:
    def points(*, bytecode: bool) -> tuple[tuple[str, float], ...]:
        mine = [each for each in starts if each.bytecode is bytecode]
        return tuple((each.contender.name, _spread(starts[each], "total").median * 1e3) for each in mine)

    return Plot(
        name="cold_starts",
        title="From the start of a process to its first answer",
        x_label="",
        y_label="milliseconds (median)",
        series={"with bytecode": points(bytecode=True), "without": points(bytecode=False)},
    )


def _parts_plot(starts: Mapping[_Entrant, list[Start]]) -> Plot:
    mine = [each for each in starts if each.bytecode]
    return Plot(
        name="cold_starts_parts",
        title="The parts of a start with bytecode",
        x_label="",
        y_label="milliseconds (median)",
        series={
            title: tuple((each.contender.name, _spread(starts[each], part).median * 1e3) for each in mine)
            for part, title in _PARTS.items()
            if part != "total"
        },
    )


def _comparisons(starts: Mapping[_Entrant, list[Start]]) -> Iterator[str]:
    """Who is first, and by how much this project's HTTP function is ahead or behind."""
    ours = _total_ms(starts, HTTP, bytecode=True)
    yield (
        f"{BARE.name}: it knows one path and one way to send a picture, cuts nothing out of photos, tells no error, and"
        " has no documentation; what starts sooner does less."
    )
    for rival in (BARE, FLOAT, PYTORCH):
        for bytecode, how in ((True, "with bytecode"), (False, "as sam build leaves it")):
            if _of(starts, rival, bytecode=bytecode):
                theirs = _total_ms(starts, rival, bytecode=bytecode)
                verdict = "sooner" if ours < theirs else "later"
                yield (
                    f"This project's HTTP function answers {abs(theirs - ours):,.0f} ms {verdict} than {rival.name},"
                    f" {how}: {ours:,.0f} against {theirs:,.0f} ms."
                )


def _total_ms(starts: Mapping[_Entrant, list[Start]], contender: Contender, *, bytecode: bool) -> float:
    entrant = _of(starts, contender, bytecode=bytecode)
    return _spread(starts[entrant], "total").median * 1e3 if entrant else float("nan")


def _about_torch(torch: tuple[Interpreter, str] | None, *, quick: bool) -> Iterator[str]:
    if quick:
        yield f"{PYTORCH.name}: left out, as it takes minutes to install."
    elif not torch:
        yield (
            f"{PYTORCH.name}: pip finds no build of PyTorch for CPUs, and the one with CUDA would not be fair to it;"
            " PIP_EXTRA_INDEX_URL can name PyTorch's own index of such builds."
        )
    else:
        if torch[0] is not IN_IMAGE:
            yield f"{PYTORCH.name}: in Python {torch[0].version}; pip finds no build for CPUs for {IN_IMAGE.version}."
        yield f"{PYTORCH.name}: over Lambda's 250 MB for a zip file, it would have to be a container image."
