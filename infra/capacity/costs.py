"""Estimate the time and the cost of a backfill, from the number of objects and the processor time of each."""

from dataclasses import dataclass
from typing import Final

from infra.capacity.prices import Prices
from infra.operations.missing import BATCH

MB_PER_VCPU: Final = 1769  # memory at which Lambda gives a function one vCPU
_MESSAGES: Final = 10  # per request to SQS, and per invocation of the worker
_KEYS: Final = 1000  # per page of a listing
_CHILD_GB: Final = 0.064  # minimum memory billed for an express workflow
_CHILD_SECONDS: Final = 1.0  # assumption: a hundred objects are ten requests to SQS
# Assumption: reading an image and writing its result take 70 ms, eight in parallel. Lambda bills waiting, too.
S3_SECONDS: Final = 0.07 / 8


@dataclass(frozen=True)
class Worker:
    """Memory and architecture of the worker."""

    memory_mb: int
    architecture: str = "x86_64"

    def seconds(self, cpu_seconds: float) -> float:
        """Duration per image, given its time on one full vCPU. The worker uses at most one."""
        return cpu_seconds / min(1.0, self.memory_mb / MB_PER_VCPU) + S3_SECONDS


@dataclass(frozen=True)
class Dollars:
    """Cost of a backfill by service, without storage in S3 and CloudWatch."""

    lambda_: float
    s3: float
    sqs: float
    step_functions: float

    @property
    def total(self) -> float:
        return self.lambda_ + self.s3 + self.sqs + self.step_functions


def dollars(objects: float, cpu_seconds: float, worker: Worker, prices: Prices) -> Dollars:
    """Cost to list, compare, send, classify and store `objects`."""
    gigabyte_seconds = objects * worker.seconds(cpu_seconds) * worker.memory_mb / 1024
    children = objects / BATCH
    return Dollars(
        lambda_=objects / _MESSAGES * prices.lambda_request
        + gigabyte_seconds * prices.lambda_gb_second[worker.architecture],
        # One GET and one PUT each; both buckets are listed before and after.
        s3=objects * (prices.s3_get + prices.s3_put_or_list) + 4 * objects / _KEYS * prices.s3_put_or_list,
        # Sent, received and deleted in batches of ten.
        sqs=3 * objects / _MESSAGES * prices.sqs_request,
        step_functions=children
        * (prices.transition + prices.express_request + _CHILD_SECONDS * _CHILD_GB * prices.express_gb_second),
    )


def hours(objects: float, cpu_seconds: float, worker: Worker, workers: int) -> float:
    """Duration of a backfill of `objects` with `workers` that are never idle."""
    return objects * worker.seconds(cpu_seconds) / workers / 3600
