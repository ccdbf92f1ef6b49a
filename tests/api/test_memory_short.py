"""Memory that is short is status 503, to be sent again; never the image's fault, and never a crash."""

from collections.abc import Sequence

import pytest
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import Classification, ModelCard, ModelInput, ModelOutput, Pixels
from handler.inference.classifier import MODEL_PATH, Classifier
from handler.settings import Settings


class ForgetfulClassifier(Classifier):
    """Raises MemoryError on every call, as NumPy does where no memory is left."""

    def predict(self, pixels: Pixels) -> ModelOutput:
        raise MemoryError(len(pixels))

    def classify(self, images: Sequence[ModelInput], top_k: int) -> list[Classification]:
        raise MemoryError(len(images), top_k)


@pytest.mark.parametrize("offload", [True, False])
@pytest.mark.parametrize("url", ["/classify", "/huggingface", "/v2/models/fashion-mnist/infer"])
def test_memory_error_is_503_with_retry_after(card: ModelCard, png: bytes, url: str, offload: bool) -> None:
    app = create_app(ForgetfulClassifier(MODEL_PATH, card.labels), card, Settings(), offload=offload)
    with TestClient(app) as client:
        reply = client.post(url, content=png)
    assert (reply.status_code, reply.json()["type"]) == (503, "urn:problem:out-of-memory")
    assert int(reply.headers["retry-after"]) > 0
