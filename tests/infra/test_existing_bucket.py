"""An existing bucket is adopted, backfilled, listened to and released; its own notifications are as before."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
import pytest

from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.result_keys import result_key
from handler.settings import Settings
from handler.worker.worker import Worker
from infra.emulation.names import REGION
from infra.operations.adopt import Bucket, CannotAdopt
from tests.infra.test_backfill_command import STACK, finished, infra, machine, template, url_of, working
from tests.support.aws import Cloud
from tests.support.emulated_stack import transformed
from tests.support.images import encoded, trousers
from tests.support.step_functions import ROLE, enable_state_machines
from tests.support.template import PARAMETERS

pytestmark = pytest.mark.slow

SHOP: Final = "shop-photos"  # the existing bucket
OBJECTS: Final = 500
RESULTS: Final = "clothes-results"
OWN: Final[Any] = {
    "QueueConfigurations": [
        {
            "Id": "thumbnails",
            "QueueArn": f"arn:aws:sqs:{REGION}:123456789012:thumbnails",
            "Events": ["s3:ObjectCreated:Put"],
            "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".jpg"}]}},
        }
    ]
}


@pytest.fixture
def shop(aws: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """The bucket of a shop, with notifications of its own."""
    enable_state_machines(aws, monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{aws.port}")
    aws.sqs.create_queue(QueueName="thumbnails")
    aws.s3.create_bucket(Bucket=SHOP)
    aws.s3.put_bucket_versioning(Bucket=SHOP, VersioningConfiguration={"Status": "Enabled"})
    aws.s3.put_bucket_notification_configuration(Bucket=SHOP, NotificationConfiguration=OWN)
    return aws


def bucket(aws: Cloud, *, dry_run: bool = False) -> tuple[Bucket, list[str]]:
    said: list[str] = []
    return Bucket(SHOP, aws.s3, client(aws, "events"), said.append, dry_run), said


def client(aws: Cloud, service: Any) -> Any:
    return boto3.client(service, endpoint_url=f"http://127.0.0.1:{aws.port}", region_name=REGION)


def notifications(aws: Cloud) -> dict[str, Any]:
    found: dict[str, Any] = dict(aws.s3.get_bucket_notification_configuration(Bucket=SHOP))
    del found["ResponseMetadata"]
    return found


def stack_on_the_shop(aws: Cloud) -> Cloud:
    """A stack with the template's own rule, on the existing bucket."""
    document = template()
    resources = document["Resources"]
    del resources["UploadsBucket"]
    resources["ExistingUploads"] = rule = transformed()["Resources"]["ExistingUploads"]
    del rule["Condition"]
    del rule["Properties"]["EventPattern"]["detail"]["object"]["key"][1]  # without ApiUploads
    document["Parameters"] = {
        name: PARAMETERS[name] | ({"Default": SHOP} if name == "UploadsBucketNames" else {})
        for name in ("UploadsBucketNames", "UploadsPrefix", "UploadsSuffix")
    }
    client(aws, "cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps(document))
    client(aws, "stepfunctions").create_state_machine(name="clothes-backfill", definition=machine(), roleArn=ROLE)
    return type(aws)(aws.port, aws.s3, aws.sqs, url_of(aws, "clothes-queue"), url_of(aws, "clothes-dead"))


@contextmanager
def worker_on(stack: Cloud, classifier: Classifier, card: ModelCard) -> Iterator[None]:
    with working(stack, Worker(stack.s3, classifier, card, Settings(results_bucket=RESULTS))):
        yield


def run(*arguments: str) -> str:
    status, out, errors = finished(infra(*arguments))
    assert (status, errors) == (0, ""), out
    return out


def writes(aws: Cloud) -> list[str]:
    pages = aws.s3.get_paginator("list_object_versions").paginate(Bucket=RESULTS, Prefix="results/")
    return [each["Key"] for page in pages for each in page.get("Versions", [])]


def test_bucket_is_adopted_backfilled_listened_to_and_released(
    shop: Cloud, classifier: Classifier, card: ModelCard
) -> None:
    png = encoded(trousers(28))
    put = [shop.s3.put_object(Bucket=SHOP, Key=f"{place}.png", Body=png) for place in range(OBJECTS)]
    before = notifications(shop)
    stack = stack_on_the_shop(shop)  # make deploy BUCKETS=shop-photos
    with worker_on(stack, classifier, card):
        assert "switched events to EventBridge on; 1 own" in run("adopt", SHOP, "--stack", STACK)
        out = run("backfill", "--stack", STACK, "--bucket", SHOP, "--every", "0.3")
        assert out.splitlines()[-1] == f"{OBJECTS} of {OBJECTS} objects have a result"
        live = shop.s3.put_object(Bucket=SHOP, Key="new.png", Body=png)
        assert run("backfill", "--stack", STACK, "--every", "0.3") == "501 of 501 objects have a result\n"
    assert "switched events to EventBridge off" in run("release", SHOP, "--stack", STACK)
    assert notifications(shop) == before
    keys = {result_key(SHOP, f"{place}.png", each["VersionId"]) for place, each in enumerate(put)}
    assert sorted(writes(shop)) == sorted(keys | {result_key(SHOP, "new.png", live["VersionId"])})
    shop.s3.put_object(Bucket=SHOP, Key="later.png", Body=png)
    assert stack.receive()["Records"] == []


def test_adopt_and_release_are_idempotent_and_keep_own_notifications(shop: Cloud) -> None:
    before = notifications(shop)
    existing, said = bucket(shop)
    for _ in range(2):
        existing.adopt()
        assert notifications(shop) == {**before, "EventBridgeConfiguration": {}}
    for _ in range(2):
        existing.release()
        assert notifications(shop) == before
    assert [line.partition(": ")[2] for line in said] == [
        "switched events to EventBridge on; 1 own notifications stay as they are",
        "events to EventBridge are on already",
        "switched events to EventBridge off; 1 own notifications stay as they are",
        "events to EventBridge are off already",
    ]


def test_dry_run_writes_nothing(shop: Cloud) -> None:
    before = notifications(shop)
    existing, said = bucket(shop, dry_run=True)
    existing.adopt(["https://shop.example"])
    assert notifications(shop) == before
    with pytest.raises(shop.s3.exceptions.ClientError, match="NoSuchCORSConfiguration"):
        shop.s3.get_bucket_cors(Bucket=SHOP)
    assert said == [
        f"{SHOP}: would switch events to EventBridge on; 1 own notifications stay as they are",
        f"{SHOP}: would allow forms from https://shop.example; 0 own CORS rules stay as they are",
    ]


def test_events_stay_on_while_a_rule_of_others_listens(shop: Cloud) -> None:
    events = client(shop, "events")
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [SHOP]}}}
    events.put_rule(Name="audit", EventPattern=json.dumps(pattern))
    events.put_rule(Name="elsewhere", EventPattern=json.dumps({"source": ["aws.ec2"]}))
    existing, said = bucket(shop)
    existing.adopt()
    existing.release()
    assert said[-1] == f"{SHOP}: events stay on, since other rules listen to them: audit"
    assert "EventBridgeConfiguration" in notifications(shop)
    existing.release(own_rules={"audit"})
    assert "EventBridgeConfiguration" not in notifications(shop)


def test_cors_is_changed_only_if_asked_and_own_rules_stay(shop: Cloud) -> None:
    own: Any = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://shop.example"]}
    shop.s3.put_bucket_cors(Bucket=SHOP, CORSConfiguration={"CORSRules": [own]})
    existing, _ = bucket(shop)
    existing.adopt()
    assert shop.s3.get_bucket_cors(Bucket=SHOP)["CORSRules"] == [own]
    existing.adopt(["https://shop.example"])
    rules = shop.s3.get_bucket_cors(Bucket=SHOP)["CORSRules"]
    assert (rules[0], rules[1]["AllowedMethods"], rules[1]["ExposeHeaders"]) == (own, ["POST"], ["ETag", "Location"])
    existing.release()
    assert shop.s3.get_bucket_cors(Bucket=SHOP)["CORSRules"] == [own]


def test_bucket_that_does_not_exist_is_refused(aws: Cloud) -> None:
    with pytest.raises(CannotAdopt, match="does not exist"):
        bucket(aws)[0].adopt()
