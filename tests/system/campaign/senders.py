"""Senders of a campaign: put, overwrite and delete objects, and send S3's events late, unordered and twice."""

import json
import random
import threading
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from infra.emulation.names import UPLOADS
from tests.support.faults import Faults, Send
from tests.system.campaign.cloud import UNVERSIONED, Cloud, Put
from tests.system.campaign.contents import Content, contents
from tests.system.campaign.events import FORMATS, POISON, s3_record

FORBIDDEN: Final = "forbidden/"  # access is denied until the faults are disabled
REPLACED: Final = "object replaced"  # a kind of fault
ACTIONS: Final = {
    "new": 70,
    "overwrite": 15,
    "put the same bytes again": 5,
    "archive": 1,
    "hide": 4,
    "unhide": 1.5,
    "delete": 2.7,
    "poison": 0.5,
}


class Senders:
    """Puts, overwrites and deletes objects, and sends the events of S3: late, unordered and sometimes twice."""

    def __init__(self, cloud: Cloud, faults: Faults, seed: int) -> None:
        self._cloud, self._names, self._rng = cloud, faults.names, random.Random(seed)
        self._contents = contents()
        self._keys: list[str] = []
        self._repeated: list[tuple[str, Content]] = []  # names in the bucket without versioning
        self._hidden: dict[str, str] = {}  # keys, with the version ids of their delete markers
        self._replacements: dict[str, dict[str, Any]] = {}  # their events, by a name that sorts
        self._lock = threading.Lock()
        self._pending: list[str] = []  # messages not sent yet
        self.events = 0
        faults.kinds[REPLACED] = self._replace

    def act(self) -> None:
        """Perform one random action, and send some of the pending messages."""
        self._pending += self._bodies(self._random_action())
        self.send(keep=30)

    def send_replacements(self) -> int:
        """Send the events of objects that were overwritten while they were read; returns their number."""
        replacements, self._replacements = self._replacements, {}
        self._cloud.send(list(self._bodies([replacements[name] for name in sorted(replacements)])))
        return len(replacements)

    def send(self, keep: int = 0) -> None:
        self._rng.shuffle(self._pending)
        now, self._pending = self._pending[keep:], self._pending[:keep]
        self._cloud.send(now)

    def _random_action(self) -> list[dict[str, Any]]:
        action = self._rng.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        if not self._keys or (action == "unhide" and not self._hidden):
            action = "new"
        match action:
            case "hide" | "delete":
                return self._delete(self._rng.choice(self._keys[-200:]), only_hide=action == "hide")
            case "unhide":
                return self._unhide(self._rng.choice(sorted(self._hidden)))
            case "poison":
                return self._poison(self._put(self._new_key()))
        return self._upload(action) * (2 if self._rng.random() < 0.05 else 1)

    def _upload(self, action: str) -> list[dict[str, Any]]:
        match action:
            case "overwrite":
                return [self._put(self._rng.choice(self._keys))]
            case "put the same bytes again":
                return [self._put_again()]
        return [self._put(self._new_key(), archive=action == "archive")]

    def _poison(self, innocent: dict[str, Any]) -> list[dict[str, Any]]:
        """Poison beside the event of an innocent upload, or in the same message."""
        poison = self._rng.choice(POISON)
        return [{"Records": [*poison["Records"], innocent]}] if "Records" in poison else [poison, innocent]

    def _new_key(self) -> str:
        folder = FORBIDDEN if self._rng.random() < 0.003 else self._rng.choice(["", "summer 2026/", "50% é+/"])
        self._keys.append(f"{folder}{len(self._keys):06d}.png")
        return self._keys[-1]

    def _put(self, key: str, *, archive: bool = False) -> dict[str, Any]:
        number = len(self._cloud.puts)
        return self._put_content(
            key, self._rng.choice(self._contents), str(number), _sequencer(number), archive=archive
        )

    def _put_content(
        self, key: str, content: Content, name: str, sequencer: str, *, archive: bool = False
    ) -> dict[str, Any]:
        body = content.body(name)  # its ETag is unique
        more = {"StorageClass": "GLACIER"} if archive else {}
        response = self._cloud.s3.put_object(Bucket=UPLOADS, Key=key, Body=body, **content.encoding, **more)
        label = None if archive else content.label
        put = Put(UPLOADS, key, response["ETag"].strip('"'), len(body), (sequencer,), label)
        self._names[response["VersionId"]] = name
        self._cloud.puts[response["VersionId"]] = put
        return s3_record("ObjectCreated:Put", put, response["VersionId"])

    def _put_again(self) -> dict[str, Any]:
        """Put the same bytes again, or for the first time, into a bucket without versioning."""
        if not self._repeated or self._rng.random() < 0.3:
            self._repeated.append((f"again-{len(self._repeated)}", self._rng.choice(self._contents)))
        name, content = self._rng.choice(self._repeated)
        key, body = f"{name}.png", content.body(name)
        response = self._cloud.s3.put_object(Bucket=UNVERSIONED, Key=key, Body=body, **content.encoding)
        etag = response["ETag"].strip('"')
        earlier = self._cloud.puts[etag].sequencers if etag in self._cloud.puts else ()
        sequencer = _sequencer(len(self._cloud.puts) * 1_000 + len(earlier))
        self._cloud.puts[etag] = put = Put(UNVERSIONED, key, etag, len(body), (*earlier, sequencer), content.label)
        return s3_record("ObjectCreated:Put", put, None)

    def _replace(self, request: AWSPreparedRequest, send: Send) -> AWSResponse | None:
        """A fault: the object is overwritten while it is read. May be called in any thread."""
        response = send()
        key = unquote(urlsplit(request.url).path).removeprefix("/").removeprefix(f"{UPLOADS}/")
        if response is not None and response.status_code == 200 and UNVERSIONED not in request.url:
            with self._lock:
                name = f"{key} replaced {sum(put.key == key for put in self._cloud.puts.values())}"
                self._replacements[name] = self._put_content(key, self._contents[0], name, "F" * 20)
        return response

    def _delete(self, key: str, *, only_hide: bool) -> list[dict[str, Any]]:
        versions = [version_id for version_id, put in self._cloud.puts.items() if put.key == key]
        self._cloud.optional.update(versions)
        if only_hide:
            deleted = self._cloud.s3.delete_object(Bucket=UPLOADS, Key=key)
            marker = deleted.get("VersionId")  # moto makes none where there is no object
            self._hidden |= {key: marker} if marker else {}
        else:
            for version_id in versions:
                self._cloud.s3.delete_object(Bucket=UPLOADS, Key=key, VersionId=version_id)
        return [s3_record("ObjectRemoved:Delete", self._cloud.puts[versions[-1]], versions[-1])]

    def _unhide(self, key: str) -> list[dict[str, Any]]:
        """Remove a delete marker: S3 sends no event of the object that is there again."""
        marker = self._hidden.pop(key)
        self._cloud.s3.delete_object(Bucket=UPLOADS, Key=key, VersionId=marker)
        newest = [put for put in self._cloud.puts.values() if put.key == key][-1]
        return [s3_record("ObjectRemoved:Delete", newest, marker)]

    def _bodies(self, events: list[dict[str, Any]]) -> Iterator[str]:
        self.events += len(events)
        for event in events:
            yield json.dumps(self._rng.choice(FORMATS)(event) if "s3" in event else event)


def _sequencer(number: int) -> str:
    """Sequencers of different length, in the order of `number`."""
    base = f"{number:016X}"
    return (base, base.rstrip("0") or "0", base + "7F")[number % 3]
