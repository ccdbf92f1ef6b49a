"""Routes `/classify` and `/classify/batch`: the API's own protocol."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from handler.api.classification import TOP_K, Classify
from handler.api.predictor import Predictor
from handler.api.problems import IMAGE_ERRORS, problem_responses
from handler.api.requests.images import FILE_FIELD
from handler.api.routes.starlette_response import as_starlette
from handler.api.schemas import BASE64, FILE, FILE_AS_BODY, BatchResponse, ExplainedResponse
from handler.errors import (
    BadRequest,
    OutOfMemory,
    OutOfTime,
    TooManyBytes,
    TooManyImages,
    UnknownEncoding,
    WrongParameter,
)
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
        "maximum": 1,  # the number of classes: `complete_document` sets it
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


def classify_routes(answers: Classify, predictor: Predictor, settings: Settings) -> APIRouter:
    """`/classify` and `/classify/batch`."""
    router = APIRouter(tags=["Classify"])
    classes = len(predictor.labels)
    top_k_query, default_top_k = Query(ge=1, le=classes, description="How many classes to return."), min(TOP_K, classes)
    explain_query = Query(description="Whether to return the model's input, and a heat map of the likeliest class.")

    @router.post(
        "/classify",
        responses=problem_responses(*IMAGE_ERRORS, WrongParameter),
        openapi_extra={"requestBody": ONE_IMAGE},
        response_model=ExplainedResponse,
    )
    async def classify(
        request: Request,
        top_k: Annotated[int, top_k_query] = default_top_k,
        explain: Annotated[bool, explain_query] = False,
    ) -> Response:
        """Classify one image: PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC."""
        return as_starlette(await answers.one(request.scope, request.receive, top_k, explain))

    @router.post(
        "/classify/batch",
        response_model=BatchResponse,
        responses=problem_responses(*_BATCH_ERRORS),
        openapi_extra={"requestBody": several_images(settings.max_batch_images)},
    )
    async def classify_batch(
        request: Request,
        top_k: Annotated[int, top_k_query] = default_top_k,
        explain: Annotated[bool, Query(include_in_schema=False)] = False,  # refused
    ) -> Response:
        """Classify several images; one that cannot be read does not stop the others."""
        return as_starlette(await answers.batch(request.scope, request.receive, top_k, explain))

    return router
