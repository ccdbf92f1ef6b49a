"""The shipped model beside the same network in other runtimes: size, start, accuracy, and time for 1 to 64 images."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.machine import this_machine, versions
from bench.runtimes.contenders import CONTENDERS, SHIPPED, Contender
from bench.runtimes.measured import CALLS, SIZES, THREADS, Effort, Found, find
from bench.sections import Cell, Plot, Section, Table
from bench.timing import Spread
from model_build.config import Config
from model_build.datasets.mnist import load

_METHOD: Final = (
    "Every runtime takes the same raw pixels and gives the same three outputs (probabilities, known, activation maps),"
    " of each image and its mirror image together.",
    "All files are made from the one that ships, so all have its weights of 7 bits, whether they compute with them in 8"
    " bits or in float.",
    "ONNX Runtime: int8 is the session of the handler; float is the same file without its quantization, in a session"
    " with the default options.",
    "PyTorch: the network of model_build with these weights, channels last; compiled by torch.export and AOTInductor"
    " for any number of images.",
    "LiteRT: its file is written operator by operator, int8 with the scales and zero points of the ONNX file; its"
    " Interpreter runs it, which uses XNNPACK.",
    "OpenVINO: its converter's files of both ONNX forms; one stream, hint latency, compiled anew for each number of"
    " images; bfloat16 is what it makes of float by default where the processor has it.",
)
_SPREAD: Final = "median (quartiles)"


def measure(*, quick: bool) -> Section:
    """Needs the test images of the dataset: from the folder that DATASETS_DIR names, or else from their public home."""
    effort, machine = Effort(starts=0, rounds=2) if quick else Effort(starts=3, rounds=12), this_machine()
    hindrances = {each: each.hindrance(machine, quick=quick) for each in CONTENDERS}
    test = load(Config()).test[: 200 if quick else None]
    with TemporaryDirectory() as folder:
        images = Path(folder, "images.npy")
        np.save(images, test.images.unsqueeze(1).numpy())
        found = find([each for each in CONTENDERS if not hindrances[each]], images, effort)
    return Section(
        name="inference",
        title="The model in other runtimes",
        method=(*_METHOD, *_repetitions(effort, len(test))),
        tables=(_costs(found, test.labels.numpy()), *(_latencies(found, threads) for threads in THREADS)),
        plots=(_plot(found),),
        notes=(*winners(found), *(f"{each.title}: {why}." for each, why in hindrances.items() if why)),
        versions=versions(dict.fromkeys(each.distribution for each in found)),
    )


def _repetitions(effort: Effort, images: int) -> tuple[str, ...]:
    calls = ", ".join(f"{calls} of {_images(size)}" for size, calls in CALLS.items())
    return (
        f"Each is started in {effort.starts + len(THREADS)} new processes, in turns, Python's bytecode being there.",
        f"Each has then a process for each number of threads; in {effort.rounds} rounds all take turns, each with one"
        f" call that does not count and {calls} that do.",
        "Installed are the files of the runtime's own package, without those that it depends on.",
        f"Accuracy is on {images:,} test images of Fashion-MNIST.",
    )


def _costs(found: Mapping[Contender, Found], labels: NDArray[np.int64]) -> Table:
    columns = (
        "installed MiB",
        "file KiB",
        f"import, ms, {_SPREAD}",
        f"file to first answer, ms, {_SPREAD}",
        "accuracy %",
    )
    shipped = np.array(found[SHIPPED].class_ids)

    def cells(own: Found) -> tuple[Cell, ...]:
        answers = np.array(own.class_ids)
        return (
            own.installed_bytes / 2**20,
            own.file_bytes / 1024,
            own.importing.milliseconds(),
            own.loading.milliseconds(),
            _percent(answers == labels),
            _percent(answers == shipped),
        )

    return _table("What each needs, and how right it is", (*columns, "same answer as shipped %"), found, cells)


def _latencies(found: Mapping[Contender, Found], threads: int) -> Table:
    columns = tuple(f"{_images(size)}, ms" for size in SIZES)
    title = f"Milliseconds of a call with {_threads(threads)}: {_SPREAD}"
    return _table(title, columns, found, lambda own: tuple(own.calls[threads, size].milliseconds() for size in SIZES))


def _table(
    title: str,
    columns: tuple[str, ...],
    found: Mapping[Contender, Found],
    cells: Callable[[Found], tuple[Cell, ...]],
) -> Table:
    """A row for each contender, empty where it could not be measured."""
    nothing: tuple[Cell, ...] = (None,) * len(columns)
    rows = ((each.name, each.form, *(cells(found[each]) if each in found else nothing)) for each in CONTENDERS)
    return Table(title, ("runtime", "form", *columns), tuple(rows))


def _plot(found: Mapping[Contender, Found]) -> Plot:
    return Plot(
        name="inference",
        title=f"Time for an image, with {_threads(1)}",
        x_label="images of a call",
        y_label="milliseconds for each of them (median)",
        series={
            each.title: tuple((_images(size), own.calls[1, size].median * 1e3 / size) for size in SIZES)
            for each, own in found.items()
        },
    )


def winners(found: Mapping[Contender, Found]) -> Iterator[str]:
    """A sentence for each contender that is better than what ships in anything, in what, and by how much."""
    shipped = found[SHIPPED]
    for each, own in found.items():
        pairs = list(zip(_times(own), _times(shipped), strict=True))
        if each.distribution != SHIPPED.distribution:
            pairs.append((("the import", own.importing), ("the import", shipped.importing)))
        # Where the middle halves of the measurements do not meet.
        quicker = [
            f"{what} in {one.median / other.median:.0%}" for (what, one), (_, other) in pairs if one.upper < other.lower
        ]
        if quicker:
            yield f"{each.title} takes less time than what ships: {', '.join(quicker)} of the time."
        for what, one, other in (
            ("a smaller file", own.file_bytes, shipped.file_bytes),
            ("a smaller package", own.installed_bytes, shipped.installed_bytes),
        ):
            if one < other:
                yield f"{each.title} has {what}: {one / other:.0%} of the bytes."


def _times(found: Found) -> Iterator[tuple[str, Spread]]:
    for (threads, size), each in found.calls.items():
        yield f"{_images(size)} with {_threads(threads)}", each
    yield "the first answer from its file", found.loading


def _percent(right: NDArray[np.bool_]) -> float:
    return round(100 * float(right.mean()), 2)


def _images(size: int) -> str:
    return "1 image" if size == 1 else f"{size} images"


def _threads(threads: int) -> str:
    return "one thread" if threads == 1 else "two threads"
