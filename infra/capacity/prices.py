"""Read prices.json: what AWS charges per request and per second."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PRICES_FILE: Final = Path(__file__).with_name("prices.json")


@dataclass(frozen=True)
class Prices:
    """Prices in dollars, without free tier and volume discounts."""

    region: str
    looked_up: str  # ISO 8601 date
    sources: tuple[str, ...]
    lambda_request: float
    lambda_gb_second: dict[str, float]  # by architecture
    s3_put_or_list: float
    s3_get: float
    sqs_request: float  # up to 64 KB
    transition: float  # of a standard workflow
    express_request: float
    express_gb_second: float


def read_prices(path: Path = PRICES_FILE) -> Prices:
    """The prices in `path`."""
    document = json.loads(path.read_text(encoding="utf-8"))
    services = [document[name] for name in ("lambda", "s3", "sqs", "step_functions")]
    compute, storage, queue, steps = services
    return Prices(
        region=document["region"],
        looked_up=document["looked_up"],
        sources=tuple(service["source"] for service in services),
        lambda_request=compute["request"],
        lambda_gb_second=compute["gb_second"],
        s3_put_or_list=storage["put_or_list"],
        s3_get=storage["get"],
        sqs_request=queue["request"],
        transition=steps["transition"],
        express_request=steps["express_request"],
        express_gb_second=steps["express_gb_second"],
    )
