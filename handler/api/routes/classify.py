"""Routes `/classify` and `/classify/batch`: the API's own protocol."""

import base64
import io
from typing import Annotated, Any, Final

import numpy as np
from fastapi import APIRouter, Query, Request
from PIL import Image

from handler.api.predictor import Predictor
from handler.api.problems import IMAGE_ERRORS, problem_of, problem_responses
from handler.api.requests.body import Body, received_body
from handler.api.requests.images import FILE_FIELD, SentImage, image_in, images_in
from handler.api.schemas import (
    BASE64,
    FILE,
    FILE_AS_BODY,
    BatchFailure,
    BatchResponse,
    BatchResult,
    ClassificationResponse,
    ExplainedResponse,
    ExplanationResponse,
)
from handler.contract import Classification, Explanation, Pixels
from handler.errors import (
    BadRequest,
    ClassifierError,
    OutOfMemory,
    OutOfTime,
    TooManyBytes,
    TooManyImages,
    UnknownEncoding,
    WrongParameter,
)
from handler.inference.budget import Budget
from handler.settings import Settings

_BATCH_ERRORS: Final = (
    BadRequest,
    TooManyBytes,
    UnknownEncoding,
    TooManyImages,
    WrongParameter,
    OutOfMemory,
    OutOfTime,
)

# No type: an item of a wrong type gets an error of its own, and the batch goes on.
_FILE_ITEM: Final = {"contentMediaType": "application/octet-stream"}
_ITEM: Final = {
    "description": "The image file as base64 or as a data URL, or an object with that as `image` and its `name`.",
    "examples": ["<base64>", {"image": "<base64>", "name": "photo.jpg"}],
}

_TOP_K: Final[dict[str, Any]] = {
    "top_k": {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": 10,
        "description": "Takes precedence over the query parameter.",
    }
}
_OPTIONS: Final[dict[str, Any]] = {**_TOP_K, "explain": {"type": ["boolean", "null"]}}
_FORM_TOP_K: Final[dict[str, Any]] = {"top_k": {**_TOP_K["top_k"], "type": "integer"}}
_FORM_OPTIONS: Final[dict[str, Any]] = {**_FORM_TOP_K, "explain": {"type": "boolean"}}

# In OpenAPI's terms: what `image_in` and `images_in` read.
ONE_IMAGE: Final[dict[str, Any]] = {
    "required": True,
    "description": "One image. Its format is detected from its first bytes; only multipart needs a Content-Type.",
    "content": {
        "multipart/form-data": {
            "schema": {"type": "object", "required": [FILE_FIELD], "properties": {FILE_FIELD: FILE, **_FORM_OPTIONS}}
        },
        **FILE_AS_BODY,
        "application/json": {
            "schema": {"type": "object", "required": ["image"], "properties": {"image": BASE64, **_OPTIONS}}
        },
    },
}


def several_images(max_images: int) -> dict[str, Any]:
    """The request body of a batch in OpenAPI's terms."""
    count = {"minItems": 1, "maxItems": max_images}
    items = {"type": "array", **count, "items": _ITEM}
    files = {"type": "array", **count, "items": _FILE_ITEM}
    return {
        "required": True,
        "description": f"1 to {max_images} images: a form with several fields, or a JSON array.",
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": [FILE_FIELD], "properties": {FILE_FIELD: files, **_FORM_TOP_K}}
            },
            "application/json": {
                "schema": {
                    "anyOf": [
                        items,
                        {"type": "object", "required": ["images"], "properties": {"images": items, **_TOP_K}},
                    ]
                }
            },
        },
    }


def classify_routes(predictor: Predictor, settings: Settings) -> APIRouter:
    """`/classify` and `/classify/batch`."""
    router = APIRouter(tags=["Classify"])
    highest = len(predictor.labels)
    top_k_query = Query(ge=1, le=highest, description="How many classes to return.")
    explain_query = Query(description="Whether to return the model's input, and a heat map of the likeliest class.")

    def one(budget: Budget, body: Body, top_k: int, explain: bool) -> ExplainedResponse:
        image, options = image_in(body)
        top_k = options.top_k_up_to(highest, top_k)
        if not (explain if options.explain is None else options.explain):
            return ExplainedResponse.of(predictor.classify(image, top_k, budget))
        classification, explanation = predictor.explain(image, top_k, budget)
        return ExplainedResponse.of(classification).model_copy(
            update={"explanation": _explanation_response(explanation)}
        )

    def each(budget: Budget, body: Body, top_k: int) -> BatchResponse:
        images, options = images_in(body, settings.max_batch_images)
        top_k = options.top_k_up_to(highest, top_k)
        outcomes = predictor.classify_each([image.content for image in images], top_k, budget)
        return BatchResponse(results=[_item(*row) for row in zip(range(len(images)), images, outcomes, strict=True)])

    @router.post(
        "/classify",
        responses=problem_responses(*IMAGE_ERRORS, WrongParameter),
        openapi_extra={"requestBody": ONE_IMAGE},
        response_model_exclude_none=True,
    )
    async def classify(
        request: Request,
        top_k: Annotated[int, top_k_query] = 3,
        explain: Annotated[bool, explain_query] = False,
    ) -> ExplainedResponse:
        """Classify one image: PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC."""
        body = await received_body(request, settings.max_body_bytes)
        return await predictor.bulkheads.run(request.is_disconnected, body.bytes_to_parse, one, body, top_k, explain)

    @router.post(
        "/classify/batch",
        responses=problem_responses(*_BATCH_ERRORS),
        openapi_extra={"requestBody": several_images(settings.max_batch_images)},
    )
    async def classify_batch(request: Request, top_k: Annotated[int, top_k_query] = 3) -> BatchResponse:
        """Classify several images; one that cannot be read does not stop the others."""
        body = await received_body(request, settings.max_body_bytes)
        return await predictor.bulkheads.run(request.is_disconnected, body.bytes_to_parse, each, body, top_k)

    return router


def _item(index: int, image: SentImage, outcome: Classification | ClassifierError) -> BatchResult | BatchFailure:
    if isinstance(outcome, ClassifierError):
        problem = problem_of(outcome)
        return BatchFailure(index=index, name=image.name, status=problem.status, problem=problem)
    return BatchResult(index=index, name=image.name, status=200, answer=ClassificationResponse.of(outcome))


def _explanation_response(explanation: Explanation) -> ExplanationResponse:
    foreground = explanation.foreground
    return ExplanationResponse(
        pixels=_png_url(_image_of(explanation.pixels)),
        activation_map=explanation.activation_map.astype(float).round(3).tolist(),
        view=explanation.frame,
        foreground=None if foreground is None else _png_url(Image.fromarray(foreground)),
    )


def _image_of(pixels: Pixels) -> Image.Image:
    """An image of pixels (C, S, S), grey or in colour."""
    return Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def _png_url(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
