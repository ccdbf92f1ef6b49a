"""How many objects and how long each takes in; the time and the dollars of a backfill out."""

from dataclasses import dataclass
from typing import Final

from infra.capacity.prices import Prices
from infra.operations.missing import BATCH

MB_PER_VCPU: Final = 1769  # of memory, as Lambda gives processor time
_MESSAGES: Final = 10  # of a request to SQS, and of an invocation of the worker
_KEYS: Final = 1000  # of a page of a listing
_CHILD_GB: Final = 0.064  # the least that an express workflow is charged for
_CHILD_SECONDS: Final = 1.0  # taken for granted: a hundred objects are ten requests to SQS
# Taken for granted: an image is read and its result written in 70 ms, eight at once. Lambda is paid for waiting, too.
S3_SECONDS: Final = 0.07 / 8


@dataclass(frozen=True)
class Worker:
    """What the worker runs on."""

    memory_mb: int
    architecture: str = "x86_64"

    def seconds(self, cpu_seconds: float) -> float:
        """How long an image takes that takes `cpu_seconds` on one whole processor. Its work uses one, not several."""
        return cpu_seconds / min(1.0, self.memory_mb / MB_PER_VCPU) + S3_SECONDS


@dataclass(frozen=True)
class Dollars:
    """What a backfill costs, by service. What S3 and CloudWatch charge for storage is not among it."""

    lambda_: float
    s3: float
    sqs: float
    step_functions: float

    @property
    def total(self) -> float:
        return self.lambda_ + self.s3 + self.sqs + self.step_functions


def dollars(objects: float, cpu_seconds: float, worker: Worker, prices: Prices) -> Dollars:
    """The price of `objects` that are listed, compared, sent, classified and written."""
    gigabyte_seconds = objects * worker.seconds(cpu_seconds) * worker.memory_mb / 1024
    children = objects / BATCH
    return Dollars(
        lambda_=objects / _MESSAGES * prices.lambda_request
        + gigabyte_seconds * prices.lambda_gb_second[worker.architecture],
        # A GET and a PUT each; both buckets are listed before and after.
        s3=objects * (prices.s3_get + prices.s3_put_or_list) + 4 * objects / _KEYS * prices.s3_put_or_list,
        # Sent, received and deleted, ten at a time.
        sqs=3 * objects / _MESSAGES * prices.sqs_request,
        step_functions=children
        * (prices.transition + prices.express_request + _CHILD_SECONDS * _CHILD_GB * prices.express_gb_second),
    )


def hours(objects: float, cpu_seconds: float, worker: Worker, workers: int) -> float:
    """How long `workers` of them, all busy, take for `objects`."""
    return objects * worker.seconds(cpu_seconds) / workers / 3600
