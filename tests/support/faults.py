"""Inject faults into boto3 clients: network errors, service errors and crashes, at random from a seed."""

import io
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from infra.emulation.names import REGION, RESULTS

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# moto's random version ids and receipt handles, and its port.
_RANDOM: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=://127\.0\.0\.1):\d+")
ONE_TRY: Final = Config(retries={"total_max_attempts": 1}, max_pool_connections=64)


class Crash(BaseException):
    """The process crashes; no handler catches it."""


Send = Callable[[], AWSResponse | None]
Sender = Callable[[str, AWSPreparedRequest], AWSResponse | None]  # sends a request without faults


def _respond(status: int, code: str) -> Callable[[AWSPreparedRequest, Send], AWSResponse]:
    """Respond with an error, without effect."""

    def answer(request: AWSPreparedRequest, _send: Send) -> AWSResponse:
        body = f"<Error><Code>{code}</Code><Message>injected</Message></Error>".encode()
        return AWSResponse(request.url, status, HTTPHeaders(), _Raw(body))

    return answer


def _refused(request: AWSPreparedRequest, _send: Send) -> AWSResponse:
    raise ConnectTimeoutError(endpoint_url=request.url)


def _reset(request: AWSPreparedRequest, _send: Send) -> AWSResponse:
    raise ConnectionClosedError(endpoint_url=request.url)


def _response_lost(request: AWSPreparedRequest, send: Send) -> AWSResponse:
    """The request takes effect, but its response is lost."""
    if response := send():
        response.raw.close()
    raise ReadTimeoutError(endpoint_url=request.url)


def _body_truncated(_request: AWSPreparedRequest, send: Send) -> AWSResponse | None:
    """The connection closes before the body is complete."""
    response = send()
    if response is not None and response.status_code == 200:
        response.raw = io.BytesIO(response.raw.read()[:-20])
    return response


def _body_stalls(_request: AWSPreparedRequest, send: Send) -> AWSResponse | None:
    """The body comes so slowly that nobody waits for it."""
    response = send()
    if response is not None and response.status_code == 200:
        response.raw = _Stalled()
    return response


def _crash_before(_request: AWSPreparedRequest, _send: Send) -> AWSResponse:
    raise Crash


def _crash_after(_request: AWSPreparedRequest, send: Send) -> AWSResponse:
    send()
    raise Crash


Rates = Mapping[str, Mapping[str, float]]  # operation -> kind of fault -> probability
Kind = Callable[[AWSPreparedRequest, Send], AWSResponse | None]
OF_RESULT: Final = "GetObject of a result"  # in rates; the operation is that of uploads otherwise
KINDS: Final[Mapping[str, Kind]] = {
    "connect timeout": _refused,
    "connection reset": _reset,
    "response lost": _response_lost,
    "body truncated": _body_truncated,
    "body stalls": _body_stalls,
    "503 SlowDown": _respond(503, "SlowDown"),
    "500 InternalError": _respond(500, "InternalError"),
    "400 RequestTimeout": _respond(400, "RequestTimeout"),
    "400 KMS.DisabledException": _respond(400, "KMS.DisabledException"),
    "403 AccessDenied": _respond(403, "AccessDenied"),
    "409 ConditionalRequestConflict": _respond(409, "ConditionalRequestConflict"),
    "403 ThrottlingException": _respond(403, "ThrottlingException"),
    "crash before the write": _crash_before,
    "crash after the write": _crash_after,
}
OUTAGE: Final[Rates] = {operation: {"503 SlowDown": 1.0} for operation in ("GetObject", "PutObject")}


class Faults:
    """Injects a fault into each request with the probability given for its operation, in any thread.

    Reproducible: the nth request for the same target has the same outcome in every run. `names` maps moto's random ids
    to stable names.
    """

    def __init__(self, seed: int, rates: Rates, forbidden: str | None = None) -> None:
        self.rates, self.kinds = rates, dict(KINDS)
        self.names: dict[str, str] = {}
        self.injected: Counter[str] = Counter()  # by kind
        self.by_operation: Counter[str] = Counter()
        self.disabled = False
        self._seed, self._forbidden = seed, forbidden
        self._requests: Counter[str] = Counter()
        self._lock = threading.Lock()

    def inject_into(self, client: Any, sender: Sender) -> None:
        """Inject faults into the requests of `client`; `sender` sends the others."""

        def answer(event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
            kind = None if self.disabled else self._fault_for(event_name.rpartition(".")[2], request)
            return (
                self.kinds[kind](request, lambda: sender(event_name, request)) if kind else sender(event_name, request)
            )

        client.meta.events.unregister("before-send", sender)
        client.meta.events.register("before-send", answer)

    def s3(self, port: int) -> "S3Client":
        """A client of the emulated S3 at `port` with faults, and without retries."""
        session = URLLib3Session(max_pool_connections=64)
        client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name=REGION, config=ONE_TRY)
        self.inject_into(client, lambda _, request: session.send(request))
        return client

    def _fault_for(self, operation: str, request: AWSPreparedRequest) -> str | None:
        if operation == "GetObject" and RESULTS in request.url and OF_RESULT in self.rates:
            operation = OF_RESULT
        # Whether a document is replaced, but not which: its ETag differs in each run, as the times in it do.
        condition = "If-Match" in request.headers
        target = f"{operation} {_RANDOM.sub(self._name, request.url)} {condition}"
        with self._lock:
            self._requests[target] += 1
            kind = self._chosen(operation, f"{self._seed} {target} {self._requests[target]}", request.url)
            if kind:
                self.injected.update([kind])
                self.by_operation.update([f"{operation}: {kind}"])
        return kind

    def _chosen(self, operation: str, moment: str, url: str) -> str | None:
        if operation == "GetObject" and self._forbidden and self._forbidden in url:
            return "403 AccessDenied"
        left = random.Random(moment).random()
        for kind, rate in self.rates.get(operation, {}).items():
            left -= rate
            if left < 0:
                return kind
        return None

    def _name(self, found: re.Match[str]) -> str:
        return self.names.get(found[0], "")


class _Raw(io.BytesIO):
    """A body with urllib3's interface."""

    def stream(self, **_: Any) -> Any:
        yield self.read()


class _Stalled(io.BytesIO):
    """A body of which nothing comes until its connection is shut down, as urllib3's response can be."""

    def __init__(self) -> None:
        super().__init__()
        self._is_shut_down = threading.Event()

    def read(self, *_: Any) -> bytes:
        self._is_shut_down.wait(timeout=60)
        raise ReadTimeoutError(endpoint_url="")

    def shutdown(self) -> None:
        self._is_shut_down.set()
