"""Override responses of the emulated S3."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from tests.support.aws import Cloud


@contextmanager
def answering(aws: Cloud, operation: str, *answers: tuple[int, str] | None) -> Iterator[list[str]]:
    """Answer the next calls of `operation` with these (status, code) pairs, or normally for None; yields the URLs."""
    left, calls = list(answers), list[str]()

    def answer(request: Any, **_: Any) -> Any:
        calls.append(request.url)
        if not left or (given := left.pop(0)) is None:
            return None
        status, code = given
        return AWSResponse(request.url, status, HTTPHeaders(), _Raw(f"<Error><Code>{code}</Code></Error>".encode()))

    name = f"before-send.s3.{operation}"
    aws.s3.meta.events.register_first(name, answer)
    try:
        yield calls
    finally:
        aws.s3.meta.events.unregister(name, answer)


class _Raw:
    """A response body with urllib3's interface."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body
