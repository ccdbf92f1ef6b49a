"""BentoML: `bentoml serve bentoml_service:Classifier`."""

from typing import Any

import bentoml
from onnx_model import OnnxModel


@bentoml.service
class Classifier:
    def __init__(self) -> None:
        self.model = OnnxModel()

    @bentoml.api
    def classify(self, image: str) -> dict[str, Any]:
        return self.model.classify_base64(image)
