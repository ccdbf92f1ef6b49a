"""Hugging Face's image classification, so that its clients can be pointed here: a picture in, an array out."""

import reprlib
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from handler.api.image_schemas import BASE64, FILE_AS_BODY
from handler.api.predictor import Recognition
from handler.api.problems import problem_responses
from handler.api.requests.base64_images import from_base64
from handler.api.requests.body import looks_like_json, parse_json, read_body
from handler.api.routes.open_inference.tensors import whole_number
from handler.errors import (
    BadRequest,
    BrokenImage,
    MissingImage,
    NotAnImage,
    TooManyBytes,
    TooManyPixels,
    WrongParameter,
)
from handler.settings import Settings

_TOP_K: Final = 5  # as Hugging Face's pipelines have it
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "description": "A picture file, or JSON with it as base64. Its first bytes say which; no Content-Type is needed.",
    "content": {
        **FILE_AS_BODY,
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["inputs"],
                "properties": {
                    "inputs": BASE64,
                    "parameters": {
                        "type": ["object", "null"],
                        "properties": {
                            "top_k": {"type": ["integer", "null"], "minimum": 1},
                            "function_to_apply": {"enum": ["softmax", None]},
                        },
                    },
                },
            }
        },
    },
}


class Guess(BaseModel):
    label: str
    score: Annotated[float, Field(ge=0, le=1)]


def hugging_face_routes(recognition: Recognition, settings: Settings) -> APIRouter:
    """`/huggingface`."""
    router = APIRouter(tags=["Hugging Face"])

    def classify(body: bytes, top_k: int) -> list[Guess]:
        image, own_top_k = _image_in(body)
        predictions = recognition.classify(image, own_top_k or top_k).predictions
        return [Guess(label=prediction.label, score=prediction.score) for prediction in predictions]

    @router.post(
        "/huggingface",
        responses=problem_responses(BadRequest, TooManyBytes, TooManyPixels, NotAnImage, BrokenImage, WrongParameter),
        openapi_extra={"requestBody": _BODY},
    )
    async def hugging_face(
        request: Request,
        top_k: Annotated[int, Query(ge=1, description="How many classes to name; 10 are all.")] = _TOP_K,
        function_to_apply: Annotated[  # noqa: ARG001  there is no other, and FastAPI checks it
            Literal["softmax"], Query(description="The scores are probabilities, and nothing else can be had.")
        ] = "softmax",
    ) -> list[Guess]:
        """Name the likeliest classes of a picture, as `InferenceClient.image_classification` expects them."""
        body = await read_body(request, settings.max_body_bytes)
        return await recognition.in_thread(classify, body, top_k)

    return router


def _image_in(body: bytes) -> tuple[bytes, int | None]:
    """The picture file, and how many classes to name, if that is said beside it."""
    if not body:
        raise MissingImage("the body is empty: send a picture file, or JSON with it as base64")
    if not looks_like_json(body):
        return body, None
    document = parse_json(body)
    if not (isinstance(document, dict) and isinstance(document.get("inputs"), str)):
        raise BadRequest('the body should be JSON like {"inputs": "<base64>"}')
    return from_base64(document["inputs"], "inputs"), _top_k(document.get("parameters"))


def _top_k(parameters: Any) -> int | None:
    if parameters is None:
        return None
    if not isinstance(parameters, dict):
        raise BadRequest(f"'parameters' should be an object, but is {reprlib.repr(parameters)}")
    if parameters.get("function_to_apply") not in ("softmax", None):
        raise WrongParameter("'function_to_apply' should be softmax: the scores are probabilities, and nothing else")
    given = parameters.get("top_k")
    top_k = whole_number(given)
    if given is not None and (top_k is None or top_k < 1):
        raise WrongParameter(f"'top_k' should be a whole number from 1 on, but is {reprlib.repr(given)}")
    return top_k
