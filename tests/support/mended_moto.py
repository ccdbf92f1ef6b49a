"""What moto lacks for a backfill of thousands: queues that do not count themselves for each message, and JSONata."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jsonata import Jsonata
from moto.core.utils import camelcase_to_underscores, unix_time_millis
from moto.sqs import models
from moto.stepfunctions.parser.asl.jsonata import jsonata


def mend() -> None:
    """Let moto, in this process, make such queues and evaluate that way from now on."""
    models.Queue = Queue  # type: ignore[misc]
    jsonata._eval_jsonata = evaluated


def evaluated(expression: str) -> Any:
    """What a JSONata expression amounts to, `$states` and other variables being set at its beginning."""
    before, found, after = expression.partition("$states:=")
    if not found:
        return Jsonata(expression).evaluate(None)
    states, end = json.JSONDecoder().raw_decode(after)
    compiled = Jsonata(before + after[end:].removeprefix(";"))  # much faster than to let it read so much JSON
    compiled.assign("states", states)
    return compiled.evaluate(None)


class Queue(models.Queue):
    """A queue that may be long."""

    @property
    def attributes(self) -> Mapping[str, Any]:  # type: ignore[override]  # moto only reads it
        """moto reads one or two of them for each message that is sent or received."""
        return _Attributes(self)

    @property
    def messages(self) -> list[models.Message]:
        """What may be received now; moto looks at the clock twice for each."""
        now = unix_time_millis()
        return [each for each in self._messages if each.visible_at < now and each.delayed_until <= now]

    def delete_message(self, receipt_handle: str) -> None:
        """Most that is deleted is near the front; moto goes through all messages twice."""
        found = next((each for each in self._messages if each.had_receipt_handle(receipt_handle)), None)
        if found is None:
            return super().delete_message(receipt_handle)  # which tells what was deleted before from what never was
        self._messages.remove(found)
        self.pending_messages.discard(found)
        self.deleted_messages.update(found.all_receipt_handles)  # type: ignore[arg-type]
        return None


class _Attributes(Mapping[str, Any]):
    """Each is looked up when it is asked for, since three of them are counts of all messages."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def __getitem__(self, name: str) -> Any:
        if name not in iter(self):
            raise KeyError(name)
        value = getattr(self._queue, camelcase_to_underscores(name))
        if isinstance(value, bool):
            return str(value).lower()
        return json.dumps(value) if value and name == "RedrivePolicy" else value

    def __iter__(self) -> Iterator[str]:
        yield from self._queue.BASE_ATTRIBUTES
        if self._queue.fifo_queue:
            yield from self._queue.FIFO_ATTRIBUTES
        if self._queue.kms_master_key_id:  # type: ignore[attr-defined]
            yield from self._queue.KMS_ATTRIBUTES

    def __len__(self) -> int:
        return sum(1 for _ in self)
