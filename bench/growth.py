"""Measure how time, memory and cost grow with image size, batch size and concurrent clients."""

from collections.abc import Iterator, Mapping
from typing import Final

from bench.lambda_image import built_package
from bench.load import LoadResult, load, need_wrk
from bench.machine import versions
from bench.request_usage import RequestUsage, measure_requests
from bench.sections import Cell, Plot, Section, Table
from bench.servers import uvicorn
from bench.throughput import payloads
from infra.capacity.prices import read_prices

_JPEG_SIDES: Final = (28, 224, 640, 1155, 2309, 4000, 5657)  # up to 24 megapixels, aspect ratio 3:4
_PNG_SIDES: Final = (28, 224, 640, 1155, 2309, 4000)
_BATCHES: Final = (1, 2, 4, 8, 16, 32, 64)
_CLIENTS: Final = (1, 2, 4, 8, 16, 32)
_MEMORY_MB: Final = 1024
_MILLION: Final = 1_000_000

_METHOD: Final = (
    "Sizes and batches: processor time of one warm request through Mangum, in Lambda's image, each in a process of its"
    " own, whose peak memory is reported as well. Dollars are Lambda's price of a warm request with 1,024 MB on x86_64."
    " Images show a photo with added noise, aspect ratio 3:4; those of 28 pixels are greyscale and square.",
    "Clients: wrk against `python -m handler serve`, one process, small PNG files.",
)


def measure(*, quick: bool) -> Section:
    """Measure in Lambda's image, and with wrk. Raises NoDocker or NoWrk."""
    need_wrk()
    rounds = 2 if quick else 9
    sides = {"JPEG": _JPEG_SIDES[:3] if quick else _JPEG_SIDES, "PNG": _PNG_SIDES[:3] if quick else _PNG_SIDES}
    batches = _BATCHES[:3] if quick else _BATCHES
    names = [f"{kind} {side}" for kind, own in sides.items() for side in own]
    with built_package() as package:
        usage = measure_requests(package, [*names, *(f"batch {count}" for count in batches)], rounds)
    image_usage = {name: usage[name] for name in names}
    batch_usage = {count: usage[f"batch {count}"] for count in batches}
    loads = _loads(_CLIENTS[:2] if quick else _CLIENTS, seconds=1 if quick else 3)
    return Section(
        name="growth",
        title="How cost grows",
        method=(*_METHOD, f"{rounds} requests of each; medians (and quartiles)."),
        tables=(_size_table(image_usage), _batch_table(batch_usage), _client_table(loads)),
        plots=(*_size_plots(image_usage), _batch_plot(batch_usage), _client_plot(loads)),
        notes=tuple(_notes(image_usage, batch_usage, loads)),
        versions=versions(("fastapi", "mangum", "onnxruntime", "pillow", "uvicorn")),
    )


def _loads(clients: tuple[int, ...], seconds: int) -> dict[int, LoadResult]:
    payload = next(iter(payloads().values()))
    with uvicorn(payload) as url:
        load(url, payload, connections=1, seconds=1)
        return {count: load(url, payload, count, seconds) for count in clients}


def _size_table(usage: Mapping[str, RequestUsage]) -> Table:
    rows = tuple(
        (*_named(name), each.bytes / 1e6, each.cpu.milliseconds(), each.peak_mb, _dollars(each))
        for name, each in usage.items()
    )
    columns = ("format", "longer side", "megapixels", "file, MB", "processor time, ms", "peak memory, MB")
    return Table("By image size", (*columns, "per million, $"), rows)


def _named(name: str) -> tuple[Cell, ...]:
    kind, side = name.split()
    return kind, int(side), megapixels(int(side))


def megapixels(longer_side: int) -> float:
    """Return the megapixels of a test image: aspect ratio 3:4, except the smallest, which is square."""
    return longer_side * (longer_side if longer_side == 28 else longer_side * 3 // 4) / 1e6


def _dollars(usage: RequestUsage) -> float:
    return _MILLION * usage.lambda_dollars(_MEMORY_MB, "x86_64", read_prices())


def _batch_table(usage: Mapping[int, RequestUsage]) -> Table:
    rows = tuple(
        (count, each.cpu.milliseconds(), 1e3 * each.cpu.median / count, each.peak_mb, _dollars(each) / count)
        for count, each in usage.items()
    )
    columns = ("images per request", "processor time, ms", "per image, ms", "peak memory, MB")
    return Table("By batch size (28x28 PNG)", (*columns, "per million images, $"), rows)


def _client_table(loads: Mapping[int, LoadResult]) -> Table:
    rows = tuple(
        (count, each.requests_per_second, each.p50 * 1e3, each.p95 * 1e3, each.p99 * 1e3, each.errors)
        for count, each in loads.items()
    )
    return Table(
        "By concurrent clients (28x28 PNG)", ("clients", "images/s", "p50, ms", "p95, ms", "p99, ms", "errors"), rows
    )


def _size_plots(usage: Mapping[str, RequestUsage]) -> Iterator[Plot]:
    milliseconds = {name: 1e3 * each.cpu.median for name, each in usage.items()}
    megabytes = {name: each.peak_mb for name, each in usage.items()}
    yield _size_plot("growth-time", "Time by image size", "processor time, ms", milliseconds, log_y=True)
    yield _size_plot("growth-memory", "Memory by image size", "peak memory, MB", megabytes, log_y=False)


def _size_plot(name: str, title: str, label: str, values: Mapping[str, float], *, log_y: bool) -> Plot:
    series: dict[str, tuple[tuple[str | float, float], ...]] = {}
    for name_and_side, value in values.items():
        kind, side = name_and_side.split()
        series[kind] = (*series.get(kind, ()), (megapixels(int(side)), value))
    return Plot(name, title, "megapixels", label, series, log_x=True, log_y=log_y)


def _batch_plot(usage: Mapping[int, RequestUsage]) -> Plot:
    points = tuple((float(count), 1e3 * each.cpu.median / count) for count, each in usage.items())
    return Plot("growth-batch", "Time per image", "images per request", "ms", {"28x28 PNG": points}, log_x=True)


def _client_plot(loads: Mapping[int, LoadResult]) -> Plot:
    points = tuple((float(count), each.requests_per_second) for count, each in loads.items())
    return Plot("growth-clients", "Throughput", "concurrent clients", "images/s", {"uvicorn": points}, log_x=True)


def _notes(
    image_usage: Mapping[str, RequestUsage], batch_usage: Mapping[int, RequestUsage], loads: Mapping[int, LoadResult]
) -> Iterator[str]:
    jpeg = [name for name in image_usage if name.startswith("JPEG")]
    small, large = jpeg[1], jpeg[-1]
    times = image_usage[large].cpu.median / image_usage[small].cpu.median
    pixels = megapixels(int(large.split()[1])) / megapixels(int(small.split()[1]))
    yield f"{large} has {pixels:.0f} times the pixels of {small}, and takes {times:.1f} times as long."
    first, *_, last = batch_usage.values()
    share = last.cpu.median / max(batch_usage) / first.cpu.median
    yield f"An image in a request of {max(batch_usage)} takes {share:.2f} of the time of a single image."
    best = max(loads, key=lambda count: loads[count].requests_per_second)
    yield f"Throughput peaks at {best} clients: that saturates one process."
    if len(image_usage) > len(_JPEG_SIDES):
        yield "An image of more than 4.5 MB is too large for API Gateway and Lambda; upload it to the bucket instead."
