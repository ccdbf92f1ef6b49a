"""Compare the shipped model with the same network in other runtimes: size, start-up, accuracy and latency."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.machine import this_machine, versions
from bench.runtimes.contenders import CONTENDERS, SHIPPED, Contender
from bench.runtimes.measurements import CALLS, SIZES, THREADS, Effort, Measurements, measure_all
from bench.sections import Cell, Plot, Section, Table
from bench.timing import Spread
from model_build.config import Config
from model_build.datasets.mnist import load

_METHOD: Final = (
    "Every runtime takes the same raw pixels and returns the same outputs (probabilities, known, activation maps),"
    " averaged over each image and its mirror image.",
    "All files are converted from the shipped one, so all have its 7-bit weights, whether they compute in int8 or in"
    " float.",
    "ONNX Runtime: int8 is the session of the handler; float is the same file dequantized, in a session with default"
    " options.",
    "PyTorch: the network of model_build with these weights, channels last; compiled means torch.export and AOTInductor"
    " with a dynamic batch size.",
    "LiteRT: the file is written operator by operator, in int8 with the scales and zero points of the ONNX file;"
    " LiteRT's Interpreter runs it with XNNPACK.",
    "OpenVINO: both ONNX forms by its converter; one stream, performance hint latency, compiled for each batch size;"
    " bfloat16 is its default for float models on processors that support it.",
)
_SPREAD: Final = "median (quartiles)"


def measure(*, quick: bool) -> Section:
    """Measure all available runtimes, with the dataset's test images (from DATASETS_DIR, or downloaded)."""
    effort, machine = Effort(starts=0, rounds=1) if quick else Effort(starts=3, rounds=12), this_machine()
    unavailable = {each: each.unavailable_reason(machine, quick=quick) for each in CONTENDERS}
    test = load(Config()).test[: 200 if quick else None]
    with TemporaryDirectory() as folder:
        images = Path(folder, "images.npy")
        np.save(images, test.images.unsqueeze(1).numpy())
        found = measure_all([each for each in CONTENDERS if not unavailable[each]], images, effort)
    return Section(
        name="inference",
        title="The model in other runtimes",
        method=(*_METHOD, *_repetitions(effort, len(test))),
        tables=(_costs(found, test.labels.numpy()), *(_latencies(found, threads) for threads in THREADS)),
        plots=(_plot(found),),
        notes=(*winners(found), *(f"{each.title}: {why}." for each, why in unavailable.items() if why)),
        versions=versions(dict.fromkeys(each.distribution for each in found)),
    )


def _repetitions(effort: Effort, images: int) -> tuple[str, ...]:
    calls = ", ".join(f"{calls} of {_images(size)}" for size, calls in CALLS.items())
    return (
        f"Start-up: {effort.starts + len(THREADS)} new processes of each, in turns, with Python's bytecode cached.",
        f"Calls: one process of each for each number of threads; {effort.rounds} rounds in turns, each with one warm-up"
        f" call, then {calls}.",
        "Installed size counts the runtime's own package, without its dependencies.",
        f"Accuracy is measured on {images:,} test images of Fashion-MNIST.",
    )


def _costs(found: Mapping[Contender, Measurements], labels: NDArray[np.int64]) -> Table:
    columns = (
        "installed MiB",
        "file KiB",
        f"import, ms, {_SPREAD}",
        f"file to first output, ms, {_SPREAD}",
        "accuracy %",
    )
    shipped = np.array(found[SHIPPED].class_ids)

    def cells(own: Measurements) -> tuple[Cell, ...]:
        class_ids = np.array(own.class_ids)
        return (
            own.installed_bytes / 2**20,
            own.file_bytes / 1024,
            own.importing.milliseconds(),
            own.loading.milliseconds(),
            _percent(class_ids == labels),
            _percent(class_ids == shipped),
        )

    return _table("Size, start-up and accuracy", (*columns, "same class as shipped %"), found, cells)


def _latencies(found: Mapping[Contender, Measurements], threads: int) -> Table:
    columns = tuple(f"{_images(size)}, ms" for size in SIZES)
    title = f"Milliseconds per call with {_threads(threads)}: {_SPREAD}"
    return _table(title, columns, found, lambda own: tuple(own.calls[threads, size].milliseconds() for size in SIZES))


def _table(
    title: str,
    columns: tuple[str, ...],
    found: Mapping[Contender, Measurements],
    cells: Callable[[Measurements], tuple[Cell, ...]],
) -> Table:
    """Make a row for each contender; cells are empty if not measured."""
    nothing: tuple[Cell, ...] = (None,) * len(columns)
    rows = ((each.name, each.form, *(cells(found[each]) if each in found else nothing)) for each in CONTENDERS)
    return Table(title, ("runtime", "form", *columns), tuple(rows))


def _plot(found: Mapping[Contender, Measurements]) -> Plot:
    return Plot(
        name="inference",
        title=f"Time per image, with {_threads(1)}",
        x_label="images per call",
        y_label="milliseconds per image (median)",
        series={
            each.title: tuple((_images(size), own.calls[1, size].median * 1e3 / size) for size in SIZES)
            for each, own in found.items()
        },
    )


def winners(found: Mapping[Contender, Measurements]) -> Iterator[str]:
    """Describe in which measurements each contender beats the shipped model, and by how much."""
    shipped = found[SHIPPED]
    for each, own in found.items():
        pairs = list(zip(_times(own), _times(shipped), strict=True))
        if each.distribution != SHIPPED.distribution:
            pairs.append((("import", own.importing), ("import", shipped.importing)))
        # Faster only if the interquartile ranges do not overlap.
        faster = [
            f"{what} {one.median / other.median:.0%}" for (what, one), (_, other) in pairs if one.upper < other.lower
        ]
        if faster:
            yield f"{each.title} is faster than the shipped model; share of its time: {', '.join(faster)}."
        for what, one, other in (
            ("a smaller file", own.file_bytes, shipped.file_bytes),
            ("a smaller package", own.installed_bytes, shipped.installed_bytes),
        ):
            if one < other:
                yield f"{each.title} has {what}: {one / other:.0%} of the bytes."


def _times(found: Measurements) -> Iterator[tuple[str, Spread]]:
    for (threads, size), each in found.calls.items():
        yield f"{_images(size)} with {_threads(threads)}", each
    yield "file to first output", found.loading


def _percent(right: NDArray[np.bool_]) -> float:
    return round(100 * float(right.mean()), 2)


def _images(size: int) -> str:
    return "1 image" if size == 1 else f"{size} images"


def _threads(threads: int) -> str:
    return "one thread" if threads == 1 else "two threads"
