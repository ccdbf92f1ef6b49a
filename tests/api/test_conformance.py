"""What /openapi.json says is true: Schemathesis sends what it allows and what it forbids, with every check on."""

import base64
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import Case, HookContext

from handler.api.app import create_app
from handler.inference.classifier import Classifier, read_card
from handler.settings import Settings
from infra.emulation.aws import emulated_aws
from infra.emulation.names import CREDENTIALS, RESULTS, UPLOADS
from tests.support.aws import new_cloud
from tests.support.pictures import FORMATS, encoded, trousers

IMAGES = st.sampled_from([encoded(trousers(60), name) for name in FORMATS])

# What "type: string" cannot say: the schema names these formats, and here is what they stand for.
schemathesis.openapi.format("binary", IMAGES)
schemathesis.openapi.format("image-base64", IMAGES.map(lambda image: base64.b64encode(image).decode()))
for media_type in ("image/*", "application/octet-stream"):
    schemathesis.openapi.media_type(media_type, IMAGES)


LISTENER = socket.create_server(("127.0.0.1", 0))  # of the emulated S3, whose address the app must know
ENDPOINT = f"http://127.0.0.1:{LISTENER.getsockname()[1]}"
WHOLE = Settings(uploads_bucket=UPLOADS, results_bucket=RESULTS, s3_endpoint_url=ENDPOINT)

schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(Classifier.shipped(), read_card(), WHOLE))


@schema.hook
def filter_case(_context: HookContext, case: Case[Any]) -> bool:
    """A form has no types: one part called "file" may be an array of one, or, as forbidden, no array."""
    if case.operation.path != "/classify/batch" or case.media_type != "multipart/form-data":
        return True
    return not isinstance(case.body, dict) or isinstance(case.body.get("file", []), list)


@pytest.fixture(scope="module", autouse=True)
def emulated_s3() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment, emulated_aws(LISTENER) as port:
        for name, value in CREDENTIALS.items():
            environment.setenv(name, value)
        new_cloud(port)
        yield
    LISTENER.close()


@schema.parametrize()
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_the_api_does_what_its_document_says(case: Case[Any]) -> None:
    case.call_and_validate()
