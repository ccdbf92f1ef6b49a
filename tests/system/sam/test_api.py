"""The API in Lambda's image under `sam local` gives the same responses as `make run`."""

import json
from collections.abc import Callable

import httpx2
import pytest

from tests.api.test_protocols import FILES, PROTOCOLS, Scores, one_by_one
from tests.support.machine import PROJECT
from tests.support.sending import WAYS
from tests.system.sam.commands import invoke

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sample", ["drawing", "photo"])
def test_classify_on_lambda_equals_make_run(
    way: str, sample: str, emulator: str, server: str, request: pytest.FixtureRequest
) -> None:
    image = request.getfixturevalue(sample)
    on_lambda, on_uvicorn = (
        httpx2.post(f"{url}/classify", **WAYS[way](image), timeout=60) for url in (emulator, server)
    )
    assert on_lambda.status_code == on_uvicorn.status_code == 200, on_lambda.text
    assert on_lambda.json() == on_uvicorn.json()


def test_explanation_on_lambda_equals_make_run(emulator: str, server: str, photo: bytes) -> None:
    path = "/classify?explain=true"
    on_lambda, on_uvicorn = (httpx2.post(url + path, content=photo, timeout=60) for url in (emulator, server))
    assert on_lambda.json()["explanation"]["view"]
    assert on_lambda.json() == on_uvicorn.json()


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_scores_of_every_protocol_on_lambda_equal_make_run(
    protocol: Callable[[httpx2.Client], Scores], emulator: str, server: str
) -> None:
    with httpx2.Client(base_url=emulator, timeout=60) as on_lambda, httpx2.Client(base_url=server) as on_uvicorn:
        assert protocol(on_lambda) == one_by_one(on_uvicorn, FILES)


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
def test_get_on_lambda_equals_make_run(path: str, content_type: str, emulator: str, server: str) -> None:
    on_lambda, on_uvicorn = (httpx2.get(address + path, timeout=60) for address in (emulator, server))
    assert on_lambda.status_code == 200
    assert on_lambda.headers["content-type"].startswith(content_type)
    assert on_lambda.text.replace(emulator, server) == on_uvicorn.text  # a page names its own address


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/classify", 415),
        ("POST", "/classify?top_k=11", 422),
        ("GET", "/nowhere", 404),
        ("GET", "/classify", 405),
    ],
)
def test_error_on_lambda_equals_make_run(method: str, path: str, status: int, emulator: str, server: str) -> None:
    on_lambda, on_uvicorn = (
        httpx2.request(method, url + path, content=b"no image", timeout=60) for url in (emulator, server)
    )
    assert on_lambda.status_code == status
    assert on_lambda.headers["content-type"] == "application/problem+json"
    assert on_lambda.json() == on_uvicorn.json()


@pytest.mark.usefixtures("package", "image")
def test_sample_http_event_is_classified() -> None:
    response = invoke("HttpFunction", PROJECT / "infra" / "events" / "http-post-photo.json")
    assert response["statusCode"] == 200
    assert json.loads(response["body"])["label"] == "T-shirt/top"
