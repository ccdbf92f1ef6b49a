"""Makes boto3 clients fail as networks and services do: by chance, and by a seed."""

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

from infra.emulation.names import REGION

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# Versions and receipts, as moto makes them, and the port on which it listens.
_RANDOM: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=://127\.0\.0\.1):\d+")
ONE_TRY: Final = Config(retries={"total_max_attempts": 1}, max_pool_connections=64)


class Crash(BaseException):
    """The process ends here; nothing that it could catch."""


Send = Callable[[], AWSResponse | None]
Sender = Callable[[str, AWSPreparedRequest], AWSResponse | None]  # what a client would do without faults


def _answer(status: int, code: str) -> Callable[[AWSPreparedRequest, Send], AWSResponse]:
    """The service says no, and does nothing."""

    def answer(request: AWSPreparedRequest, _send: Send) -> AWSResponse:
        body = f"<Error><Code>{code}</Code><Message>injected</Message></Error>".encode()
        return AWSResponse(request.url, status, HTTPHeaders(), _Raw(body))

    return answer


def _refused(request: AWSPreparedRequest, _send: Send) -> AWSResponse:
    raise ConnectTimeoutError(endpoint_url=request.url)


def _reset(request: AWSPreparedRequest, _send: Send) -> AWSResponse:
    raise ConnectionClosedError(endpoint_url=request.url)


def _answer_lost(request: AWSPreparedRequest, send: Send) -> AWSResponse:
    """It is done, but who asked for it does not hear that."""
    if response := send():
        response.raw.close()
    raise ReadTimeoutError(endpoint_url=request.url)


def _broken_off(_request: AWSPreparedRequest, send: Send) -> AWSResponse | None:
    """The connection ends before the body does."""
    response = send()
    if response is not None and response.status_code == 200:
        response.raw = io.BytesIO(response.raw.read()[:-20])
    return response


def _crash_before(_request: AWSPreparedRequest, _send: Send) -> AWSResponse:
    raise Crash


def _crash_after(_request: AWSPreparedRequest, send: Send) -> AWSResponse:
    send()
    raise Crash


Rates = Mapping[str, Mapping[str, float]]  # of kinds of faults, by operation
KINDS: Final[Mapping[str, Callable[[AWSPreparedRequest, Send], AWSResponse | None]]] = {
    "connect timeout": _refused,
    "connection reset": _reset,
    "answer lost": _answer_lost,
    "body broken off": _broken_off,
    "503 SlowDown": _answer(503, "SlowDown"),
    "500 InternalError": _answer(500, "InternalError"),
    "400 RequestTimeout": _answer(400, "RequestTimeout"),
    "403 AccessDenied": _answer(403, "AccessDenied"),
    "409 ConditionalRequestConflict": _answer(409, "ConditionalRequestConflict"),
    "403 ThrottlingException": _answer(403, "ThrottlingException"),
    "crash before the write": _crash_before,
    "crash after the write": _crash_after,
}
OUTAGE: Final[Rates] = {operation: {"503 SlowDown": 1.0} for operation in ("GetObject", "PutObject")}


class Faults:
    """Each request of an operation meets with a fault at the rates that are given for it, whichever thread sends it.

    The nth request for the same thing has the same fate in every run: `names` gives the random ids lasting names.
    """

    def __init__(self, seed: int, rates: Rates, forbidden: str | None = None) -> None:
        self.rates = rates
        self.names: dict[str, str] = {}
        self.injected: Counter[str] = Counter()
        self.are_over = False
        self._seed, self._forbidden = seed, forbidden
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def beset(self, client: Any, sender: Sender) -> None:
        """Let the requests of `client` meet with these faults; `sender` sends those that get so far."""

        def answer(event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
            kind = None if self.are_over else self._fate(event_name.rpartition(".")[2], request)
            return KINDS[kind](request, lambda: sender(event_name, request)) if kind else sender(event_name, request)

        client.meta.events.unregister("before-send", sender)
        client.meta.events.register("before-send", answer)

    def s3(self, port: int) -> "S3Client":
        """A client of the emulated S3 at `port` that meets with them, and does not try again by itself."""
        session = URLLib3Session(max_pool_connections=64)
        client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name=REGION, config=ONE_TRY)
        self.beset(client, lambda _, request: session.send(request))
        return client

    def _fate(self, operation: str, request: AWSPreparedRequest) -> str | None:
        condition = request.headers.get("If-Match", b"")
        thing = f"{operation} {_RANDOM.sub(self._name, request.url)} {condition!r}"
        with self._lock:
            self._asked[thing] += 1
            kind = self._chosen(operation, f"{self._seed} {thing} {self._asked[thing]}", request.url)
            self.injected.update([kind] if kind else [])
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
    """A body, as urllib3 has it."""

    def stream(self, **_: Any) -> Any:
        yield self.read()
