"""Read bench/prices.json: prices of API endpoints, Fargate and SageMaker. Lambda's prices are in infra."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).with_name("prices.json")


@dataclass(frozen=True)
class PriceList:
    """Prices in dollars, without free tier or volume discounts.

    `read_at` names the page that was read; null means that the price is from memory.
    """

    region: str
    looked_up: str  # ISO 8601
    endpoints: dict[str, float]  # per request, by type of endpoint
    endpoints_source: str
    endpoints_read_at: str | None
    gigabyte_out: float  # to the internet
    gigabyte_out_source: str
    gigabyte_out_read_at: str | None
    fargate_vcpu_hour: dict[str, float]  # by architecture
    fargate_gb_hour: dict[str, float]
    fargate_source: str
    fargate_read_at: str | None
    sagemaker_gb_second: float  # of serverless inference
    sagemaker_gigabyte: float  # data processed, in and out
    sagemaker_source: str
    sagemaker_read_at: str | None

    def sources(self) -> str:
        """Return all sources in one sentence."""
        named = [(self.endpoints_source, self.endpoints_read_at), (self.gigabyte_out_source, self.gigabyte_out_read_at)]
        named += [(self.fargate_source, self.fargate_read_at), (self.sagemaker_source, self.sagemaker_read_at)]
        described = (
            f"<{source}> ({f'read at <{at}>' if at else 'from memory, not confirmed'})" for source, at in named
        )
        return f"Prices of {self.region}, looked up on {self.looked_up}: {', '.join(described)}."


def read_price_list(path: Path = _FILE) -> PriceList:
    return PriceList(**json.loads(path.read_text(encoding="utf-8")))
