"""The real SAM: the template is valid, the package is built, and both functions run in Lambda's own image."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import boto3
import httpx2
import pytest

from infra.emulated_names import REGION
from tests.aws import CREDENTIALS, RESULTS, UPLOADS, Cloud
from tests.machine import PROJECT, free_port, missing
from tests.sending import WAYS
from tests.test_dialects import DIALECTS, Scores, one_by_one
from tests.waiting import wait_until_healthy

SAM = PROJECT / ".venv-sam" / "bin" / "sam"
IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"
HOST = "host.docker.internal"  # this machine, as containers call it
ENVIRONMENT = {**os.environ, **CREDENTIALS, "SAM_CLI_TELEMETRY": "0"}


def sam(*arguments: str, timeout: int = 300) -> subprocess.CompletedProcess[str]:
    """`sam` in the project's root, as a user calls it."""
    return subprocess.run(
        [SAM, *arguments], cwd=PROJECT, env=ENVIRONMENT, capture_output=True, text=True, timeout=timeout, check=False
    )


@pytest.fixture(scope="session")
def image() -> str:
    """Lambda's image, which must be on this machine or within reach."""
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        missing("Docker does not run on this machine")
    here = subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode == 0
    if not here and subprocess.run(["docker", "pull", IMAGE], capture_output=True, check=False).returncode:
        missing(f"the image {IMAGE} is not here and cannot be pulled")
    return IMAGE


@pytest.fixture(scope="session")
def package() -> Path:
    """What `sam build` makes."""
    if not SAM.exists():
        missing("SAM is not installed: make .venv-sam/ready")
    built = sam("build")
    assert built.returncode == 0, built.stderr
    return PROJECT / ".aws-sam" / "build"


@pytest.fixture(scope="session")
def emulated_s3(aws_port: int, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options by which functions in containers find the emulated AWS of the tests."""
    endpoint = f"http://{HOST}:{aws_port}"
    variables = {"S3_ENDPOINT_URL": endpoint, "UPLOADS_BUCKET": UPLOADS, "RESULTS_BUCKET": RESULTS}
    path = tmp_path_factory.mktemp("sam") / "variables.json"
    path.write_text(json.dumps({"HttpFunction": variables, "WorkerFunction": variables}))
    return ["--env-vars", str(path), "--add-host", f"{HOST}:host-gateway"]


@pytest.fixture(scope="session")
def emulator(
    package: Path,  # noqa: ARG001
    image: str,  # noqa: ARG001
    emulated_s3: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address of the API under `sam local start-api`."""
    port = free_port()
    command = [str(SAM), "local", "start-api", "--port", str(port), "--warm-containers", "EAGER", "--skip-pull-image"]
    command += emulated_s3
    log_path = tmp_path_factory.mktemp("sam") / "log.txt"
    with log_path.open("w") as log:
        process = subprocess.Popen(command, cwd=PROJECT, env=ENVIRONMENT, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_healthy(address, process, log_path.read_text)
        yield address
    finally:
        process.terminate()  # SAM removes its containers; after SIGINT it now and then leaves one behind
        process.wait(timeout=60)


def test_the_template_is_valid() -> None:
    if not SAM.exists():
        missing("SAM is not installed: make .venv-sam/ready")
    checked = sam("validate", "--lint")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_package_is_the_same_for_both_functions_and_fits_lambda(package: Path) -> None:
    http, worker = (_files(package / name) for name in ("HttpFunction", "WorkerFunction"))
    assert http == worker
    assert sum(http.values()) < 101e6  # Lambda takes 250 MB
    assert "handler/model/classifier.onnx" in http
    assert not [name for name in http if name.startswith(("torch", "model_build", "tests", "infra"))]


def _files(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("picture", ["drawing", "photo"])
def test_a_picture_gets_the_same_answer_on_lambda_as_from_make_run(
    way: str, picture: str, emulator: str, server: str, request: pytest.FixtureRequest
) -> None:
    image = request.getfixturevalue(picture)
    on_lambda, on_uvicorn = (httpx2.post(f"{url}/classify", **WAYS[way](image)) for url in (emulator, server))
    assert on_lambda.status_code == on_uvicorn.status_code == 200, on_lambda.text
    assert on_lambda.json() == on_uvicorn.json()


def test_what_the_model_saw_is_the_same_on_lambda(emulator: str, server: str, photo: bytes) -> None:
    path = "/classify?explain=true"
    on_lambda, on_uvicorn = (httpx2.post(url + path, content=photo, timeout=60) for url in (emulator, server))
    assert on_lambda.json()["explanation"]["view"]
    assert on_lambda.json() == on_uvicorn.json()


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_every_dialect_gives_on_lambda_the_scores_of_make_run(
    dialect: Callable[[httpx2.Client], Scores], emulator: str, server: str
) -> None:
    with httpx2.Client(base_url=emulator, timeout=60) as on_lambda, httpx2.Client(base_url=server) as on_uvicorn:
        assert dialect(on_lambda) == one_by_one(on_uvicorn)


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html"),
        ("/docs", "text/html"),
        ("/openapi.json", "application/json"),
        ("/labels", "application/json"),
        ("/model", "application/json"),
        ("/health", "application/json"),
        ("/v1/models/fashion-mnist", "application/json"),
        ("/v2", "application/json"),
        ("/v2/health/ready", "application/json"),
        ("/v2/models/fashion-mnist", "application/json"),
    ],
)
def test_every_page_is_the_same_on_lambda(path: str, content_type: str, emulator: str, server: str) -> None:
    on_lambda, on_uvicorn = (httpx2.get(address + path) for address in (emulator, server))
    assert on_lambda.status_code == 200
    assert on_lambda.headers["content-type"].startswith(content_type)
    assert on_lambda.text == on_uvicorn.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/classify", 415),
        ("POST", "/classify?top_k=11", 422),
        ("GET", "/nowhere", 404),
        ("GET", "/classify", 405),
    ],
)
def test_an_error_is_the_same_problem_on_lambda(
    method: str, path: str, status: int, emulator: str, server: str
) -> None:
    on_lambda, on_uvicorn = (httpx2.request(method, url + path, content=b"no image") for url in (emulator, server))
    assert on_lambda.status_code == status
    assert on_lambda.headers["content-type"] == "application/problem+json"
    assert on_lambda.json() == on_uvicorn.json()


