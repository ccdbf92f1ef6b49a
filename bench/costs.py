"""Cost of a million images: by memory size, endpoint, batch and bucket upload, compared with other services."""

from collections.abc import Iterator
from typing import Final

from bench.lambda_image import built_package
from bench.machine import versions
from bench.price_list import PriceList, read_price_list
from bench.request_usage import RequestUsage, measure_requests
from bench.sections import Cell, Plot, Section, Table
from infra.capacity.prices import Prices, read_prices

_MEMORY_MB: Final = (128, 256, 512, 1024, 1769, 3008)
_TYPICAL_MB: Final = 1024
_ARCHITECTURES: Final = ("x86_64", "arm64")
_MILLION: Final = 1_000_000
_BATCH: Final = 64
_KINDS: Final = {
    "PNG 28": "28x28 PNG",
    "JPEG 1155": "1-megapixel JPEG",
    "JPEG 4000": "12-megapixel JPEG",
    f"batch {_BATCH}": f"28x28 PNG, {_BATCH} in one request",
}
_COLD_SHARES: Final = (0.001, 0.01, 0.1)
_HOURS: Final = 730  # in a month
_FARGATE_GB: Final = 2

_METHOD: Final = (
    "Median processor time of one warm request through Mangum, in Lambda's image. A function of M MB has M / 1,769 of a"
    " processor, at most one, and is billed by the millisecond; arm64 is assumed to be as fast as x86_64.",
    "A cold start lasts from the function's first line to its first request, and is billed at the same rate.",
    "The price by bucket is that of the request without an endpoint, plus one GET and one PUT for each object, and one"
    " message sent for each; messages are received and deleted ten at a time. Waiting for S3 is not included.",
)


def measure(*, quick: bool) -> Section:
    """Measure requests in Lambda's image. Raises NoDocker."""
    rounds = 2 if quick else 15
    with built_package() as package:
        measured = measure_requests(package, list(_KINDS), rounds)
    usage = {_KINDS[name]: each for name, each in measured.items()}
    listed, prices = read_price_list(), read_prices()
    alternatives = _alternatives(usage["1-megapixel JPEG"], listed, prices)
    return Section(
        name="costs",
        title="Costs",
        method=(*_METHOD, f"{rounds} requests of each.", listed.sources(), f"Lambda, S3, SQS: {prices.looked_up}."),
        tables=(_by_memory(usage, prices), _by_endpoint(usage, listed, prices), alternatives),
        plots=(_plot(usage, prices),),
        notes=tuple(_notes(usage, listed, prices)),
        versions=versions(("fastapi", "mangum", "onnxruntime", "pillow")),
    )


def _images(kind: str) -> int:
    return _BATCH if str(_BATCH) in kind else 1


def _by_memory(usage: dict[str, RequestUsage], prices: Prices) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for kind, each in usage.items():
        for architecture in _ARCHITECTURES:
            cells = [
                _MILLION * each.lambda_dollars(memory_mb, architecture, prices, 0.01) / _images(kind)
                if each.fits(memory_mb)
                else "too small"
                for memory_mb in _MEMORY_MB
            ]
            rows.append((kind, architecture, f"{each.cpu.milliseconds()}", *cells))
    columns = ("images", "architecture", "processor time per request, ms", *(f"{size:,} MB, $" for size in _MEMORY_MB))
    return Table("Lambda only: dollars per million images, 1% of the requests cold", columns, tuple(rows))


def _by_endpoint(usage: dict[str, RequestUsage], listed: PriceList, prices: Prices) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for kind, each in usage.items():
        for endpoint, dollars in listed.endpoints.items():
            fixed = dollars + each.response_bytes / 1e9 * listed.gigabyte_out
            rows.append((kind, endpoint, *(_per_million(kind, each, fixed, share, prices) for share in _COLD_SHARES)))
        if _images(kind) == 1:
            rows.append((kind, "bucket", *(_through_bucket(each, share, prices) for share in _COLD_SHARES)))
    shares = tuple(f"{share:.1%} cold, $".replace(".0%", "%") for share in _COLD_SHARES)
    title = f"All services: dollars per million images, {_TYPICAL_MB:,} MB, x86_64"
    return Table(title, ("images", "endpoint", *shares), tuple(rows))


