"""What was measured and what AWS asks in, infra/CAPACITY.md out: the time and the dollars for millions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infra.capacity.costs import MB_PER_VCPU, S3_SECONDS, Worker, dollars, hours
from infra.capacity.measurements import Measurement, Measurements
from infra.capacity.prices import Prices

SHEET: Final = Path(__file__).parents[1] / "CAPACITY.md"

_OBJECTS: Final = (1_000_000, 100_000_000)
_MEMORY_MB: Final = (128, 256, 512, 1024, 1769, 3008)
_WORKERS: Final = (5, 50, 500)
_ARCHITECTURES: Final = ("x86_64", "arm64")


def sheet(measured: Measurements, prices: Prices) -> str:
    """The whole document."""
    return "\n".join([*_introduction(measured, prices), *_measured(measured), *_tables(measured, prices)]) + "\n"


def _introduction(measured: Measurements, prices: Prices) -> Iterator[str]:
    yield "# What a backfill takes, and costs"
    yield ""
    yield "Made by `.venv/bin/python -m infra capacity`, which measures; nothing here is written by hand."
    yield ""
    yield f"- Measured on {measured.measured}, on {measured.machine}: {measured.versions}."
    looked_up = f"looked up on {prices.looked_up} (infra/capacity/prices.json)"
    yield f"- Prices of {prices.region}, {looked_up}, without the free tier:"
    yield f"  {', '.join(f'<{source}>' for source in prices.sources)}."
    yield f"- A function of M MB gets M / {MB_PER_VCPU:,} of a processor like the one measured; what the worker does"
    yield "  with an image uses one at most, so that memory above that costs, and speeds up nothing."
    yield f"- Taken for granted, not measured: {S3_SECONDS * 1000:.1f} ms of each image wait for S3; arm64 is as fast"
    yield "  as x86_64; the queue is never empty; nothing comes twice."
    yield "- Not among the dollars: storage, logs, metrics, the data that leaves a region."
    yield "- A message is lost after 14 days in the queue: use so many workers that it is empty by then."
    yield ""


def _measured(measured: Measurements) -> Iterator[str]:
    yield "| image | bytes | measured | processor time of one | peak memory |"
    yield "| --- | --- | --- | --- | --- |"
    for kind in measured.kinds:
        milliseconds = f"{kind.cpu_seconds * 1000:.1f} ms"
        yield f"| {kind.kind} | {kind.bytes:,} | {kind.images} images | {milliseconds} | {kind.peak_mb:.0f} MB |"
    yield ""


def _tables(measured: Measurements, prices: Prices) -> Iterator[str]:
    for objects in _OBJECTS:
        for kind in measured.kinds:
            yield f"## {objects:,} objects, {kind.kind}"
            yield ""
            yield from _table(objects, kind, prices)
            yield ""


def _table(objects: int, kind: Measurement, prices: Prices) -> Iterator[str]:
    times = " | ".join(f"{workers} workers" for workers in _WORKERS)
    yield f"| memory | {times} | {' | '.join(_ARCHITECTURES)} | of it S3, SQS, Step Functions |"
    yield "| --- |" + " --- |" * (len(_WORKERS) + len(_ARCHITECTURES) + 1)
    for memory_mb in _MEMORY_MB:
        if memory_mb < kind.peak_mb:
            yield f"| {memory_mb:,} MB |" + " too small |" * len(_WORKERS) + " |" * (len(_ARCHITECTURES) + 1)
            continue
        worker = Worker(memory_mb)
        cells = [_time(hours(objects, kind.cpu_seconds, worker, workers)) for workers in _WORKERS]
        costs = [dollars(objects, kind.cpu_seconds, Worker(memory_mb, each), prices) for each in _ARCHITECTURES]
        cells += [f"${cost.total:,.2f}" for cost in costs]
        cells.append(f"${costs[0].s3:,.2f}, ${costs[0].sqs:,.2f}, ${costs[0].step_functions:,.2f}")
        yield f"| {memory_mb:,} MB | {' | '.join(cells)} |"


def _time(hours_: float) -> str:
    if hours_ < 1:
        return f"{hours_ * 60:.0f} min"
    return f"{hours_:.1f} h" if hours_ < 48 else f"{hours_ / 24:.1f} days"
