"""Events of a campaign: of S3, plain, through SNS and through EventBridge, of a backfill, and poison."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

from infra.emulation.names import UPLOADS
from tests.system.campaign.cloud import Put

POISON: Final[tuple[Any, ...]] = (
    {"hello": "world"},
    {"Records": [{"eventName": "ObjectPainted:Put"}]},
    {"source": "aws.s3", "detail-type": "Object Painted"},
    {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": {}}, "object": {"key": 5}}}]},
    {"Type": "Notification", "Message": "[" * 5_000},
)


def s3_record(name: str, put: Put, version_id: str | None) -> dict[str, Any]:
    stored = {"key": quote_plus(put.key), "size": put.bytes, "eTag": put.etag}
    stored |= {"versionId": version_id} if version_id else {}
    return {
        "eventSource": "aws:s3",
        "eventTime": "2026-11-20T08:15:30.123Z",
        "eventName": name,
        "s3": {"bucket": {"name": put.bucket}, "object": {**stored, "sequencer": put.sequencers[-1]}},
    }


def _from_s3(record: dict[str, Any]) -> dict[str, Any]:
    return {"Records": [record]}


def _through_sns(record: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "Notification", "Message": json.dumps(_from_s3(record))}


def _from_eventbridge(record: dict[str, Any]) -> dict[str, Any]:
    stored = record["s3"]["object"]
    detail = {"key": unquote_plus(stored["key"]), "etag": stored["eTag"]}
    detail |= {"version-id": stored["versionId"]} if "versionId" in stored else {}
    return {
        "source": "aws.s3",
        "detail-type": "Object Created" if record["eventName"].startswith("ObjectCreated") else "Object Deleted",
        "time": record["eventTime"],
        "detail": {"bucket": record["s3"]["bucket"], "object": {**detail, "sequencer": stored["sequencer"]}},
    }


FORMATS: Final = (_from_s3, _through_sns, _from_eventbridge)


def event_of_backfill(found: Mapping[str, Any]) -> str:
    """The message that the backfill's state machine sends for an object of its manifest."""
    stored = {"key": found["Key"], "etag": found["ETag"].strip('"'), "version-id": found["VersionId"]}
    detail = {"bucket": {"name": UPLOADS}, "object": stored}
    return json.dumps({"source": "clothes-classifier.backfill", "detail-type": "Object Created", "detail": detail})
