"""infra/measured.json, what one image costs the worker, as values; `python -m infra capacity` measures it anew."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

MEASURED_FILE: Final = Path(__file__).with_name("measured.json")


@dataclass(frozen=True)
class Measurement:
    """One kind of image through the worker, in a process that does nothing else."""

    kind: str
    bytes: int
    images: int  # that were measured
    cpu_seconds: float  # of an image, on all threads together
    peak_mb: float  # of the whole process


@dataclass(frozen=True)
class Measurements:
    """All kinds, and where and when they were measured."""

    machine: str
    versions: str
    measured: str  # the day, ISO 8601
    kinds: tuple[Measurement, ...]

    @property
    def typical_cpu_seconds(self) -> float:
        """Of the middle kind, where nothing is known of the images."""
        return sorted(kind.cpu_seconds for kind in self.kinds)[len(self.kinds) // 2]


def read_measurements(path: Path = MEASURED_FILE) -> Measurements:
    """What was measured last."""
    document = json.loads(path.read_text(encoding="utf-8"))
    kinds = tuple(Measurement(**kind) for kind in document.pop("kinds"))
    return Measurements(**document, kinds=kinds)


def write_measurements(measurements: Measurements, path: Path = MEASURED_FILE) -> None:
    """Keep `measurements` for the sheet, and for the cost that a backfill shows."""
    path.write_text(json.dumps(asdict(measurements), indent=2) + "\n", encoding="utf-8")
