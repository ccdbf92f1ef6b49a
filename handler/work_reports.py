"""What one invocation of the worker did, for whoever counts."""

from dataclasses import dataclass

from handler.contract import Classification


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
