"""What this machine is, and when it is: what every number of a benchmark is reported with."""

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """One processor, its system, and the day."""

    processor: str
    cores: int
    features: tuple[str, ...]  # of the processor, that int8 arithmetic makes use of
    system: str
    python: str
    day: str  # ISO 8601

    @property
    def sentence(self) -> str:
        return (
            f"Measured on {self.day}: {self.cores} cores of {self.processor} ({', '.join(self.features)}), "
            f"{self.system}, Python {self.python}."
        )


def this_machine() -> Machine:
    """From Linux's own account."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    facts = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in cpuinfo.splitlines()}
    flags = facts.get("flags", "").split()
    return Machine(
        processor=facts.get("model name", platform.machine()),
        cores=os.cpu_count() or 1,
        features=tuple(each for each in ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16") if each in flags),
        system=platform.freedesktop_os_release()["PRETTY_NAME"],
        python=platform.python_version(),
        day=f"{datetime.now(UTC):%Y-%m-%d}",
    )


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Of packages that are installed here."""
    return {package: version(package) for package in packages}
