"""Read and write measured.json: processor time and memory of the worker for each kind of image."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

MEASURED_FILE: Final = Path(__file__).with_name("measured.json")


@dataclass(frozen=True)
class Measurement:
    """The worker's measurement for one kind of image, in a process of its own."""

    kind: str
    bytes: int
    images: int  # number measured
    cpu_seconds: float  # per image, over all threads
    peak_mb: float  # resident set of the process


@dataclass(frozen=True)
class Measurements:
    """Measurements of all kinds, with machine, versions and date."""

    machine: str
    versions: str
    measured: str  # ISO 8601 date
    kinds: tuple[Measurement, ...]

    @property
    def typical_cpu_seconds(self) -> float:
        """Median over the kinds, for when the images are not known."""
        return sorted(kind.cpu_seconds for kind in self.kinds)[len(self.kinds) // 2]


def read_measurements(path: Path = MEASURED_FILE) -> Measurements:
    """The last measurements."""
    document = json.loads(path.read_text(encoding="utf-8"))
    kinds = tuple(Measurement(**kind) for kind in document.pop("kinds"))
    return Measurements(**document, kinds=kinds)


def write_measurements(measurements: Measurements, path: Path = MEASURED_FILE) -> None:
    """Store `measurements` for the report, and for the cost that a backfill shows."""
    path.write_text(json.dumps(asdict(measurements), indent=2) + "\n", encoding="utf-8")