def _per_million(kind: str, usage: RequestUsage, fixed: float, cold_share: float, prices: Prices) -> float:
    request = fixed + usage.lambda_dollars(_TYPICAL_MB, "x86_64", prices, cold_share)
    return _MILLION * request / _images(kind)


def _through_bucket(usage: RequestUsage, cold_share: float, prices: Prices) -> float:
    """Divide the invocation's price and cold starts by ten, as the worker takes ten objects per invocation."""
    compute = usage.lambda_dollars(_TYPICAL_MB, "x86_64", prices, cold_share / 10) - 0.9 * prices.lambda_request
    return _MILLION * (compute + prices.s3_get + prices.s3_put_or_list + 1.2 * prices.sqs_request)


def _alternatives(usage: RequestUsage, listed: PriceList, prices: Prices) -> Table:
    """Compare a 1-megapixel photo by the cheapest endpoint with the same processor time on other services."""
    seconds = usage.cpu.median
    own = _per_million("", usage, usage.response_bytes / 1e9 * listed.gigabyte_out, 0.01, prices)
    rows: list[tuple[Cell, ...]] = [(f"Lambda, {_TYPICAL_MB:,} MB, Function URL", own, "", "", "")]
    moved = (usage.bytes + usage.response_bytes) / 1e9 * listed.sagemaker_gigabyte
    sagemaker = _MILLION * (seconds * _FARGATE_GB * listed.sagemaker_gb_second + moved)
    rows.append((f"SageMaker Serverless, {_FARGATE_GB} GB, same processor time", sagemaker, "", "", ""))
    for architecture in _ARCHITECTURES:
        month = fargate_month(listed, architecture)
        most = _HOURS * 3600 / seconds
        name = f"Fargate, 1 vCPU, {_FARGATE_GB} GB, always on, {architecture}"
        rows.append((name, _MILLION * month / most, month, most, _MILLION * month / own))
    columns = (
        "service",
        "per million, $",
        "per month, $",
        "images per month, at most",
        "cheaper from, images per month",
    )
    return Table("1-megapixel photos on other services", columns, tuple(rows))


def fargate_month(listed: PriceList, architecture: str) -> float:
    """Return the price in dollars of one vCPU that is always on."""
    hour = listed.fargate_vcpu_hour[architecture] + _FARGATE_GB * listed.fargate_gb_hour[architecture]
    return _HOURS * hour


def _plot(usage: dict[str, RequestUsage], prices: Prices) -> Plot:
    series: dict[str, tuple[tuple[str | float, float], ...]] = {
        kind: tuple(
            (size, _MILLION * each.lambda_dollars(size, "x86_64", prices, 0.01) / _images(kind))
            for size in _MEMORY_MB
            if each.fits(size)
        )
        for kind, each in usage.items()
    }
    return Plot("costs", "Lambda only, x86_64", "memory, MB", "$ per million images", series, True, True)


def _notes(usage: dict[str, RequestUsage], listed: PriceList, prices: Prices) -> Iterator[str]:
    photo = usage["1-megapixel JPEG"]
    own = photo.lambda_dollars(_TYPICAL_MB, "x86_64", prices, 0.01)
    endpoint, dollars = max(listed.endpoints.items(), key=lambda each: each[1])
    yield (
        f"A million 1-megapixel photos by {endpoint} cost ${_MILLION * dollars:.2f} for the endpoint and"
        f" ${_MILLION * own:.2f} for the function."
    )
    month = min(fargate_month(listed, architecture) for architecture in _ARCHITECTURES)
    busy = month / own * photo.cpu.median / (_HOURS * 3600)
    yield (
        f"From {month / own / 1e6:.1f} million such photos per month, an always-on processor for ${month:.2f} is"
        f" cheaper than the function by its URL, if requests arrive evenly: it is busy for {busy:.0%} of the month."
    )
    yield "Not included: logs, metrics, storage, a load balancer for Fargate, and operating it."
