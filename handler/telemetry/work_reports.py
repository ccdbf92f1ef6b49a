"""What one invocation of the worker did, for whoever counts; and the log line that tells people of it."""

import logging
from dataclasses import dataclass

from handler.contract import Classification

log = logging.getLogger("handler.worker")


@dataclass(frozen=True)
class WorkReport:
    """`messages` is what was delivered: messages of a queue, tasks of a job, or one event that came directly."""

    messages: int
    messages_failed: int  # those that come again
    done: int  # uploads
    rejected: int
    gone: int  # deleted or overwritten before they were read
    failed: int
    classifications: tuple[Classification, ...]  # of the uploads that are done
    seconds: float
    model_version: str


def ignore(_report: WorkReport) -> None:
    """For those who do not count."""


def log_work(report: WorkReport, *, cold: bool) -> None:
    """One line: for people as a sentence, and its parts as `extra`, which Lambda's log has as members of an object."""
    parts = {
        "messages": report.messages,
        "messages_failed": report.messages_failed,
        "done": report.done,
        "rejected": report.rejected,
        "gone": report.gone,
        "failed": report.failed,
        "ms": round(report.seconds * 1000, 1),
        "cold": cold,
    }
    log.info("%d messages, of which %d come again", report.messages, report.messages_failed, extra=parts)
