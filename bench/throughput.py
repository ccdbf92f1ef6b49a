"""Measure requests per second and latency over HTTP, by number of connections."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import sleep
from typing import Final

from bench.baselines.contenders import HTTP
from bench.baselines.packages import package
from bench.baselines.pythons import IN_IMAGE
from bench.docker_image import need_image
from bench.images import photo, small_png
from bench.load import LoadResult, Payload, load, need_wrk, post
from bench.machine import versions
from bench.sections import Cell, Plot, Section, Table
from bench.servers import as_event, emulator, uvicorn
from bench.timing import Spread
from handler.inference.classifier import Classifier
from handler.inference.pipeline import prepare

UVICORN: Final = "uvicorn"
EMULATOR: Final = "Lambda's emulator"
_SEVERAL: Final = 8
_PAUSE_SECONDS: Final = 0.2  # the emulator needs a moment after a request, and wrk leaves one unfinished at its end
_METHOD: Final = (
    "wrk posts the same image repeatedly to /classify; each connection sends its next request on receiving a response."
    " wrk and the server share the cores of one machine.",
    "Each response must have status 200 and the right label; other responses and failed connections count as errors,"
    " not as images.",
    "uvicorn is `python -m handler serve`: one process, its log discarded. Lambda's emulator is AWS's runtime interface"
    " emulator from SAM CLI, with the shipped package, in Lambda's image; it receives API Gateway events.",
)


@dataclass(frozen=True)
class _Scenario:
    server: str
    image: str
    connections: int


@dataclass(frozen=True)
class _Effort:
    rounds: int
    seconds: int
    connections: tuple[int, ...]


def measure(*, quick: bool) -> Section:
    """Measure with wrk, in Lambda's image and with SAM CLI's emulator. Raises NoWrk, NoDocker or NoEmulator."""
    need_wrk()
    need_image()
    effort = _Effort(rounds=2, seconds=1, connections=(1, 8)) if quick else _Effort(3, 2, (1, 8, 32))
    loads = _loads(effort)
    return Section(
        name="throughput",
        title="Throughput over HTTP",
        method=(
            *_METHOD,
            f"{effort.rounds} rounds of {effort.seconds} s each, after a warm-up of one second with one connection."
            " The emulator is restarted for each measurement. Percentiles are medians over the rounds.",
        ),
        tables=(_table(loads),),
        plots=tuple(_plots(loads)),
        notes=tuple(_notes(loads)),
        versions=versions(("fastapi", "mangum", "onnxruntime", "pillow", "starlette", "uvicorn")),
    )


def payloads() -> dict[str, Payload]:
    """Return the payloads; the expected response has the label that the classifier gives without a server."""
    classifier, made = Classifier.shipped(), {}
    for name, content_type, data in (
        ("28x28 PNG", "image/png", small_png()),
        ("480x560 JPEG", "image/jpeg", photo()),
    ):
        (classification,) = classifier.classify([prepare(data, max_pixels=10**6)], 1)
        made[name] = Payload(data, content_type, f'{{"label":"{classification.predictions[0].label}",')
    return made


def _loads(effort: _Effort) -> dict[_Scenario, list[LoadResult]]:
    """Measure in turns; the emulator with several connections only once, as that may end it."""
    images = payloads()
    scenarios = [_Scenario(UVICORN, name, count) for name in images for count in effort.connections]
    scenarios += [_Scenario(EMULATOR, name, count) for count in (1, _SEVERAL) for name in images]
    loads: dict[_Scenario, list[LoadResult]] = {each: [] for each in scenarios}
    package_folder = package(HTTP, IN_IMAGE, None, bytecode=True).folder
    with uvicorn(next(iter(images.values()))) as uvicorn_url:
        for turn in range(effort.rounds):
            for each, found in loads.items():
                image = images[each.image]
                if each.server == UVICORN:
                    found.append(_load(uvicorn_url, image, each, effort.seconds, warm_up=not turn))
                elif each.connections == 1 or not turn:
                    with emulator(package_folder, as_event(image)) as url:
                        found.append(_load(url, as_event(image), each, effort.seconds, warm_up=True))
    return loads


def _load(url: str, payload: Payload, scenario: _Scenario, seconds: int, *, warm_up: bool) -> LoadResult:
    if warm_up:
        sleep(_PAUSE_SECONDS)
        response = post(url, payload)
        if payload.expected not in response:
            raise RuntimeError(f"{scenario} should respond with {payload.expected!r}, but got {response[:500]!r}")
        sleep(_PAUSE_SECONDS)
        load(url, payload, connections=1, seconds=1)
        sleep(_PAUSE_SECONDS)
    return load(url, payload, scenario.connections, seconds)


def _table(loads: Mapping[_Scenario, list[LoadResult]]) -> Table:
    columns = ("server", "image", "connections", "images/s: median (quartiles)", "p50, ms", "p95, ms", "p99, ms")
    rows = ((each.server, each.image, each.connections, *cells(own)) for each, own in loads.items())
    return Table("Throughput and latency", (*columns, "responses", "errors"), tuple(rows))


def cells(loads: Sequence[LoadResult]) -> tuple[Cell, ...]:
    """Format the results of one scenario, without times if the server gave no correct response."""
    responses, errors = sum(each.responses for each in loads), sum(each.errors for each in loads)
    if not all(each.requests_per_second for each in loads):
        return None, None, None, None, responses, errors
    milliseconds = (_median_ms(loads, name) for name in ("p50", "p95", "p99"))
    return _rate(loads), *milliseconds, responses, errors


def _rate(loads: Sequence[LoadResult]) -> str:
    rates = [each.requests_per_second for each in loads]
    if len(rates) == 1:
        return f"{rates[0]:.0f}"
    spread = Spread.of(rates)
    return f"{spread.median:.0f} ({spread.lower:.0f} to {spread.upper:.0f})"


def _median_ms(loads: Sequence[LoadResult], percentile: str) -> float:
    return median(float(getattr(each, percentile)) for each in loads) * 1e3


def _plots(loads: Mapping[_Scenario, list[LoadResult]]) -> Iterator[Plot]:
    measured = {each: own for each, own in loads.items() if None not in cells(own)}
    rates = {each: median(one.requests_per_second for one in own) for each, own in measured.items()}
    latencies = {each: _median_ms(own, "p99") for each, own in measured.items()}
    for name, title, y_label, values in (
        ("throughput", "Throughput", "images per second", rates),
        ("throughput_latency", "Latency (99th percentile)", "milliseconds (p99)", latencies),
    ):
        series: dict[str, list[tuple[str | float, float]]] = {}
        for each, value in values.items():
            series.setdefault(f"{each.server}, {each.image}", []).append((f"{each.connections}", value))
        lines = {label: tuple(points) for label, points in series.items()}
        yield Plot(name, title, "concurrent connections", y_label, lines, log_y=True)


def _notes(loads: Mapping[_Scenario, list[LoadResult]]) -> Iterator[str]:
    if any(None in cells(own) for each, own in loads.items() if each.server == EMULATOR):
        yield (
            "The emulator serves one request at a time, as each Lambda environment does, but ends if another arrives"
            f" meanwhile: with {_SEVERAL} connections it gave no response, and its errors are failed connections."
            " Lambda itself would start more environments."
        )
    for image in dict.fromkeys(each.image for each in loads):
        here, there = (
            median(one.requests_per_second for one in loads[_Scenario(server, image, 1)])
            for server in (UVICORN, EMULATOR)
        )
        if here and there:
            faster, slower = (UVICORN, EMULATOR) if here > there else (EMULATOR, UVICORN)
            times = max(here, there) / min(here, there)
            yield f"{image}, one connection: {faster} has {times:.1f} times the throughput of {slower}."
