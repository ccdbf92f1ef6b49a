"""Conformance with /openapi.json: Schemathesis sends valid and invalid requests, with every check on."""

import base64
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import Case, HookContext
from schemathesis.config import SchemathesisConfig

from handler.api.app import create_app
from handler.inference.classifier import Classifier, read_card
from handler.settings import Settings
from infra.emulation.aws import emulated_aws
from infra.emulation.names import CREDENTIALS, RESULTS, UPLOADS
from tests.support.aws import new_cloud
from tests.support.images import FORMATS, encoded, trousers

pytestmark = pytest.mark.slow
IMAGES = st.sampled_from([encoded(trousers(60), name) for name in FORMATS])

# Generators for the string formats and media types that the schema names.
schemathesis.openapi.format("binary", IMAGES)
schemathesis.openapi.format("image-base64", IMAGES.map(lambda image: base64.b64encode(image).decode()))
for media_type in ("image/*", "application/octet-stream"):
    schemathesis.openapi.media_type(media_type, IMAGES)

# The app is created on import; the address of the emulated S3 is in the environment once a test runs.
SETTINGS = Settings(uploads_bucket=UPLOADS, results_bucket=RESULTS)

# Without the strings of the program's source, which it would put in place of images.
CONFIG = SchemathesisConfig.from_dict({"analysis": {"constants": {"enabled": False}}})
schema = schemathesis.openapi.from_asgi(
    "/openapi.json", create_app(Classifier.shipped(), read_card(), SETTINGS), config=CONFIG
)


@schema.hook
def filter_case(_context: HookContext, case: Case[Any]) -> bool:
    """Skip invalid forms that are valid once encoded: one part named "file" is also an array of one file."""
    if case.operation.path != "/classify/batch" or case.media_type != "multipart/form-data":
        return True
    return not isinstance(case.body, dict) or isinstance(case.body.get("file", []), list)


@pytest.fixture(scope="module", autouse=True)
def emulated_s3() -> Iterator[None]:
    listener = socket.create_server(("127.0.0.1", 0))
    with pytest.MonkeyPatch.context() as environment, listener, emulated_aws(listener) as port:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}"}.items():
            environment.setenv(name, value)
        new_cloud(port)
        yield


@schema.parametrize()
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_api_conforms_to_its_openapi_document(case: Case[Any]) -> None:
    case.call_and_validate()
