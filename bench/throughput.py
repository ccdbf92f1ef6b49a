"""How many pictures a server answers each second over HTTP, and how long each waits, by connections at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import sleep
from typing import Final

from bench.baselines.contenders import HTTP
from bench.baselines.packages import package
from bench.baselines.pythons import IN_IMAGE
from bench.docker_image import need_image
from bench.load import Load, Posted, load, need_wrk, post
from bench.machine import versions
from bench.pictures import photo, small_png
from bench.sections import Cell, Plot, Section, Table
from bench.servers import as_event, emulator, uvicorn
from bench.timing import Spread
from handler.inference.classifier import Classifier
from handler.inference.decoding import views_of

UVICORN: Final = "uvicorn"
EMULATOR: Final = "Lambda's emulator"
_SEVERAL: Final = 8
_PAUSE_SECONDS: Final = 0.2  # the emulator is not free at once; and wrk, when its time is up, leaves a request behind
_METHOD: Final = (
    "wrk posts the same picture again and again to /classify, each connection as soon as it has its answer, from the"
    " same machine, whose cores it shares with the server.",
    "Each answer is checked: it must have status 200 and name the garment; all else, and each connection that fails,"
    " is an error, and does not count as a picture.",
    "uvicorn is `python -m handler serve`: one process, its log thrown away. Lambda's emulator is AWS's own, from SAM,"
    " with the package that ships, in Lambda's image; events of API Gateway are posted to it.",
)


@dataclass(frozen=True)
class _Scenario:
    server: str
    picture: str
    connections: int


@dataclass(frozen=True)
class _Effort:
    rounds: int
    seconds: int
    connections: tuple[int, ...]


def measure(*, quick: bool) -> Section:
    """Needs wrk, Docker with Lambda's image, and SAM, which has the emulator. Raises NoWrk, NoDocker or NoEmulator."""
    need_wrk()
    need_image()
    effort = _Effort(rounds=2, seconds=1, connections=(1, 8)) if quick else _Effort(3, 2, (1, 8, 32))
    loads = _loads(effort)
    return Section(
        name="throughput",
        title="Pictures a second over HTTP",
        method=(
            *_METHOD,
            f"{effort.rounds} rounds of all, {effort.seconds} s each, after a second with one connection that does not"
            " count. The emulator is started anew for each measurement. Percentiles are the medians of the rounds'.",
        ),
        tables=(_table(loads),),
        plots=tuple(_plots(loads)),
        notes=tuple(_notes(loads)),
        versions=versions(("fastapi", "mangum", "onnxruntime", "pillow", "starlette", "uvicorn")),
    )


def pictures_to_post() -> dict[str, Posted]:
    """What is posted, and how the answer begins if it is what this project's classifier says without any server."""
    classifier, found = Classifier.shipped(), {}
    for name, content_type, data in (
        ("28x28 PNG", "image/png", small_png()),
        ("480x560 JPEG", "image/jpeg", photo()),
    ):
        (classification,) = classifier.classify([views_of(data, max_pixels=10**6)], 1)
        found[name] = Posted(data, content_type, f'{{"label":"{classification.predictions[0].label}",')
    return found


def _loads(effort: _Effort) -> dict[_Scenario, list[Load]]:
    """In turns. Of the emulator with several connections there is one round, as it may not survive that."""
    pictures = pictures_to_post()
    scenarios = [_Scenario(UVICORN, name, count) for name in pictures for count in effort.connections]
    scenarios += [_Scenario(EMULATOR, name, count) for count in (1, _SEVERAL) for name in pictures]
    loads: dict[_Scenario, list[Load]] = {each: [] for each in scenarios}
    package_folder = package(HTTP, IN_IMAGE, None, bytecode=True).folder
    with uvicorn(next(iter(pictures.values()))) as uvicorn_url:
        for turn in range(effort.rounds):
            for each, found in loads.items():
                picture = pictures[each.picture]
                if each.server == UVICORN:
                    found.append(_load(uvicorn_url, picture, each, effort.seconds, warm_up=not turn))
                elif each.connections == 1 or not turn:
                    with emulator(package_folder, as_event(picture)) as url:
                        found.append(_load(url, as_event(picture), each, effort.seconds, warm_up=True))
    return loads


