"""Reports of a finished HTTP request and of a finished worker invocation, and the log line for each."""

import logging
from dataclasses import dataclass
from typing import Final

from handler.contract import Classification
from handler.telemetry.request_trace import Outcome

ACCESS_LOG: Final = "handler.access"

_MAX_PATH_CHARACTERS: Final = 200

logging.logAsyncioTasks = False  # type: ignore[attr-defined, unused-ignore]  # else Lambda's lines have it, from 3.12 on
_access_log = logging.getLogger(ACCESS_LOG)
_worker_log = logging.getLogger("handler.worker")


@dataclass(frozen=True)
class RequestReport:
    """One finished HTTP request."""

    method: str
    path: str  # without the query string, which may contain personal data
    status: int
    seconds: float
    bytes_in: int
    request_id: str
    cold_start_seconds: float | None  # of the first request of a process
    outcomes: tuple[Outcome, ...]  # one for each image
    root_path: str = ""  # the part of `path` that a proxy or a gateway takes away
    client: str = ""  # its address, which only the log of `serve` has


@dataclass(frozen=True)
class InvocationReport:
    """One finished invocation of the worker.

    `messages` counts queue messages, tasks of an S3 Batch Operations job, or 1 for an event that came directly.
    """

    messages: int
    messages_failed: int  # to be delivered again
    done: int  # uploads
    rejected: int
    gone: int  # deleted or overwritten before they were read
    failed: int
    classifications: tuple[Classification, ...]  # of the uploads that are done
    seconds: float
    model_version: str


def log_request(report: RequestReport) -> None:
    """Write one access log line; its fields are in `extra`, which Lambda's JSON log has as members."""
    path = report.path[:_MAX_PATH_CHARACTERS]
    fields = {
        "method": report.method,
        "path": path,
        "status": report.status,
        "ms": round(report.seconds * 1000, 1),
        "bytes_in": report.bytes_in,
        "request_id": report.request_id,
        "cold": report.cold_start_seconds is not None,
        "images": len(report.outcomes),
    }
    _access_log.info("%s %s %d", report.method, path, report.status, extra=fields)


def log_invocation(report: InvocationReport, *, cold: bool) -> None:
    """Write one log line for an invocation of the worker; its fields are in `extra`."""
    fields = {
        "messages": report.messages,
        "messages_failed": report.messages_failed,
        "done": report.done,
        "rejected": report.rejected,
        "gone": report.gone,
        "failed": report.failed,
        "ms": round(report.seconds * 1000, 1),
        "cold": cold,
    }
    _worker_log.info("%d messages, %d to be delivered again", report.messages, report.messages_failed, extra=fields)


def ignore(_report: InvocationReport) -> None:
    """Report nothing."""
