"""Compare the shipped package with its targets: size, cold start, warm latency and memory."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.lambda_image import built_package, run_in_container
from bench.machine import versions
from bench.sections import Cell, Section, Table
from bench.timing import Spread
from infra.packaging.package import files_in

Seconds = Mapping[str, Mapping[str, Sequence[float]]]  # by comparison and contender, or by contender and part
Row = tuple[Cell, ...]

_METHOD: Final = (
    "The package that `sam build` makes, mounted read-only in Lambda's image with Python 3.13, without a network.",
    "Cold: fresh processes in turns, from their first line to the response, without the interpreter's start-up; S3 is a"
    " local server that responds immediately. Warm: in turns in one process, from an event through Mangum to the"
    " response.",
    "Medians (and quartiles); ratios are of medians.",
)


def measure(*, quick: bool) -> Section:
    """Measure the package in Lambda's image. Raises NoDocker."""
    cold_rounds, warm_rounds = (2, 2) if quick else (15, 15)
    mixed, small = (20, 100) if quick else (1_000, 20_000)
    with built_package() as package:
        rows = [
            *_package_rows(package),
            *_cold_rows(run_in_container(package, "cold", str(cold_rounds))),
            *_warm_rows(run_in_container(package, "warm", str(warm_rounds))),
            *_memory_rows(run_in_container(package, "memory", str(mixed), str(small))),
        ]
    columns = ("metric", "measured", "baseline", "value", "target", "stretch target")
    return Section(
        name="targets",
        title="Targets",
        method=(*_METHOD, f"{cold_rounds} starts and {warm_rounds} warm turns of each."),
        tables=(Table("Targets and measured values", columns, tuple(rows)),),
        notes=tuple(_missed(rows)),
        versions=versions(("fastapi", "mangum", "numpy", "onnxruntime", "pillow")),
    )


def zipped_bytes(folder: Path) -> int:
    """Return the size of `folder` zipped as SAM CLI does it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in files_in(folder):
            file.write(path, path.relative_to(folder))
    return archive.tell()


def _package_rows(package: Path) -> list[Row]:
    unpacked, zipped = sum(path.stat().st_size for path in files_in(package)) / 1e6, zipped_bytes(package) / 1e6
    return [
        ("package, unpacked, MB", "", "", unpacked, 100, 70),
        ("package, zipped, MB", "", "", zipped, 40, 28),
    ]


def _cold_rows(laps: Seconds) -> list[Row]:
    whole = {name: [sum(start) for start in zip(*parts.values(), strict=True)] for name, parts in laps.items()}
    session, imported = laps["session"]["session"], laps["session"]["import onnxruntime"]
    bare = "import fastapi, mangum, onnxruntime, PIL.Image"
    return [
        _row("HTTP function, cold: import and first image", whole["http"], bare, whole["imports"], (1.15, 0.9)),
        _row(
            "worker function, cold: import and first image",
            whole["worker"],
            "HTTP function, cold",
            whole["http"],
            (0.7, 0.5),
        ),
        (
            "session of the shipped model, ms",
            f"{Spread.of(session).milliseconds()} ms",
            f"import onnxruntime: {Spread.of(imported).milliseconds()} ms",
            1e3 * median(session),
            6,
            3,
        ),
    ]


def _warm_rows(comparisons: Seconds) -> list[Row]:
    targets = {"28x28 PNG": (2.0, 1.6), "12-megapixel": (0.3, 0.2), "64 images": (0.35, 0.25)}
    rows = []
    for name, contenders in comparisons.items():
        (own, seconds), (other, others) = contenders.items()
        target = next(target for start, target in targets.items() if name.startswith(start))
        rows.append(_row(f"{name}: {own}", seconds, other, others, target))
    return rows


def _memory_rows(memory: Mapping[str, Any]) -> list[Row]:
    resident: Mapping[str, float] = memory["resident"]
    (first, before), *_, (last, after) = resident.items()
    growth = 100 * (after / before - 1)
    return [
        (f"HTTP function, peak memory after {int(first):,} mixed images, MB", "", "", memory["peak"], 160, 128),
        (f"HTTP function, memory growth from then to {int(last):,} requests, %", "", "", growth, 2, 2),
    ]


def _row(
    metric: str, seconds: Sequence[float], baseline: str, others: Sequence[float], target: tuple[float, float]
) -> Row:
    measured = f"{Spread.of(seconds).milliseconds()} ms"
    return (
        metric,
        measured,
        f"{baseline}: {Spread.of(others).milliseconds()} ms",
        median(seconds) / median(others),
        *target,
    )


def _missed(rows: Sequence[Row]) -> list[str]:
    missed = [row for row in rows if isinstance(row[3], float) and isinstance(row[4], (int, float)) and row[3] > row[4]]
    return [f"Missed: {row[0]}, {row[3]:.3g} instead of {row[4]:.3g}." for row in missed]
