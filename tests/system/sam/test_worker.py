"""The worker in Lambda's image: uploads to S3, direct or with a ticket, get results."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import boto3
import httpx2
import pytest

from infra.emulation.names import REGION
from tests.support.aws import CREDENTIALS, RESULTS, UPLOADS, Cloud
from tests.system.sam.commands import HOST, invoke

pytestmark = [pytest.mark.docker, pytest.mark.slow]

_WORK: Final = """
import json, sys
from handler.s3_entry import handler
class Context:
    def get_remaining_time_in_millis(self): return 60_000
print(json.dumps(handler(json.load(sys.stdin), Context())))
"""


@pytest.mark.usefixtures("package", "image")
def test_worker_classifies_an_upload(aws: Cloud, emulated_s3: list[str], drawing: bytes, tmp_path: Path) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="photo (1).jpg", Body=drawing)
    assert _run_worker(aws, emulated_s3, tmp_path) == {"batchItemFailures": []}
    ((key, result),) = aws.results().items()
    assert key.startswith(f"results/{UPLOADS}/photo (1).jpg/")
    assert result["status"] == "done"


def test_worker_of_the_package_tags_and_publishes(aws: Cloud, package: Path, image: str, drawing: bytes) -> None:
    boto3.client("events", endpoint_url=f"http://127.0.0.1:{aws.port}", region_name=REGION).create_event_bus(Name="bus")
    for key, body in {"good.jpg": drawing, "bad.jpg": b"no image"}.items():
        aws.s3.put_object(Bucket=UPLOADS, Key=key, Body=body)
    endpoint = f"http://127.0.0.1:{aws.port}"
    variables = {
        **CREDENTIALS,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_EVENTBRIDGE": endpoint,
        "S3_ENDPOINT_URL": endpoint,
        "RESULTS_BUCKET": RESULTS,
        "TAG_OBJECTS": "on",
        "EVENT_BUS": "bus",
        "PYTHONPATH": "/var/task",
    }
    command = ["docker", "run", "--rm", "--interactive", "--network=host", "--entrypoint=python3.13"]
    command += [f"--volume={package / 'WorkerFunction'}:/var/task:ro"]
    command += [f"--env={name}={value}" for name, value in variables.items()]
    event = json.dumps(aws.receive())
    completed = subprocess.run([*command, image, "-c", _WORK], input=event, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    assert json.loads(completed.stdout.splitlines()[-1]) == {"batchItemFailures": []}, completed.stderr
    assert sorted(result["status"] for result in aws.results().values()) == ["done", "rejected"]
    tags = aws.s3.get_object_tagging(Bucket=UPLOADS, Key="good.jpg")["TagSet"]
    assert {tag["Key"] for tag in tags} == {"label", "score"}


def test_large_image_is_uploaded_with_a_ticket_and_classified(
    aws: Cloud, emulator: str, emulated_s3: list[str], drawing: bytes, tmp_path: Path
) -> None:
    image = drawing + bytes(7_000_000)  # above Lambda's limit; bytes after the end of a JPEG are ignored
    created = httpx2.post(f"{emulator}/uploads", timeout=60)
    assert created.status_code == 201, created.text
    ticket = created.json()
    result = f"{emulator}/{ticket['result']}"
    assert httpx2.get(result, timeout=60).status_code == 404

    reachable = ticket["url"].replace(HOST, "127.0.0.1")
    posted = httpx2.post(reachable, data=ticket["fields"], files={"file": image}, timeout=60)
    assert posted.status_code == 204, posted.text
    assert httpx2.get(result, timeout=60).json() == {"id": ticket["id"], "status": "pending"}

    _run_worker(aws, emulated_s3, tmp_path)
    classified = httpx2.post(f"{emulator}/classify", content=drawing, timeout=60).json()
    assert httpx2.get(result, timeout=60).json() == {"id": ticket["id"], "status": "done", **classified}


def _run_worker(aws: Cloud, emulated_s3: list[str], folder: Path) -> Any:
    event = folder / "event.json"
    event.write_text(json.dumps(aws.receive()))
    return invoke("WorkerFunction", event, *emulated_s3)
