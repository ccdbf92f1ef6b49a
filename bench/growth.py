"""How time, memory and dollars grow with the size of a picture, with a batch, and with clients at once."""

from collections.abc import Iterator, Mapping
from typing import Final

from bench.lambda_image import built_package
from bench.load import Load, load, need_wrk
from bench.machine import versions
from bench.request_usage import Spent, requests_spent
from bench.sections import Cell, Plot, Section, Table
from bench.servers import uvicorn
from bench.throughput import pictures_to_post
from infra.capacity.prices import read_prices

_JPEG_SIDES: Final = (28, 224, 640, 1155, 2309, 4000, 5657)  # up to 24 megapixels, three by four
_PNG_SIDES: Final = (28, 224, 640, 1155, 2309, 4000)
_BATCHES: Final = (1, 2, 4, 8, 16, 32, 64)
_CLIENTS: Final = (1, 2, 4, 8, 16, 32)
_MEMORY_MB: Final = 1024
_MILLION: Final = 1_000_000

_METHOD: Final = (
    "Sizes and batches: processor time of one request through Mangum, warm, in Lambda's image, each in a process of"
    " its own, whose peak of memory is told as well; dollars are Lambda's for 1,024 MB on x86_64, warm. Pictures are"
    " a photo with noise, three by four; 28 pixels are grey and square.",
    "Clients: wrk against `python -m handler serve`, one process, small PNG files.",
)


def measure(*, quick: bool) -> Section:
    """Needs Docker with Lambda's image, and wrk. Raises NoDocker or NoWrk."""
    need_wrk()
    rounds = 2 if quick else 9
    sides = {"JPEG": _JPEG_SIDES[:3] if quick else _JPEG_SIDES, "PNG": _PNG_SIDES[:3] if quick else _PNG_SIDES}
    batches = _BATCHES[:3] if quick else _BATCHES
    names = [f"{kind} {side}" for kind, own in sides.items() for side in own]
    with built_package() as package:
        spent = requests_spent(package, [*names, *(f"batch {count}" for count in batches)], rounds)
    pictures = {name: spent[name] for name in names}
    together = {count: spent[f"batch {count}"] for count in batches}
    loads = _loads(_CLIENTS[:2] if quick else _CLIENTS, seconds=1 if quick else 3)
    return Section(
        name="growth",
        title="How cost grows",
        method=(*_METHOD, f"{rounds} requests of each; medians (and quartiles)."),
        tables=(_size_table(pictures), _batch_table(together), _client_table(loads)),
        plots=(*_size_plots(pictures), _batch_plot(together), _client_plot(loads)),
        notes=tuple(_notes(pictures, together, loads)),
        versions=versions(("fastapi", "mangum", "onnxruntime", "pillow", "uvicorn")),
    )


def _loads(clients: tuple[int, ...], seconds: int) -> dict[int, Load]:
    posted = next(iter(pictures_to_post().values()))
    with uvicorn(posted) as url:
        load(url, posted, connections=1, seconds=1)
        return {count: load(url, posted, count, seconds) for count in clients}


def _size_table(pictures: Mapping[str, Spent]) -> Table:
    rows = tuple(
        (*_named(name), each.bytes / 1e6, each.cpu.milliseconds(), each.peak_mb, _dollars(each))
        for name, each in pictures.items()
    )
    columns = ("format", "longer side", "megapixels", "file, MB", "processor time, ms", "peak of memory, MB")
    return Table("By the picture's size", (*columns, "a million, $"), rows)


def _named(name: str) -> tuple[Cell, ...]:
    kind, side = name.split()
    return kind, int(side), megapixels(int(side))


def megapixels(longer_side: int) -> float:
    """Of the pictures that are sent: three by four, except the smallest."""
    return longer_side * (longer_side if longer_side == 28 else longer_side * 3 // 4) / 1e6


def _dollars(spent: Spent) -> float:
    return _MILLION * spent.lambda_dollars(_MEMORY_MB, "x86_64", read_prices())


def _batch_table(together: Mapping[int, Spent]) -> Table:
    rows = tuple(
        (count, each.cpu.milliseconds(), 1e3 * each.cpu.median / count, each.peak_mb, _dollars(each) / count)
        for count, each in together.items()
    )
    columns = ("pictures in a request", "processor time of it, ms", "of one picture, ms", "peak of memory, MB")
    return Table("By the number in one request (28x28 PNG)", (*columns, "a million pictures, $"), rows)


def _client_table(loads: Mapping[int, Load]) -> Table:
    rows = tuple(
        (count, each.requests_per_second, each.p50 * 1e3, each.p95 * 1e3, each.p99 * 1e3, each.errors)
        for count, each in loads.items()
    )
    return Table(
        "By clients at once (28x28 PNG)", ("clients", "pictures/s", "p50, ms", "p95, ms", "p99, ms", "errors"), rows
    )


def _size_plots(pictures: Mapping[str, Spent]) -> Iterator[Plot]:
    milliseconds = {name: 1e3 * each.cpu.median for name, each in pictures.items()}
    megabytes = {name: each.peak_mb for name, each in pictures.items()}
    yield _size_plot("growth-time", "Time by size", "processor time, ms", milliseconds, log_y=True)
    yield _size_plot("growth-memory", "Memory by size", "peak of memory, MB", megabytes, log_y=False)


def _size_plot(name: str, title: str, label: str, figures: Mapping[str, float], *, log_y: bool) -> Plot:
    series: dict[str, tuple[tuple[str | float, float], ...]] = {}
    for picture, figure in figures.items():
        kind, side = picture.split()
        series[kind] = (*series.get(kind, ()), (megapixels(int(side)), figure))
    return Plot(name, title, "megapixels", label, series, log_x=True, log_y=log_y)


def _batch_plot(together: Mapping[int, Spent]) -> Plot:
    points = tuple((float(count), 1e3 * each.cpu.median / count) for count, each in together.items())
    return Plot("growth-batch", "Time of one picture", "pictures in a request", "ms", {"28x28 PNG": points}, log_x=True)


def _client_plot(loads: Mapping[int, Load]) -> Plot:
    points = tuple((float(count), each.requests_per_second) for count, each in loads.items())
    return Plot("growth-clients", "Throughput", "clients at once", "pictures/s", {"uvicorn": points}, log_x=True)


def _notes(pictures: Mapping[str, Spent], together: Mapping[int, Spent], loads: Mapping[int, Load]) -> Iterator[str]:
    jpeg = [name for name in pictures if name.startswith("JPEG")]
    small, large = jpeg[1], jpeg[-1]
    times = pictures[large].cpu.median / pictures[small].cpu.median
    pixels = megapixels(int(large.split()[1])) / megapixels(int(small.split()[1]))
    yield f"{large} has {pixels:.0f} times the pixels of {small}, and takes {times:.1f} times as long."
    first, *_, last = together.values()
    share = last.cpu.median / max(together) / first.cpu.median
    yield f"One of {max(together)} in a request takes {share:.2f} of the time of one alone."
    best = max(loads, key=lambda count: loads[count].requests_per_second)
    yield f"Most pictures a second came with {best} clients: one process has no more to give."
    if len(pictures) > len(_JPEG_SIDES):
        yield "A picture of more than 4.5 MB is too large for API Gateway and Lambda; it goes by way of the bucket."
