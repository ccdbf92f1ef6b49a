"""Names of requests in, what one of each takes out, measured in Lambda's image; and what Lambda asks for it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from bench.lambda_image import run_inside
from bench.timing import Spread
from infra.capacity.costs import MB_PER_VCPU
from infra.capacity.prices import Prices


@dataclass(frozen=True)
class Spent:
    """By one request, in a process that has served nothing else."""

    bytes: int  # of its picture or pictures
    cpu: Spread  # seconds of processor time, warm
    cold_cpu_seconds: float  # from the first line of the function to the first request
    reply_bytes: int
    peak_mb: float

    def lambda_dollars(self, memory_mb: int, architecture: str, prices: Prices, cold_share: float = 0.0) -> float:
        """For one request, whose `cold_share` is that of a cold start; arm64 is taken to be as fast as x86_64."""
        processors = min(1.0, memory_mb / MB_PER_VCPU)
        seconds = _billed(self.cpu.median / processors) + cold_share * _billed(self.cold_cpu_seconds / processors)
        return prices.lambda_request + seconds * memory_mb / 1024 * prices.lambda_gb_second[architecture]

    def fits(self, memory_mb: int) -> bool:
        """Whether a function of that size can do it at all; Lambda's runtime takes some as well."""
        return self.peak_mb * 1e6 + _RUNTIME_BYTES <= memory_mb * 2**20


_RUNTIME_BYTES: Final = 10_000_000  # taken for granted


def requests_spent(package: Path, names: Sequence[str], rounds: int) -> dict[str, Spent]:
    """`names` as bench.in_container.usage has them. Raises NoDocker."""
    told = run_inside(package, "usage", str(rounds), *names)
    cold = median(each["cold"] for each in told.values())
    return {
        name: Spent(each["bytes"], Spread.of(each["cpu_seconds"]), cold, each["reply_bytes"], each["peak_mb"])
        for name, each in told.items()
    }


def _billed(seconds: float) -> float:
    """Whole milliseconds, as Lambda counts them."""
    return math.ceil(seconds * 1000) / 1000
