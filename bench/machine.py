"""Describe this machine and the package versions; reported with every benchmark result."""

import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """Processor, operating system, Python version and date of a measurement."""

    processor: str
    cores: int
    features: tuple[str, ...]  # instruction sets that int8 and bfloat16 arithmetic can use
    system: str
    python: str
    day: str  # ISO 8601
    commit: str = "unknown"  # of this project

    @property
    def sentence(self) -> str:
        return (
            f"Measured on {self.day}: {self.cores} cores of {self.processor} ({', '.join(self.features)}), "
            f"{self.system}, Python {self.python}; commit {self.commit}."
        )


def this_machine() -> Machine:
    """Read from /proc/cpuinfo and os-release."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    fields = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in cpuinfo.splitlines()}
    flags = fields.get("flags", "").split()
    return Machine(
        processor=fields.get("model name", platform.machine()),
        cores=os.cpu_count() or 1,
        features=tuple(each for each in ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16") if each in flags),
        system=platform.freedesktop_os_release()["PRETTY_NAME"],
        python=platform.python_version(),
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        commit=_commit(),
    )


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the installed versions of `packages`."""
    return {package: version(package) for package in packages}
