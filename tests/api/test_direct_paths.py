"""The paths that are answered without FastAPI: they answer as its routes do, and it is not loaded for them."""

import base64
import gzip
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from handler.api.app import Api, create_app
from handler.contract import ModelCard
from handler.inference.classifier import MODEL_PATH, Classifier
from handler.lifecycle.warm_up import small_image
from handler.settings import Settings
from tests.support.broken_classifier import BrokenClassifier
from tests.support.machine import PROJECT

SETTINGS = Settings(max_body_bytes=100_000)
PHOTO = small_image()
LENGTH = "Inference-Header-Content-Length"
PIXELS = np.arange(784, dtype=np.uint8)
TENSOR = {"name": "images", "datatype": "UINT8", "shape": [1, 1, 28, 28], "data": PIXELS.tolist()}
BINARY = json.dumps(
    {
        "inputs": [{**TENSOR, "parameters": {"binary_data_size": 784}} | {"data": None}],
        "parameters": {"binary_data_output": True},
    }
).replace(', "data": null', "")

BASE64 = json.dumps({"image": base64.b64encode(PHOTO).decode()}).encode()
CLASSIFY: dict[str, dict[str, Any]] = {
    "raw": {"content": PHOTO},
    "raw of an unknown type": {"content": PHOTO, "headers": {"Content-Type": "x/y; z"}},
    "form": {"files": {"file": ("a.jpg", PHOTO)}},
    "form with parameters": {"files": {"file": PHOTO}, "data": {"top_k": "2", "explain": "true"}},
    "form of a wrong type": {"content": PHOTO, "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
    "urlencoded": {"data": {"file": base64.b64encode(PHOTO).decode()}},
    "base64": {"content": BASE64},
    "base64 with top_k": {"content": BASE64[:-1] + b', "top_k": 5}'},
    "base64 with a wrong top_k": {"content": BASE64[:-1] + b', "top_k": 99}'},
    "gzip": {"content": gzip.compress(PHOTO), "headers": {"Content-Encoding": "gzip"}},
    "not gzip": {"content": PHOTO, "headers": {"Content-Encoding": "gzip"}},
    "unknown encoding": {"content": PHOTO, "headers": {"Content-Encoding": "br"}},
    "too many bytes": {"content": bytes(100_001)},
    "nothing": {},
    "no image": {"content": b"hello"},
    "half a surrogate pair": {"content": b'{"image": "\\ud800"}'},
    "a broken image": {"content": PHOTO[:200]},
    "wrong JSON": {"content": b'{"image": }'},
    "by HTTPS and from elsewhere": {"content": PHOTO, "headers": {"Origin": "https://shop.example"}},
}
BATCH: dict[str, dict[str, Any]] = {
    "form": {"files": [("file", ("a.jpg", PHOTO)), ("file", ("b", b"hello"))]},
    "base64": {"json": {"images": [{"image": base64.b64encode(PHOTO).decode(), "name": "\u8863 1"}, 7]}},
    "nothing": {"json": []},
}
INFER: dict[str, dict[str, Any]] = {
    "tensor": {"json": {"id": "7", "inputs": [TENSOR]}},
    "bytes": {"content": BINARY.encode() + PIXELS.tobytes(), "headers": {LENGTH: str(len(BINARY))}},
    "pixels alone": {"content": PIXELS.tobytes(), "headers": {LENGTH: "0"}},
    "file": {"content": PHOTO},
    "a wrong number": {"json": {"inputs": [{**TENSOR, "data": [256, *PIXELS.tolist()[1:]]}]}},
    "a wrong length": {"content": b"{}", "headers": {LENGTH: "7"}},
    "no tensor": {"json": {"inputs": []}},
}
CASES = [
    *(pytest.param("/classify", sent, id=f"classify: {name}") for name, sent in CLASSIFY.items()),
    *(pytest.param("/classify/batch", sent, id=f"batch: {name}") for name, sent in BATCH.items()),
    *(pytest.param("/v2/models/fashion-mnist/infer", sent, id=f"infer: {name}") for name, sent in INFER.items()),
    pytest.param("/v2/models/fashion-mnist-images/infer", INFER["file"], id="infer: the second name"),
]


def _without_ids(reply: Response) -> tuple[int, dict[str, str], bytes]:
    own = ("x-request-id", "server-timing")
    return reply.status_code, {name: value for name, value in reply.headers.items() if name not in own}, reply.content


@pytest.fixture(scope="module", params=[True, False], ids=["threads", "Lambda"])
def api(request: pytest.FixtureRequest, classifier: Classifier, card: ModelCard) -> Api:
    settings = Settings(max_body_bytes=SETTINGS.max_body_bytes, cors_origins=("https://shop.example",))
    return create_app(classifier, card, settings, offload=request.param)


@pytest.mark.parametrize(("path", "sent"), CASES)
@pytest.mark.parametrize("root_path", ["", "/Prod"])
def test_direct_path_answers_as_the_route_of_fastapi(api: Api, path: str, sent: dict[str, Any], root_path: str) -> None:
    with_prefix = TestClient(api, root_path=root_path)
    direct = with_prefix.post(path, **sent)
    by_route = with_prefix.post(f"{path}?any=1", **sent)  # no path with a query is direct
    assert _without_ids(direct) == _without_ids(by_route)


def test_unexpected_error_is_the_same_500_and_raised_for_the_log(card: ModelCard) -> None:
    app = create_app(BrokenClassifier(MODEL_PATH, card.labels), card, Settings())
    quiet = TestClient(app, raise_server_exceptions=False)
    direct, by_route = (quiet.post(path, content=PHOTO) for path in ("/classify", "/classify?any=1"))
    assert direct.status_code == 500
    assert _without_ids(direct) == _without_ids(by_route)
    with pytest.raises(Exception, match=r"."):
        TestClient(app).post("/classify", content=PHOTO)


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("HEAD", 405), ("PUT", 405)])
def test_other_methods_are_left_to_fastapi(api: Api, method: str, status: int) -> None:
    assert TestClient(api).request(method, "/classify").status_code == status


@pytest.mark.parametrize(
    ("initialization", "at_start"), [("on-demand", False), ("provisioned-concurrency", True)], ids=str
)
def test_fastapi_is_loaded_by_the_first_other_request_alone(initialization: str, at_start: bool) -> None:
    """In a process of its own, as on Lambda."""
    program = """
import sys
from handler.http_entry import handler
from tests.support.gateway_events import Sent, rest_event

def loaded(method, path, body=b""):
    status = handler(rest_event(Sent(method, path, body)), None)["statusCode"]
    return [status, "fastapi" in sys.modules, "pydantic" in sys.modules]

print(loaded("POST", "/classify", b"hello"), loaded("GET", "/health"))
"""
    environment = {
        "AWS_LAMBDA_FUNCTION_NAME": "api",
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization,
        "PYTHONPATH": str(PROJECT),
    }
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == f"[415, {at_start}, {at_start}] [200, True, True]"
