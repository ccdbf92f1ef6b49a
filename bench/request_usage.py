"""Measure processor time and memory of requests in Lambda's image, and compute their price on Lambda."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from bench.lambda_image import run_in_container
from bench.timing import Spread
from infra.capacity.costs import MB_PER_VCPU
from infra.capacity.prices import Prices


@dataclass(frozen=True)
class RequestUsage:
    """Resources of one request, measured in a process that serves no other kind of request."""

    bytes: int  # of the image or images
    cpu: Spread  # processor time in seconds, warm
    cold_cpu_seconds: float  # processor time of the imports, before the first request
    response_bytes: int
    peak_mb: float

    def lambda_dollars(self, memory_mb: int, architecture: str, prices: Prices, cold_share: float = 0.0) -> float:
        """Return the price of one request; a share of `cold_share` of the requests includes a cold start.

        arm64 is assumed to be as fast as x86_64.
        """
        processors = min(1.0, memory_mb / MB_PER_VCPU)
        seconds = _billed(self.cpu.median / processors) + cold_share * _billed(self.cold_cpu_seconds / processors)
        return prices.lambda_request + seconds * memory_mb / 1024 * prices.lambda_gb_second[architecture]

    def fits(self, memory_mb: int) -> bool:
        """Return whether the request fits into `memory_mb`, together with Lambda's runtime."""
        return self.peak_mb * 1e6 + _RUNTIME_BYTES <= memory_mb * 2**20


_RUNTIME_BYTES: Final = 10_000_000  # an assumption, not measured


def measure_requests(package: Path, names: Sequence[str], rounds: int) -> dict[str, RequestUsage]:
    """Measure the requests `names`, in the notation of bench.in_container.usage. Raises NoDocker."""
    reported = run_in_container(package, "usage", str(rounds), *names)
    cold = median(each["cold"] for each in reported.values())
    return {
        name: RequestUsage(each["bytes"], Spread.of(each["cpu_seconds"]), cold, each["response_bytes"], each["peak_mb"])
        for name, each in reported.items()
    }


def _billed(seconds: float) -> float:
    """Round up to whole milliseconds, as Lambda does."""
    return math.ceil(seconds * 1000) / 1000
