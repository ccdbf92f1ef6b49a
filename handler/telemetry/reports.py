"""What became of one HTTP request, for whoever counts; and the access line that tells people of it."""

import logging
from dataclasses import dataclass
from typing import Final

from handler.telemetry.request_trace import Noted

_MAX_PATH_CHARACTERS: Final = 200

log = logging.getLogger("handler.access")


@dataclass(frozen=True)
class RequestReport:
    method: str
    path: str  # without its query, where senders put what is nobody's business
    status: int
    seconds: float
    bytes_in: int
    request_id: str
    cold_start_seconds: float | None  # on the first request of a process
    noted: tuple[Noted, ...]  # of each picture


def log_request(report: RequestReport) -> None:
    """One line: for people as a sentence, and its parts as `extra`, which Lambda's log has as members of an object."""
    path = report.path[:_MAX_PATH_CHARACTERS]
    parts = {
        "method": report.method,
        "path": path,
        "status": report.status,
        "ms": round(report.seconds * 1000, 1),
        "bytes_in": report.bytes_in,
        "request_id": report.request_id,
        "cold": report.cold_start_seconds is not None,
        "pictures": len(report.noted),
    }
    log.info("%s %s %d", report.method, path, report.status, extra=parts)
