"""The API in Lambda's own image, under the real `sam local`: the same answers as from `make run`."""

import json
from collections.abc import Callable

import httpx2
import pytest

from tests.api.test_protocols import DIALECTS, Scores, one_by_one
from tests.support.machine import PROJECT
from tests.support.sending import WAYS
from tests.system.sam.commands import invoke


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
    reply = invoke("HttpFunction", PROJECT / "infra" / "events" / "http-post-photo.json")
    assert reply["statusCode"] == 200
    assert json.loads(reply["body"])["label"] == "T-shirt/top"
