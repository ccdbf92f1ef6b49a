"""Processor time, memory and dollars of a request: by size and batch, endpoint and service."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.environments import THIS, Checkout
from bench.lambda_image import in_container, need_image
from bench.machine import versions
from bench.packages import own_package
from bench.results import Cell, Figure, Section, Table, milliseconds
from infra.capacity.costs import MB_PER_VCPU
from infra.capacity.prices import Prices, read_prices

_KINDS: Final = {
    "PNG 28": ("28x28 PNG", 1),
    "batch 64": ("64 of them in one request", 64),
    "JPEG 400": ("JPEG, 0.1 megapixels", 1),
    "JPEG 1155": ("JPEG, 1 megapixel", 1),
    "JPEG 2309": ("JPEG, 4 megapixels", 1),
    "JPEG 4000": ("JPEG, 12 megapixels", 1),
    "JPEG 5657": ("JPEG, 24 megapixels", 1),
    "PNG 1155": ("PNG, 1 megapixel", 1),
}
_PRICED: Final = ("PNG 28", "batch 64", "JPEG 1155", "JPEG 4000")
_TYPICAL: Final = "JPEG 1155"
_TYPICAL_MB: Final = 1024
_MILLION: Final = 1_000_000
_COLD_SHARE: Final = 0.01
_HOURS: Final = 730  # in a month
_FARGATE_GB: Final = 2
_METHOD: Final = (
    "Median processor time of one warm request through Mangum, in Lambda's image, each kind in a process of its own. A"
    " function of M MB has M / 1,769 of a processor, at most one, and is billed by the millisecond.",
    "Images show a photo with added noise, aspect ratio 3:4. 1 % of the requests are cold; a cold start lasts from the"
    " function's first line to its first request, and is billed at the same rate.",
    "By bucket: the same request without an endpoint, plus one GET, one PUT and one message for each object; messages"
    " are received and deleted ten at a time. Waiting for S3 is not included, nor are logs, metrics, storage, a load"
    " balancer for Fargate, and operating it. Prices are of us-east-1, without free tier and discounts.",
)


@dataclass(frozen=True)
class Usage:
    """Resources of one request, measured in a process that serves no other kind of request."""

    bytes: int  # of the image or images
    cpu: Figure  # processor time, ms
    cold_cpu_seconds: float  # of the imports, before the first request
    response_bytes: int
    peak_mb: float

    @property
    def cpu_seconds(self) -> float:
        return self.cpu.median / 1e3

    def lambda_dollars(self, memory_mb: int, prices: Prices, cold_share: float = _COLD_SHARE) -> float:
        """Price of one request on x86_64; a share of `cold_share` of the requests includes a cold start."""
        processors = min(1.0, memory_mb / MB_PER_VCPU)
        seconds = _billed(self.cpu_seconds / processors) + cold_share * _billed(self.cold_cpu_seconds / processors)
        return prices.lambda_request + seconds * memory_mb / 1024 * prices.lambda_gb_second["x86_64"]


def measure(*, quick: bool, against: Checkout | None) -> Section:  # noqa: ARG001  prices of old commits tell nothing
    """Measure requests in Lambda's image. Raises NoDocker or CannotMeasure."""
    need_image()
    rounds = 2 if quick else 11
    with in_container(own_package(THIS), "usage", str(rounds), *_KINDS) as ask:
        reported = ask()
    cold = median(each["cold"] for each in reported.values())
    usage = {name: _usage(_KINDS[name][0], each, cold) for name, each in reported.items()}
    listed, prices = json.loads(Path(__file__).with_name("prices.json").read_text(encoding="utf-8")), read_prices()
    sources = [f"<{value}>" for name, value in listed.items() if name.endswith("_source")]
    looked_up = f"Looked up on {listed['looked_up']}: {', '.join(sources)} (SageMaker's from memory, not confirmed)."
    return Section(
        "costs",
        "Costs",
        (*_METHOD, f"{rounds} requests of each.", looked_up, f"Lambda, S3, SQS: {prices.looked_up}."),
        (_by_size(usage), _by_endpoint(usage, listed, prices), _services(usage[_TYPICAL], listed, prices)),
        tuple(each.cpu for each in usage.values()),
        versions=versions(("fastapi", "mangum", "onnxruntime", "pillow")),
    )


