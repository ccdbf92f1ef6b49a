"""Answer `/classify` and `/classify/batch`, from ASGI's messages to JSON: for `routes.classify` and `direct_paths`."""

import base64
import io
import json
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from PIL import Image
from starlette.types import Receive, Scope

from handler.api.predictor import Predictor
from handler.api.problems import problem_of
from handler.api.requests.body import Body, departure, received_body
from handler.api.requests.images import SentImage, image_in, images_in
from handler.api.response import ApiResponse
from handler.contract import Classification, Explanation, Pixels
from handler.errors import ClassifierError, WrongParameter
from handler.inference.budget import Budget
from handler.settings import Settings

TOP_K: Final = 3

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))


class Classify:
    """The API's own protocol."""

    def __init__(self, predictor: Predictor, settings: Settings) -> None:
        self._predictor, self._settings = predictor, settings
        self._classes = len(predictor.labels)

    async def one(self, scope: Scope, receive: Receive, top_k: int = TOP_K, explain: bool = False) -> ApiResponse:
        """Classify the image in a body. Raises ClassifierError."""
        body = await received_body(scope, receive, self._settings.max_body_bytes)
        run = self._predictor.bulkheads.run
        return await run(departure(receive), body.bytes_to_parse, self._one, body, top_k, explain)

    async def batch(self, scope: Scope, receive: Receive, top_k: int = TOP_K, explain: bool = False) -> ApiResponse:
        """Classify the images in a body; one that cannot be read does not stop the others. Raises ClassifierError."""
        body = await received_body(scope, receive, self._settings.max_body_bytes)
        run = self._predictor.bulkheads.run
        return await run(departure(receive), body.bytes_to_parse, self._batch, body, top_k, explain)

    def _one(self, budget: Budget, body: Body, top_k: int, explain: bool) -> ApiResponse:
        image, options = image_in(body)
        top_k = options.top_k_up_to(self._classes, top_k)
        if not (explain if options.explain is None else options.explain):
            return _json(classification_document(self._predictor.classify(image, top_k, budget)))
        classification, explanation = self._predictor.explain(image, top_k, budget)
        return _json({**classification_document(classification), "explanation": _explanation_document(explanation)})

    def _batch(self, budget: Budget, body: Body, top_k: int, explain: bool) -> ApiResponse:
        images, options = images_in(body, self._settings.max_batch_images)
        top_k = options.top_k_up_to(self._classes, top_k)
        if explain or options.explain:
            raise WrongParameter("'explain' is a parameter of one image, which goes to /classify")
        outcomes = self._predictor.classify_each([image.content for image in images], top_k, budget)
        return _json({"results": [_item(*row) for row in zip(range(len(images)), images, outcomes, strict=True)]})


def classification_document(classification: Classification) -> dict[str, Any]:
    """The members of `schemas.ClassificationResponse`."""
    best = classification.predictions[0]
    return {
        "label": best.label,
        "class_id": best.class_id,
        "score": best.score,
        "known": classification.known,
        "known_score": classification.known_score,
        "confident": classification.confident,
        "predictions": [vars(prediction) for prediction in classification.predictions],
    }


def _json(document: dict[str, Any]) -> ApiResponse:
    # Plain ASCII, since the name of a file may be any text.
    return ApiResponse(_ENCODER.encode(document).encode())


def _item(index: int, image: SentImage, outcome: Classification | ClassifierError) -> dict[str, Any]:
    common = {"index": index, "name": image.name}
    if isinstance(outcome, ClassifierError):
        problem = problem_of(outcome)
        return {**common, "status": problem.status, "problem": problem.document()}
    return {**common, "status": 200, "answer": classification_document(outcome)}


def _explanation_document(explanation: Explanation) -> dict[str, Any]:
    """The members of `schemas.ExplanationResponse`."""
    foreground = explanation.foreground
    document = {
        "pixels": _png_url(_image_of(explanation.pixels)),
        "activation_map": explanation.activation_map.astype(float).round(3).tolist(),
        "view": asdict(explanation.frame),
    }
    return document if foreground is None else {**document, "foreground": _png_url(Image.fromarray(foreground))}


def _image_of(pixels: Pixels) -> Image.Image:
    """An image of pixels (C, S, S), grey or in colour."""
    return Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def _png_url(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