@pytest.mark.usefixtures("package", "image")
def test_a_sample_event_is_answered() -> None:
    reply = _invoke("HttpFunction", PROJECT / "infra" / "events" / "http-post-photo.json")
    assert reply["statusCode"] == 200
    assert json.loads(reply["body"])["label"] == "T-shirt/top"


@pytest.mark.usefixtures("package", "image")
def test_the_worker_classifies_an_upload(aws: Cloud, emulated_s3: list[str], drawing: bytes, tmp_path: Path) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="photo (1).jpg", Body=drawing)
    assert _work(aws, emulated_s3, tmp_path) == {"batchItemFailures": []}
    ((key, result),) = aws.results().items()
    assert key.startswith(f"results/{UPLOADS}/photo (1).jpg/")
    assert result["status"] == "done"


_WORK: Final = """
import json, sys
from handler.s3_entry import handler
class Context:
    def get_remaining_time_in_millis(self): return 60_000
print(json.dumps(handler(json.load(sys.stdin), Context())))
"""


def test_the_worker_of_the_package_tags_and_tells(aws: Cloud, package: Path, image: str, drawing: bytes) -> None:
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
    done = subprocess.run([*command, image, "-c", _WORK], input=event, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"batchItemFailures": []}, done.stderr
    assert sorted(result["status"] for result in aws.results().values()) == ["done", "rejected"]
    tags = aws.s3.get_object_tagging(Bucket=UPLOADS, Key="good.jpg")["TagSet"]
    assert {tag["Key"] for tag in tags} == {"label", "score"}


def test_a_large_picture_goes_round_the_gateway_and_gets_its_answer(
    aws: Cloud, emulator: str, emulated_s3: list[str], drawing: bytes, tmp_path: Path
) -> None:
    picture = drawing + bytes(7_000_000)  # more than Lambda takes; what comes behind a JPEG's end is ignored
    created = httpx2.post(f"{emulator}/uploads", timeout=60)
    assert created.status_code == 201, created.text
    ticket = created.json()
    result = f"{emulator}/{ticket['result']}"
    assert httpx2.get(result, timeout=60).status_code == 404

    reachable = ticket["url"].replace(HOST, "127.0.0.1")
    posted = httpx2.post(reachable, data=ticket["fields"], files={"file": picture}, timeout=60)
    assert posted.status_code == 204, posted.text
    assert httpx2.get(result, timeout=60).json() == {"id": ticket["id"], "status": "pending"}

    _work(aws, emulated_s3, tmp_path)
    answer = httpx2.post(f"{emulator}/classify", content=drawing, timeout=60).json()
    assert httpx2.get(result, timeout=60).json() == {"id": ticket["id"], "status": "done", **answer}


def _work(aws: Cloud, emulated_s3: list[str], folder: Path) -> Any:
    event = folder / "event.json"
    event.write_text(json.dumps(aws.receive()))
    return _invoke("WorkerFunction", event, *emulated_s3)


def _invoke(function: str, event: Path, *options: str) -> Any:
    done = sam("local", "invoke", function, "--event", str(event), "--skip-pull-image", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
