"""Adopt an existing bucket: let it send its events to EventBridge, and undo that, without touching its notifications.

S3 replaces a whole configuration at once, so what is there is read, changed in one place, written, and read again.
Of the configuration: docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_s3 import S3Client

_SWITCH: Final = "EventBridgeConfiguration"
_CORS_ID: Final = "clothes-classifier"  # of the only rule that is added and removed


class CannotAdopt(Exception):
    """The bucket cannot be changed; the message says why, in one sentence."""


@dataclass(frozen=True)
class Bucket:
    """An existing bucket. `say` is called with each line of the report; with `dry_run`, nothing is written."""

    name: str
    s3: "S3Client"
    events: "EventBridgeClient"
    say: Callable[[str], None]
    dry_run: bool = False

    def adopt(self, cors_origins: Iterable[str] = ()) -> None:
        """Switch its events on; allow browsers at `cors_origins` to post forms. Raises CannotAdopt."""
        self._check_region()
        self._report_key()
        self._switch(on=True)
        if origins := list(cors_origins):
            self._set_cors(origins)

    def release(self, own_rules: Iterable[str] = ()) -> None:
        """Undo `adopt`. Events stay on if rules other than `own_rules` listen to the bucket. Raises CannotAdopt."""
        self._check_region()
        self._set_cors([])
        others = sorted(set(self._listening_rules()) - set(own_rules))
        if others:
            self.say(f"{self.name}: events stay on, since other rules listen to them: {', '.join(others)}")
        else:
            self._switch(on=False)

    def _check_region(self) -> None:
        """EventBridge rules see only the buckets of their own region."""
        try:
            found = self.s3.head_bucket(Bucket=self.name)["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("403", "404"):
                raise
            reason = "does not exist" if error.response["Error"]["Code"] == "404" else "is not yours to read"
            raise CannotAdopt(f"the bucket {self.name!r} {reason}") from error
        region = self.events.meta.region_name
        if found and found != region:
            raise CannotAdopt(f"the bucket {self.name!r} is in {found}, but the stack's region is {region}")

    def _report_key(self) -> None:
        try:
            rules = self.s3.get_bucket_encryption(Bucket=self.name)["ServerSideEncryptionConfiguration"]["Rules"]
        except ClientError as error:  # an adopter need not have the right to read it
            if error.response["Error"]["Code"] not in (
                "AccessDenied",
                "ServerSideEncryptionConfigurationNotFoundError",
            ):
                raise
            return
        keys = [each.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID") for each in rules]
        for key in filter(None, keys):
            self.say(f"{self.name}: encrypted with a key of KMS; the stack needs the parameter KmsKeyArn: {key}")

    def _switch(self, *, on: bool) -> None:
        before = self._notifications()
        after = {name: value for name, value in before.items() if name != _SWITCH} | ({_SWITCH: {}} if on else {})
        state = "on" if on else "off"
        if after == before:
            self.say(f"{self.name}: events to EventBridge are {state} already")
            return
        others = sum(len(each) for name, each in before.items() if name != _SWITCH)
        kept = f"{others} own notifications stay as they are"
        if self.dry_run:
            self.say(f"{self.name}: would switch events to EventBridge {state}; {kept}")
            return
        # Without validation, S3 neither checks the destinations that are there nor sends them test messages.
        self.s3.put_bucket_notification_configuration(
            Bucket=self.name,
            NotificationConfiguration=after,  # type: ignore[arg-type]  # as S3 returned it
            SkipDestinationValidation=True,
        )
        if self._notifications() != after:
            raise CannotAdopt(f"the notifications of {self.name!r} were changed by someone else meanwhile; try again")
        self.say(f"{self.name}: switched events to EventBridge {state}; {kept}")

    def _notifications(self) -> dict[str, Any]:
        found: dict[str, Any] = dict(self.s3.get_bucket_notification_configuration(Bucket=self.name))
        found.pop("ResponseMetadata")
        return found

    def _set_cors(self, origins: list[str]) -> None:
        """Replace the rule of this project by one for `origins`; without them, remove it."""
        before = self._cors_rules()
        others = [each for each in before if each.get("ID") != _CORS_ID]
        after = [*others, _cors_rule(origins)] if origins else others
        if after == before:
            return
        what = f"allow forms from {', '.join(origins)}" if origins else "remove the CORS rule for forms"
        if self.dry_run:
            self.say(f"{self.name}: would {what}; {len(others)} own CORS rules stay as they are")
            return
        if after:
            self.s3.put_bucket_cors(Bucket=self.name, CORSConfiguration={"CORSRules": after})
        else:
            self.s3.delete_bucket_cors(Bucket=self.name)
        self.say(f"{self.name}: {what}: done; {len(others)} own CORS rules stay as they are")

    def _cors_rules(self) -> list[Any]:
        try:
            return list(self.s3.get_bucket_cors(Bucket=self.name)["CORSRules"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchCORSConfiguration":
                raise
            return []

    def _listening_rules(self) -> Iterable[str]:
        """Names of the rules of the default bus whose pattern may match events of this bucket."""
        for page in self.events.get_paginator("list_rules").paginate():
            for rule in page["Rules"]:
                if "EventPattern" in rule and _may_match(json.loads(rule["EventPattern"]), self.name):
                    yield rule["Name"]


def _cors_rule(origins: list[str]) -> dict[str, Any]:
    """As the stack's own bucket has it."""
    return {
        "ID": _CORS_ID,
        "AllowedHeaders": ["*"],
        "AllowedMethods": ["POST"],
        "AllowedOrigins": origins,
        "ExposeHeaders": ["ETag", "Location"],
        "MaxAgeSeconds": 3600,
    }


def _may_match(pattern: Any, bucket: str) -> bool:
    """Whether a rule may want events of `bucket`; filters that are no plain texts count as matching."""
    return _admits(pattern.get("source"), "aws.s3") and _admits(
        pattern.get("detail", {}).get("bucket", {}).get("name"), bucket
    )


def _admits(values: Any, value: str) -> bool:
    return values is None or any(each == value or not isinstance(each, str) for each in values)
