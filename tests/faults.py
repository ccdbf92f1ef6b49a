"""An S3 that fails now and then, by chance that a seed decides."""

import random
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from infra.emulated_names import REGION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_s3 import S3Client

_SLOW_DOWN: Final = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


class Faults:
    """Every so often a request is answered with 503; as often it is done, but its answer never comes."""

    def __init__(self, share: float, seed: int) -> None:
        self.share, self._random = share, random.Random(seed)
        self.slow_downs = self.timeouts = 0

    def s3(self, port: int) -> "S3Client":
        """A client of the emulated S3 at `port` to which that happens, and which does not try again by itself."""
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name=REGION,
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=20),
        )
        client.meta.events.register("before-send.s3", self._before)  # type: ignore[arg-type]
        client.meta.events.register("response-received.s3", self._after)
        return client

    def _before(self, request: Any, **_: Any) -> AWSResponse | None:
        if self._random.random() > self.share:
            return None
        self.slow_downs += 1
        return AWSResponse(request.url, 503, HTTPHeaders(), _Raw(_SLOW_DOWN))

    def _after(self, parsed_response: dict[str, Any] | None = None, **_: Any) -> None:
        if self._random.random() <= self.share:
            if parsed_response and "Body" in parsed_response:
                parsed_response["Body"].close()  # else its connection would stay open
            self.timeouts += 1
            raise ReadTimeoutError(endpoint_url="the emulated S3")


class _Raw:
    """A body of an answer, as urllib3 would read it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> "Iterator[bytes]":
        yield self._body
