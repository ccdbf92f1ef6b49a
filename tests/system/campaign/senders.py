"""Senders of a campaign: put, overwrite and delete objects, and send S3's events late, unordered and twice."""

import json
import random
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

from PIL import Image

from handler.inference.classifier import Classifier
from handler.inference.pipeline import prepare
from infra.emulation.names import UPLOADS
from tests.support.faults import Faults
from tests.support.images import encoded
from tests.support.machine import PROJECT
from tests.system.campaign.cloud import Cloud, Put

FORBIDDEN: Final = "forbidden/"  # access is denied until the faults are disabled


class Senders:
    """Puts, overwrites and deletes objects, and sends the events of S3: late, unordered and sometimes twice."""

    def __init__(self, cloud: Cloud, faults: Faults, seed: int) -> None:
        self._cloud, self._names, self._rng = cloud, faults.names, random.Random(seed)
        self._contents = contents()
        self._keys: list[str] = []
        self._pending: list[str] = []  # messages not sent yet
        self.events = 0

    def act(self) -> None:
        """Perform one random action, and send some of the pending messages."""
        self._pending += self._bodies(self._random_action())
        self.send(keep=30)

    def send(self, keep: int = 0) -> None:
        self._rng.shuffle(self._pending)
        now, self._pending = self._pending[keep:], self._pending[:keep]
        self._cloud.send(now)

    def _random_action(self) -> list[dict[str, Any]]:
        match self._rng.choices(["new", "overwrite", "hide", "delete", "unknown"], [78, 15, 4, 2.7, 0.3])[0]:
            case "overwrite" if self._keys:
                return self._duplicated_at_random(self._put(self._rng.choice(self._keys)))
            case "hide" if self._keys:
                return self._delete(self._rng.choice(self._keys[-200:]), only_hide=True)
            case "delete" if self._keys:
                return self._delete(self._rng.choice(self._keys[-200:]), only_hide=False)
            case "unknown":
                return [{"hello": f"world {self._rng.random()}"}]
        folder = FORBIDDEN if self._rng.random() < 0.003 else self._rng.choice(["", "summer 2026/", "50% é+/"])
        self._keys.append(f"{folder}{len(self._keys):06d}.png")
        return self._duplicated_at_random(self._put(self._keys[-1]))

    def _duplicated_at_random(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        return [event] * (2 if self._rng.random() < 0.05 else 1)

    def _put(self, key: str) -> dict[str, Any]:
        content, label = self._rng.choice(self._contents)
        number = len(self._cloud.puts)
        body = content + b" %d" % number  # makes each ETag unique
        response = self._cloud.s3.put_object(Bucket=UPLOADS, Key=key, Body=body)
        self._names[response["VersionId"]] = str(number)
        put = Put(key, response["ETag"].strip('"'), len(body), f"{number:016X}", label)
        self._cloud.puts[response["VersionId"]] = put
        return _record("ObjectCreated:Put", put, response["VersionId"])

    def _delete(self, key: str, *, only_hide: bool) -> list[dict[str, Any]]:
        versions = [version_id for version_id, put in self._cloud.puts.items() if put.key == key]
        self._cloud.optional.update(versions)
        if only_hide:
            self._cloud.s3.delete_object(Bucket=UPLOADS, Key=key)
        else:
            for version_id in versions:
                self._cloud.s3.delete_object(Bucket=UPLOADS, Key=key, VersionId=version_id)
        return [_record("ObjectRemoved:Delete", self._cloud.puts[versions[-1]], versions[-1])]

    def _bodies(self, events: list[dict[str, Any]]) -> Iterator[str]:
        self.events += len(events)
        for event in events:
            yield json.dumps(self._rng.choice(FORMATS)(event) if "s3" in event else event)


def _record(name: str, put: Put, version_id: str) -> dict[str, Any]:
    stored = {"key": quote_plus(put.key), "size": put.bytes, "eTag": put.etag, "versionId": version_id}
    return {
        "eventSource": "aws:s3",
        "eventTime": "2026-11-20T08:15:30.123Z",
        "eventName": name,
        "s3": {"bucket": {"name": UPLOADS}, "object": {**stored, "sequencer": put.sequencer}},
    }


def _from_s3(record: dict[str, Any]) -> dict[str, Any]:
    return {"Records": [record]}


def _through_sns(record: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "Notification", "Message": json.dumps(_from_s3(record))}


def _from_eventbridge(record: dict[str, Any]) -> dict[str, Any]:
    stored = record["s3"]["object"]
    detail = {"key": unquote_plus(stored["key"]), "etag": stored["eTag"], "version-id": stored["versionId"]}
    return {
        "source": "aws.s3",
        "detail-type": "Object Created" if record["eventName"].startswith("ObjectCreated") else "Object Deleted",
        "time": record["eventTime"],
        "detail": {"bucket": {"name": UPLOADS}, "object": {**detail, "sequencer": stored["sequencer"]}},
    }


FORMATS: Final = (_from_s3, _through_sns, _from_eventbridge)


def contents() -> list[tuple[bytes, str | None]]:
    """Small images with their labels by the model, and files that are not images."""
    classifier = Classifier.shipped()
    images = []
    for path in sorted((PROJECT / "handler" / "static" / "samples").glob("*.jpg")):
        view = prepare(path.read_bytes(), 1_000_000).views[:1]
        (classification,) = classifier.classify([view], 1)
        images.append((encoded(Image.fromarray(view[0, 0])), classification.predictions[0].label))
    return images * 6 + [(images[0][0][:100], None), (b"no image", None), (b"x" * 20_000, None)]