def _usage(name: str, reported: Mapping[str, Any], cold: float) -> Usage:
    cpu = milliseconds(f"{name}: processor time of a request", reported["cpu_seconds"])
    return Usage(reported["bytes"], cpu, cold, reported["response_bytes"], reported["peak_mb"])


def _by_size(usage: Mapping[str, Usage]) -> Table:
    rows = [(*_KINDS[name], each.bytes / 1e6, str(each.cpu), each.peak_mb) for name, each in usage.items()]
    columns = ("images", "in one request", "bytes, MB", "processor time, ms: median (quartiles)", "peak memory, MB")
    return Table("By size", columns, tuple(rows))


def _by_endpoint(usage: Mapping[str, Usage], listed: Mapping[str, Any], prices: Prices) -> Table:
    rows = []
    for name in _PRICED:
        each, (what, images) = usage[name], _KINDS[name]
        request = each.lambda_dollars(_TYPICAL_MB, prices) + each.response_bytes / 1e9 * listed["gigabyte_out"]
        by_endpoint = [_MILLION * (request + dollars) / images for dollars in listed["endpoints"].values()]
        rows.append((what, *by_endpoint, _through_bucket(each, prices) if images == 1 else ""))
    columns = ("images", *(f"{name}, $" for name in listed["endpoints"]), "bucket, $")
    return Table(f"All services, {_TYPICAL_MB:,} MB: dollars per million images, by endpoint", columns, tuple(rows))


def _through_bucket(usage: Usage, prices: Prices) -> float:
    """Divide the invocation's price and cold starts by ten, as the worker takes ten objects per invocation."""
    compute = usage.lambda_dollars(_TYPICAL_MB, prices, _COLD_SHARE / 10) - 0.9 * prices.lambda_request
    return _MILLION * (compute + prices.s3_get + prices.s3_put_or_list + 1.2 * prices.sqs_request)


def _services(usage: Usage, listed: Mapping[str, Any], prices: Prices) -> Table:
    """Compare the cheapest endpoint with the same processor time on other services."""
    own = _MILLION * (usage.lambda_dollars(_TYPICAL_MB, prices) + usage.response_bytes / 1e9 * listed["gigabyte_out"])
    return Table(
        "Photos of 1 megapixel on other services",
        ("service", "per million, $", "per month, $", "images per month, at most", "cheaper from, images per month"),
        ((f"Lambda, {_TYPICAL_MB:,} MB, function URL", own, "", "", ""), *_others(usage, listed, own)),
    )


def _others(usage: Usage, listed: Mapping[str, Any], own: float) -> Iterator[tuple[Cell, ...]]:
    seconds, moved = usage.cpu_seconds, (usage.bytes + usage.response_bytes) / 1e9 * listed["sagemaker_gigabyte"]
    sagemaker = _MILLION * (seconds * _FARGATE_GB * listed["sagemaker_gb_second"] + moved)
    yield f"SageMaker Serverless, {_FARGATE_GB} GB, same processor time", sagemaker, "", "", ""
    month, most = fargate_month(listed), int(_HOURS * 3600 / seconds)
    name = f"Fargate, 1 vCPU, {_FARGATE_GB} GB, always on, x86_64"
    yield name, _MILLION * month / most, month, most, int(_MILLION * month / own)


def fargate_month(listed: Mapping[str, Any]) -> float:
    """Price in dollars of one x86_64 vCPU that is always on."""
    return _HOURS * float(listed["fargate_vcpu_hour"]["x86_64"] + _FARGATE_GB * listed["fargate_gb_hour"]["x86_64"])


def _billed(seconds: float) -> float:
    """Round up to whole milliseconds, as Lambda does."""
    return math.ceil(seconds * 1000) / 1000
