"""What a million pictures cost: by memory, by front door, one by one, in batches and through the bucket; and beside."""

from collections.abc import Iterator
from typing import Final

from bench.lambda_image import built_package
from bench.machine import versions
from bench.price_list import PriceList, read_price_list
from bench.request_usage import Spent, requests_spent
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
_HOURS: Final = 730  # of a month
_FARGATE_GB: Final = 2

_METHOD: Final = (
    "Processor time of one request through Mangum, in Lambda's image, warm, medians; a function of M MB has M / 1,769"
    " of such a processor, one at most, and is billed by the millisecond; arm64 is taken to be as fast as x86_64.",
    "A cold start is from the function's first line to its first request, and is billed like all else.",
    "The bucket's way is what a request takes without its front door, plus one GET and one PUT for each object, a"
    " message sent for each, received and deleted ten at a time; waiting for S3 is not measured, and not in it.",
)


def measure(*, quick: bool) -> Section:
    """Needs Docker with Lambda's image. Raises NoDocker."""
    rounds = 2 if quick else 15
    with built_package() as package:
        measured = requests_spent(package, list(_KINDS), rounds)
    spent, listed, prices = {_KINDS[name]: each for name, each in measured.items()}, read_price_list(), read_prices()
    beside = _beside(spent["1-megapixel JPEG"], listed, prices)
    return Section(
        name="costs",
        title="Costs",
        method=(*_METHOD, f"{rounds} requests of each.", listed.sources(), f"Lambda, S3, SQS: {prices.looked_up}."),
        tables=(_by_memory(spent, prices), _by_door(spent, listed, prices), beside),
        plots=(_plot(spent, prices),),
        notes=tuple(_notes(spent, listed, prices)),
        versions=versions(("fastapi", "mangum", "onnxruntime", "pillow")),
    )


def _pictures(kind: str) -> int:
    return _BATCH if str(_BATCH) in kind else 1


def _by_memory(spent: dict[str, Spent], prices: Prices) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for kind, each in spent.items():
        for architecture in _ARCHITECTURES:
            cells = [
                _MILLION * each.lambda_dollars(memory_mb, architecture, prices, 0.01) / _pictures(kind)
                if each.fits(memory_mb)
                else "too small"
                for memory_mb in _MEMORY_MB
            ]
            rows.append((kind, architecture, f"{each.cpu.milliseconds()}", *cells))
    columns = ("pictures", "processor", "processor time of a request, ms", *(f"{size:,} MB, $" for size in _MEMORY_MB))
    return Table("Lambda alone, dollars for a million pictures, 1 % of the requests cold", columns, tuple(rows))


def _by_door(spent: dict[str, Spent], listed: PriceList, prices: Prices) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for kind, each in spent.items():
        for door, dollars in listed.doors.items():
            fixed = dollars + each.reply_bytes / 1e9 * listed.gigabyte_out
            rows.append((kind, door, *(_per_million(kind, each, fixed, share, prices) for share in _COLD_SHARES)))
        if _pictures(kind) == 1:
            rows.append((kind, "bucket", *(_through_bucket(each, share, prices) for share in _COLD_SHARES)))
    shares = tuple(f"{share:.1%} cold, $".replace(".0%", "%") for share in _COLD_SHARES)
    title = f"Everything, dollars for a million pictures, {_TYPICAL_MB:,} MB, x86_64"
    return Table(title, ("pictures", "by way of", *shares), tuple(rows))


def _per_million(kind: str, spent: Spent, fixed: float, cold_share: float, prices: Prices) -> float:
    request = fixed + spent.lambda_dollars(_TYPICAL_MB, "x86_64", prices, cold_share)
    return _MILLION * request / _pictures(kind)


def _through_bucket(spent: Spent, cold_share: float, prices: Prices) -> float:
    """Ten objects an invocation: a tenth of a request's price, and of its cold starts."""
    compute = spent.lambda_dollars(_TYPICAL_MB, "x86_64", prices, cold_share / 10) - 0.9 * prices.lambda_request
    return _MILLION * (compute + prices.s3_get + prices.s3_put_or_list + 1.2 * prices.sqs_request)


def _beside(spent: Spent, listed: PriceList, prices: Prices) -> Table:
    """A photo of one megapixel: this function by its cheapest door, and what others ask for the same processor time."""
    seconds = spent.cpu.median
    own = _per_million("", spent, spent.reply_bytes / 1e9 * listed.gigabyte_out, 0.01, prices)
    rows: list[tuple[Cell, ...]] = [(f"Lambda, {_TYPICAL_MB:,} MB, Function URL", own, "", "", "")]
    moved = (spent.bytes + spent.reply_bytes) / 1e9 * listed.sagemaker_gigabyte
    sagemaker = _MILLION * (seconds * _FARGATE_GB * listed.sagemaker_gb_second + moved)
    rows.append((f"SageMaker Serverless, {_FARGATE_GB} GB, the same time", sagemaker, "", "", ""))
    for architecture in _ARCHITECTURES:
        month = fargate_month(listed, architecture)
        most = _HOURS * 3600 / seconds
        name = f"Fargate, 1 vCPU, {_FARGATE_GB} GB, always on, {architecture}"
        rows.append((name, _MILLION * month / most, month, most, _MILLION * month / own))
    columns = ("what", "a million, $", "a month, $", "pictures a month, at most", "cheaper from, pictures a month")
    return Table("A 1-megapixel photo, beside other ways", columns, tuple(rows))


def fargate_month(listed: PriceList, architecture: str) -> float:
    """Dollars for one processor that is always on."""
    hour = listed.fargate_vcpu_hour[architecture] + _FARGATE_GB * listed.fargate_gb_hour[architecture]
    return _HOURS * hour


def _plot(spent: dict[str, Spent], prices: Prices) -> Plot:
    series: dict[str, tuple[tuple[str | float, float], ...]] = {
        kind: tuple(
            (size, _MILLION * each.lambda_dollars(size, "x86_64", prices, 0.01) / _pictures(kind))
            for size in _MEMORY_MB
            if each.fits(size)
        )
        for kind, each in spent.items()
    }
    return Plot("costs", "Lambda alone, x86_64", "memory, MB", "$ for a million pictures", series, True, True)


def _notes(spent: dict[str, Spent], listed: PriceList, prices: Prices) -> Iterator[str]:
    photo = spent["1-megapixel JPEG"]
    own = photo.lambda_dollars(_TYPICAL_MB, "x86_64", prices, 0.01)
    door, dollars = max(listed.doors.items(), key=lambda each: each[1])
    yield (
        f"Of a million photos of one megapixel by way of a {door}, ${_MILLION * dollars:.2f} is for the door,"
        f" ${_MILLION * own:.2f} for the function."
    )
    month = min(fargate_month(listed, architecture) for architecture in _ARCHITECTURES)
    busy = month / own * photo.cpu.median / (_HOURS * 3600)
    yield (
        f"From {month / own / 1e6:.1f} million such photos a month on, a processor that is always on, for ${month:.2f},"
        f" is cheaper than the function by its URL, if they come evenly: it is busy for {busy:.0%} of the month then."
    )
    yield "Not in any figure: logs, metrics, storage, a load balancer before Fargate, what it takes to run one."