def _load(url: str, posted: Posted, scenario: _Scenario, seconds: int, *, warm_up: bool) -> Load:
    if warm_up:
        sleep(_PAUSE_SECONDS)
        answer = post(url, posted)
        if posted.expected not in answer:
            raise RuntimeError(f"{scenario} should answer {posted.expected!r}, but answers {answer[:500]!r}")
        sleep(_PAUSE_SECONDS)
        load(url, posted, connections=1, seconds=1)
        sleep(_PAUSE_SECONDS)
    return load(url, posted, scenario.connections, seconds)


def _table(loads: Mapping[_Scenario, list[Load]]) -> Table:
    columns = ("server", "picture", "connections", "pictures/s: median (quartiles)", "p50, ms", "p95, ms", "p99, ms")
    rows = ((each.server, each.picture, each.connections, *cells(own)) for each, own in loads.items())
    return Table("Throughput and latency", (*columns, "answers", "errors"), tuple(rows))


def cells(loads: Sequence[Load]) -> tuple[Cell, ...]:
    """What is known of one scenario; nothing of the times of a server that gave no right answer."""
    answers, errors = sum(each.answers for each in loads), sum(each.errors for each in loads)
    if not all(each.requests_per_second for each in loads):
        return None, None, None, None, answers, errors
    milliseconds = (_median_ms(loads, name) for name in ("p50", "p95", "p99"))
    return _rate(loads), *milliseconds, answers, errors


def _rate(loads: Sequence[Load]) -> str:
    rates = [each.requests_per_second for each in loads]
    if len(rates) == 1:
        return f"{rates[0]:.0f}"
    spread = Spread.of(rates)
    return f"{spread.median:.0f} ({spread.lower:.0f} to {spread.upper:.0f})"


def _median_ms(loads: Sequence[Load], percentile: str) -> float:
    return median(float(getattr(each, percentile)) for each in loads) * 1e3


def _plots(loads: Mapping[_Scenario, list[Load]]) -> Iterator[Plot]:
    measured = {each: own for each, own in loads.items() if None not in cells(own)}
    rates = {each: median(one.requests_per_second for one in own) for each, own in measured.items()}
    waits = {each: _median_ms(own, "p99") for each, own in measured.items()}
    for name, title, y_label, values in (
        ("throughput", "Pictures answered", "pictures a second", rates),
        ("throughput_latency", "What 99 of 100 requests stay below", "milliseconds (p99)", waits),
    ):
        series: dict[str, list[tuple[str | float, float]]] = {}
        for each, value in values.items():
            series.setdefault(f"{each.server}, {each.picture}", []).append((f"{each.connections}", value))
        lines = {label: tuple(points) for label, points in series.items()}
        yield Plot(name, title, "connections at once", y_label, lines, log_y=True)


def _notes(loads: Mapping[_Scenario, list[Load]]) -> Iterator[str]:
    if any(None in cells(own) for each, own in loads.items() if each.server == EMULATOR):
        yield (
            "The emulator serves one request at a time, as each environment of Lambda's does, and it ends when another"
            f" comes meanwhile: with {_SEVERAL} connections it gave no answer, and its errors are attempts to reach it."
            " Lambda itself would use more environments."
        )
    for picture in dict.fromkeys(each.picture for each in loads):
        here, there = (
            median(one.requests_per_second for one in loads[_Scenario(server, picture, 1)])
            for server in (UVICORN, EMULATOR)
        )
        if here and there:
            faster, slower = (UVICORN, EMULATOR) if here > there else (EMULATOR, UVICORN)
            times = max(here, there) / min(here, there)
            yield f"{picture}, one connection: {faster} answers {times:.1f} times as many pictures as {slower}."
