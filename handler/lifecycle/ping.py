"""Recognise warm-up pings: events that schedules and plugins send to keep a Lambda function warm.

EventBridge rules and schedules   {"source": "aws.events", "detail-type": "Scheduled Event", ...}
serverless-plugin-warmup          {"source": "serverless-plugin-warmup"}
lambda-warmer                     {"warmer": true, "concurrency": 1}
a rule with a constant input      {}, or one member such as {"ping": true}
"""

from typing import Any, Final

_SOURCES: Final = ("serverless-plugin-warmup", "warmer", "warmup")
_MEMBERS: Final = ("keep_warm", "keepWarm", "ping", "warm", "warmer", "warmup", "warm_up")
# Of an event that carries work, whatever else it has.
_WORK: Final = ("Records", "httpMethod", "requestContext", "tasks")


def is_ping(event: Any) -> bool:
    """Whether `event` is a warm-up ping: nothing is to be done."""
    match event:
        case {"detail-type": "Scheduled Event", "source": "aws.events" | "aws.scheduler"}:
            return True
        case dict() if not any(name in event for name in _WORK):
            return not event or event.get("source") in _SOURCES or any(event.get(name) for name in _MEMBERS)
    return False
