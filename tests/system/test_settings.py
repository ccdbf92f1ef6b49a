"""Settings from environment variables are validated at start; errors name the variable."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.settings import Settings
from tests.support.machine import PROJECT

ClientOf = Callable[[Settings], TestClient]


@pytest.fixture
def client_of(classifier: Classifier, card: ModelCard) -> ClientOf:
    """Create clients of the app with given settings."""
    return lambda settings: TestClient(create_app(classifier, card, settings))


def test_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("MODEL_DIR", "runs/my shop", "runs/my shop"),
        ("MAX_BODY_BYTES", "4500000", 4_500_000),
        ("MAX_UPLOAD_BYTES", " 7 ", 7),
        ("MAX_PIXELS", "1", 1),
        ("MAX_BATCH_IMAGES", "8", 8),
        ("MAX_BATCH_IMAGES", "", 64),
        ("KNOWN_THRESHOLD", "0.25", 0.25),
        ("KNOWN_THRESHOLD", "1", 1.0),
        ("KNOWN_THRESHOLD", "", None),
        ("CORS_ORIGINS", "*", ("*",)),
        ("CORS_ORIGINS", "https://a.example, http://localhost:3000", ("https://a.example", "http://localhost:3000")),
        ("S3_ENDPOINT_URL", "http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("CORS_ORIGINS", "http://[::1]:65535", ("http://[::1]:65535",)),
        ("UPLOADS_BUCKET", "images", "images"),
        ("UPLOADS_BUCKET", "a.b-1", "a.b-1"),
        ("UPLOADS_BUCKET", "UploadsBucket", "UploadsBucket"),
        ("RESULTS_BUCKET", "1" * 63, "1" * 63),
        ("EVENT_BUS", "default", "default"),
        (
            "EVENT_BUS",
            "arn:aws:events:eu-central-1:123456789012:event-bus/a",
            "arn:aws:events:eu-central-1:123456789012:event-bus/a",
        ),
        ("MAX_BATCH_PIXELS", "1", 1),
        ("REQUEST_SECONDS", "900", 900),
        ("DOCS", "off", False),
        ("CORRECTIONS", "off", ""),
        ("CORRECTIONS", "a folder/below", "a folder/below"),
        ("TAG_OBJECTS", "on", True),
        ("TAG_OBJECTS", "off", False),
        ("DOWNLOADS_AT_ONCE", "1", 1),
        ("LOG_LEVEL", "WARNING", "WARNING"),
        ("METRICS_NAMESPACE", "my-stack", "my-stack"),
        ("AWS_REGION", "eu-central-1", "eu-central-1"),
    ],
)
def test_variable_sets_the_field_of_its_name(variable: str, text: str, value: Any) -> None:
    assert getattr(Settings.from_environment({variable: text}), variable.lower()) == value


@pytest.mark.parametrize(("region", "used"), [("eu-west-1", "eu-west-1"), (" ", "us-east-1")])
def test_default_region_is_used_if_no_region_is_set(region: str, used: str) -> None:
    environment = {"AWS_REGION": region, "AWS_DEFAULT_REGION": "us-east-1"}
    assert Settings.from_environment(environment).aws_region == used


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("MAX_BODY_BYTES", "0"),
        ("MAX_BODY_BYTES", "-1"),
        ("MAX_PIXELS", "1e6"),
        ("LOG_LEVEL", "loud"),
        ("METRICS_NAMESPACE", "AWS/Lambda"),
        ("METRICS_NAMESPACE", "my stack"),
        ("MAX_PIXELS", "٣"),
        ("MAX_BATCH_IMAGES", "9" * 5000),
        ("MAX_UPLOAD_BYTES", "50 MB"),
        ("KNOWN_THRESHOLD", "1.1"),
        ("KNOWN_THRESHOLD", "-0.1"),
        ("KNOWN_THRESHOLD", "nan"),
        ("KNOWN_THRESHOLD", "half"),
        ("CORS_ORIGINS", "example.com"),
        ("CORS_ORIGINS", "https://a.example/path"),
        ("CORS_ORIGINS", "https://a.example,"),
        ("S3_ENDPOINT_URL", "localhost"),
        ("TAG_OBJECTS", "yes"),
        ("DOWNLOADS_AT_ONCE", "0"),
        ("DOWNLOADS_AT_ONCE", "1001"),
        ("REQUEST_SECONDS", "901"),
        ("REQUEST_SECONDS", "0.5"),
        ("DOCS", "no"),
        ("CORRECTIONS", "on"),
        ("CORRECTIONS", "OFF"),
        ("CORRECTIONS", "S3"),
        ("CORRECTIONS", sys.executable),
        ("CORRECTIONS", "s3"),  # without RESULTS_BUCKET
        ("AWS_REGION", "eu; script-src *"),
        ("S3_ENDPOINT_URL", "http://127.0.0.1:65536"),
        ("S3_ENDPOINT_URL", "http://127.0.0.1:0"),
        ("S3_ENDPOINT_URL", "http://a; script-src *"),
        ("S3_ENDPOINT_URL", "http://a..b"),
        ("CORS_ORIGINS", "https://a.example:99999"),
        ("EVENT_BUS", "a bus"),
        *[
            (variable, name)
            for variable in ("UPLOADS_BUCKET", "RESULTS_BUCKET")
            for name in (
                "ab",
                "a" * 64,
                "my_images",
                "-images",
                "images-",
                "a..b",
                "192.168.0.1",
                "xn--images",
                "images-s3alias",
                "images--x-s3",
                "images/2026",
                "images; script-src *",
                "im\u00e4ges",
                "images\n.evil",
            )
        ],
    ],
)
def test_invalid_variable_is_named_in_the_error(variable: str, text: str) -> None:
    with pytest.raises(ValueError, match=variable):
        Settings.from_environment({variable: text})


def test_corrections_on_lambda_go_to_s3() -> None:
    on_lambda = {"AWS_LAMBDA_FUNCTION_NAME": "http", "RESULTS_BUCKET": "results"}
    assert Settings.from_environment({**on_lambda, "CORRECTIONS": "s3"}).corrections == "s3"
    with pytest.raises(ValueError, match="CORRECTIONS must be 's3' on Lambda"):
        Settings.from_environment({**on_lambda, "CORRECTIONS": "/tmp"})


def test_server_with_invalid_variable_exits_with_a_message() -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "handler", "serve"],
        cwd=PROJECT,
        env={**os.environ, "MAX_BATCH_IMAGES": "many"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert completed.returncode == 2
    assert completed.stderr == "MAX_BATCH_IMAGES must be a whole number above 0, but is 'many'\n"


@pytest.mark.parametrize(("threshold", "known"), [(0.0, True), (1.0, False)])
def test_known_threshold_decides_whether_an_image_is_known(
    card: ModelCard, png: bytes, threshold: float, known: bool
) -> None:
    with TestClient(create_app(Classifier.shipped(threshold), card, Settings())) as client:
        assert client.post("/classify", content=png).json()["known"] is known


@pytest.mark.parametrize(
    ("allowed", "origin", "header"),
    [
        pytest.param((), "https://a.example", None, id="none allowed"),
        pytest.param(("*",), "https://a.example", "*", id="all allowed"),
        pytest.param(("https://a.example",), "https://a.example", "https://a.example", id="this one allowed"),
        pytest.param(("https://a.example",), "https://b.example", None, id="another one allowed"),
    ],
)
def test_only_allowed_origins_get_cors_headers(
    client_of: ClientOf, png: bytes, allowed: tuple[str, ...], origin: str, header: str | None
) -> None:
    with client_of(Settings(cors_origins=allowed)) as client:
        preflight = client.options(
            "/classify",
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type",
            },
        )
        response = client.post("/classify", content=png, headers={"Origin": origin})
    assert preflight.headers.get("access-control-allow-origin") == header
    assert response.headers.get("access-control-allow-origin") == header
    assert response.status_code == 200
    if header:
        assert preflight.status_code == 200
        assert "Server-Timing" in response.headers["access-control-expose-headers"]
