"""bench/prices.json, what stands in front of Lambda and beside it, as values; Lambda's own prices are infra's."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).with_name("prices.json")


@dataclass(frozen=True)
class PriceList:
    """Dollars, without the free tier and without the discounts of great quantities.

    A source that was `read_at` null was not at hand, and is from memory.
    """

    region: str
    looked_up: str  # ISO 8601
    doors: dict[str, float]  # a request to each
    doors_source: str
    doors_read_at: str | None
    gigabyte_out: float  # to the internet
    gigabyte_out_source: str
    gigabyte_out_read_at: str | None
    fargate_vcpu_hour: dict[str, float]  # by architecture
    fargate_gb_hour: dict[str, float]
    fargate_source: str
    fargate_read_at: str | None
    sagemaker_gb_second: float  # of serverless inference
    sagemaker_gigabyte: float  # in and out
    sagemaker_source: str
    sagemaker_read_at: str | None

    def sources(self) -> str:
        """All of them, as a sentence."""
        named = [(self.doors_source, self.doors_read_at), (self.gigabyte_out_source, self.gigabyte_out_read_at)]
        named += [(self.fargate_source, self.fargate_read_at), (self.sagemaker_source, self.sagemaker_read_at)]
        told = (f"<{source}> ({f'read at <{at}>' if at else 'from memory, not confirmed'})" for source, at in named)
        return f"Prices of {self.region}, looked up on {self.looked_up}: {', '.join(told)}."


def read_price_list(path: Path = _FILE) -> PriceList:
    return PriceList(**json.loads(path.read_text(encoding="utf-8")))
