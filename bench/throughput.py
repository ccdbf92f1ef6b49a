"""How many pictures a server answers each second over HTTP, and how long each waits, by connections at once."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from bench.docker_image import need_image
from bench.load import Load, Posted, load, need_wrk, post
from bench.machine import versions
from bench.pictures import photo, small_png
from bench.rivals.contenders import HTTP
from bench.rivals.packages import package
from bench.rivals.pythons import IN_IMAGE
from bench.sections import Cell, Plot, Section, Table
from bench.servers import as_event, emulator, uvicorn
from bench.timing import Spread
from handler.classifier import Classifier
from handler.images import views_of

UVICORN: Final = "uvicorn"
EMULATOR: Final = "Lambda's emulator"
_SEVERAL: Final = 8
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


def measure(*, quick: bool) -> Section:
    """Needs wrk, Docker with Lambda's image, and SAM, which has the emulator. Raises NoWrk, NoDocker or NoEmulator."""
    need_wrk()
    need_image()
    rounds, seconds, connections = (2, 1, (1, 8)) if quick else (3, 3, (1, 8, 32))
    posted = pictures_to_post()
    folder = package(HTTP, IN_IMAGE, None, bytecode=True).folder
    loads = _loads(posted, folder, connections, rounds=rounds, seconds=seconds)
    several = _several_at_once(posted, folder, seconds)
    return Section(
        name="throughput",
        title="Pictures a second over HTTP",
        method=(*_METHOD, f"{rounds} rounds of all, {seconds} s each, after one of a second that does not count."),
        tables=(_table(loads, several),),
        plots=tuple(_plots(loads)),
        notes=tuple(_notes(loads, several)),
        versions={**versions(("fastapi", "mangum", "onnxruntime", "pillow", "starlette", "uvicorn"))},
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


def _loads(
    pictures: Mapping[str, Posted], package_folder: Path, connections: Sequence[int], *, rounds: int, seconds: int
) -> dict[_Scenario, list[Load]]:
    probe = next(iter(pictures.values()))
    with ExitStack() as stack:
        urls = {
            UVICORN: stack.enter_context(uvicorn(probe)),
            EMULATOR: stack.enter_context(emulator(package_folder, as_event(probe))),
        }
        posted = {UVICORN: pictures, EMULATOR: {name: as_event(each) for name, each in pictures.items()}}
        scenarios = [_Scenario(UVICORN, name, count) for name in pictures for count in connections]
        scenarios += [_Scenario(EMULATOR, name, 1) for name in pictures]
        loads: dict[_Scenario, list[Load]] = {each: [] for each in scenarios}
        for server, url in urls.items():
            for each in posted[server].values():
                _check(post(url, each), each, server)
                load(url, each, connections=1, seconds=1)
        for _ in range(rounds):
            for scenario, found in loads.items():
                picture = posted[scenario.server][scenario.picture]
                found.append(load(urls[scenario.server], picture, scenario.connections, seconds))
    return loads


def _check(answer: str, posted: Posted, server: str) -> None:
    if posted.expected not in answer:
        raise RuntimeError(f"{server} should answer {posted.expected!r}, but answers {answer[:500]!r}")


def _several_at_once(pictures: Mapping[str, Posted], package_folder: Path, seconds: int) -> dict[_Scenario, Load]:
    """The emulator with several connections, in a new one for each picture, as it may not survive that."""
    found = {}
    for name, picture in pictures.items():
        event = as_event(picture)
        with emulator(package_folder, event) as url:
            found[_Scenario(EMULATOR, name, _SEVERAL)] = load(url, event, _SEVERAL, seconds)
    return found


def _table(loads: Mapping[_Scenario, list[Load]], several: Mapping[_Scenario, Load]) -> Table:
    columns = ("server", "picture", "connections", "pictures/s: median (quartiles)", "p50, ms", "p95, ms", "p99, ms")
    all_loads = {**loads, **{each: [own] for each, own in several.items()}}
    rows = ((each.server, each.picture, each.connections, *cells(own)) for each, own in all_loads.items())
    return Table("Throughput and latency", (*columns, "answers", "errors"), tuple(rows))


def cells(loads: Sequence[Load]) -> tuple[Cell, ...]:
    """Percentiles are medians of the rounds'; nothing is known of a server that gave no right answer."""
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
    rates = {each: median(one.requests_per_second for one in own) for each, own in loads.items()}
    waits = {each: _median_ms(own, "p99") for each, own in loads.items()}
    for name, title, y_label, values in (
        ("throughput", "Pictures answered", "pictures a second", rates),
        ("throughput_latency", "What 99 of 100 requests stay below", "milliseconds (p99)", waits),
    ):
        kinds = dict.fromkeys((each.server, each.picture) for each in loads)
        series: dict[str, tuple[tuple[str | float, float], ...]] = {
            ", ".join(kind): tuple(
                (each.connections, value) for each, value in values.items() if (each.server, each.picture) == kind
            )
            for kind in kinds
        }
        yield Plot(name, title, "connections at once", y_label, series, log_x=True, log_y=True)


def _notes(loads: Mapping[_Scenario, list[Load]], several: Mapping[_Scenario, Load]) -> Iterator[str]:
    fallen = [each for each, own in several.items() if not own.requests_per_second]
    if fallen:
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
        faster, slower = (UVICORN, EMULATOR) if here > there else (EMULATOR, UVICORN)
        yield (
            f"{picture}, one connection: {faster} answers {max(here, there) / min(here, there):.1f} times as many"
            f" pictures as {slower}."
        )
