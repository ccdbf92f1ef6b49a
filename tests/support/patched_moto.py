"""Patch moto: long queues in less than quadratic time, JSONata, and the switch of S3's events to EventBridge."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jsonata import Jsonata
from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores, unix_time_millis
from moto.s3.responses import S3Response
from moto.sqs import models
from moto.stepfunctions.parser.asl.jsonata import jsonata


def patch_moto() -> None:
    """Replace moto's queue, its JSONata evaluation and a response of its S3 in this process."""
    S3Response.get_bucket_notification = _bucket_notification  # type: ignore[method-assign]
    models.Queue = Queue  # type: ignore[misc]
    jsonata._eval_jsonata = evaluated


_notification_without_switch = S3Response.get_bucket_notification


def _bucket_notification(self: S3Response) -> TYPE_RESPONSE:
    """As moto's, with `EventBridgeConfiguration`, which moto stores and obeys, but does not return."""
    found = self.backend.get_bucket_notification_configuration(self.bucket_name)
    if found is not None and found.event_bridge is not None:
        serialized = self.serialized

        def with_switch(action_result: ActionResult) -> TYPE_RESPONSE:
            configuration: Any = action_result.result
            return serialized(ActionResult({**configuration, "EventBridgeConfiguration": {}}))

        self.serialized = with_switch  # type: ignore[method-assign]  # of this one response
    return _notification_without_switch(self)


def evaluated(expression: str) -> Any:
    """Evaluate a JSONata expression that may begin by setting `$states` and other variables."""
    before, found, after = expression.partition("$states:=")
    if not found:
        return Jsonata(expression).evaluate(None)
    states, end = json.JSONDecoder().raw_decode(after)
    compiled = Jsonata(before + after[end:].removeprefix(";"))  # much faster than parsing the JSON as JSONata
    compiled.assign("states", states)
    return compiled.evaluate(None)


class Queue(models.Queue):
    """A queue whose operations do not scan all messages several times."""

    @property
    def attributes(self) -> Mapping[str, Any]:  # type: ignore[override]  # moto only reads it
        """Lazy, since moto reads one or two attributes for each message."""
        return _Attributes(self)

    @property
    def messages(self) -> list[models.Message]:
        """Visible messages; moto reads the clock twice for each."""
        now = unix_time_millis()
        return [each for each in self._messages if each.visible_at < now and each.delayed_until <= now]

    def delete_message(self, receipt_handle: str) -> None:
        """Stop at the first match, which is near the front; moto scans all messages twice."""
        found = next((each for each in self._messages if each.had_receipt_handle(receipt_handle)), None)
        if found is None:
            return super().delete_message(receipt_handle)  # distinguishes deleted from unknown messages
        self._messages.remove(found)
        self.pending_messages.discard(found)
        self.deleted_messages.update(found.all_receipt_handles)  # type: ignore[arg-type]
        return None


class _Attributes(Mapping[str, Any]):
    """Computes each attribute on access, since three of them count all messages."""

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
