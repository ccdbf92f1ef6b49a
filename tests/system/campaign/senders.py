"""People who put, overwrite and delete objects, and S3, which tells of it: late, in any order, sometimes twice."""

import json
import random
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

from PIL import Image

from handler.inference.classifier import Classifier
from handler.inference.decoding import views_of
from infra.emulation.names import UPLOADS
from tests.support.faults import Faults
from tests.support.machine import PROJECT
from tests.support.pictures import encoded
from tests.system.campaign.cloud import Cloud, Put

FORBIDDEN: Final = "forbidden/"  # the worker may not read what is there, until somebody mends that


class Senders:
    """People who put, overwrite and delete objects, and S3, which tells of it: late, in any order, sometimes twice."""

    def __init__(self, cloud: Cloud, faults: Faults, seed: int) -> None:
        self._cloud, self._names, self._chance = cloud, faults.names, random.Random(seed)
        self._contents = contents()
        self._keys: list[str] = []
        self._late: list[str] = []  # messages that were not sent yet
        self.events = 0

    def act(self) -> None:
        """One of them does something, and S3 sends some of the messages that it still has."""
        self._late += self._bodies(self._events_of_an_act())
        self.send(keep=30)

    def send(self, keep: int = 0) -> None:
        self._chance.shuffle(self._late)
        now, self._late = self._late[keep:], self._late[:keep]
        self._cloud.send(now)

    def _events_of_an_act(self) -> list[dict[str, Any]]:
        match self._chance.choices(["new", "overwrite", "hide", "delete", "unknown"], [78, 15, 4, 2.7, 0.3])[0]:
            case "overwrite" if self._keys:
                return self._twice_perhaps(self._put(self._chance.choice(self._keys)))
            case "hide" if self._keys:
                return self._delete(self._chance.choice(self._keys[-200:]), only_hide=True)
            case "delete" if self._keys:
                return self._delete(self._chance.choice(self._keys[-200:]), only_hide=False)
            case "unknown":
                return [{"hello": f"world {self._chance.random()}"}]
        folder = FORBIDDEN if self._chance.random() < 0.003 else self._chance.choice(["", "summer 2026/", "50% é+/"])
        self._keys.append(f"{folder}{len(self._keys):06d}.png")
        return self._twice_perhaps(self._put(self._keys[-1]))

    def _twice_perhaps(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        return [event] * (2 if self._chance.random() < 0.05 else 1)

    def _put(self, key: str) -> dict[str, Any]:
        content, label = self._chance.choice(self._contents)
        number = len(self._cloud.puts)
        body = content + b" %d" % number  # so that no two have the same ETag
        reply = self._cloud.s3.put_object(Bucket=UPLOADS, Key=key, Body=body)
        self._names[reply["VersionId"]] = str(number)
        put = Put(key, reply["ETag"].strip('"'), len(body), f"{number:016X}", label)
        self._cloud.puts[reply["VersionId"]] = put
        return _record("ObjectCreated:Put", put, reply["VersionId"])

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
            yield json.dumps(self._chance.choice(ENVELOPES)(event) if "s3" in event else event)


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


ENVELOPES: Final = (_from_s3, _through_sns, _from_eventbridge)


def contents() -> list[tuple[bytes, str | None]]:
    """Small pictures with what the model says of them, and files that are none."""
    classifier = Classifier.shipped()
    pictures = []
    for path in sorted((PROJECT / "handler" / "static" / "samples").glob("*.jpg")):
        view = views_of(path.read_bytes(), 1_000_000)[:1]
        (classification,) = classifier.classify([view], 1)
        pictures.append((encoded(Image.fromarray(view[0, 0])), classification.predictions[0].label))
    return pictures * 6 + [(pictures[0][0][:100], None), (b"no image", None), (b"x" * 20_000, None)]
