"""Route `/huggingface`: Hugging Face's image classification task, for its unmodified clients."""

import reprlib
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from handler.api.predictor import Predictor
from handler.api.problems import IMAGE_ERRORS, problem_responses
from handler.api.requests.base64_images import from_base64, image_of_text
from handler.api.requests.body import Body, received_body
from handler.api.requests.json_values import looks_like_json, parse_json
from handler.api.requests.options import Options, options_in_json, refuse_explain
from handler.api.schemas import BASE64, FILE_AS_BODY
from handler.errors import (
    BadRequest,
    MissingImage,
    WrongParameter,
)
from handler.inference.budget import Budget
from handler.settings import Settings

_TOP_K: Final = 5  # the default of Hugging Face's pipelines
_TOP_K_IN_JSON: Final = {"type": ["integer", "null"], "minimum": 1}
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "description": "An image file, or JSON with it as base64. The first bytes decide; no Content-Type is needed.",
    "content": {
        **FILE_AS_BODY,
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["inputs"],
                "properties": {
                    "inputs": BASE64,
                    "top_k": _TOP_K_IN_JSON,
                    "parameters": {
                        "type": ["object", "null"],
                        "properties": {
                            "top_k": _TOP_K_IN_JSON,
                            "function_to_apply": {"type": ["string", "null"], "enum": ["softmax", None]},
                        },
                    },
                },
            }
        },
    },
}


class LabelScore(BaseModel):
    label: str
    score: Annotated[float, Field(ge=0, le=1)]


def hugging_face_routes(predictor: Predictor, settings: Settings) -> APIRouter:
    """`/huggingface`."""
    router = APIRouter(tags=["Hugging Face"])
    top_k_query = Query(ge=1, description=f"How many classes to return; there are {len(predictor.labels)}.")

    def classify(budget: Budget, body: Body, top_k: int, explain: bool) -> list[LabelScore]:
        image, options = _image_in(body.content())
        refuse_explain(explain or options.explain)
        predictions = predictor.classify(image, options.top_k or top_k, budget).predictions
        return [LabelScore(label=prediction.label, score=prediction.score) for prediction in predictions]

    @router.post(
        "/huggingface",
        responses=problem_responses(*IMAGE_ERRORS, WrongParameter),
        openapi_extra={"requestBody": _BODY},
    )
    async def hugging_face(
        request: Request,
        top_k: Annotated[int, top_k_query] = _TOP_K,
        function_to_apply: Annotated[  # noqa: ARG001  checked by FastAPI
            Literal["softmax"], Query(description="Only `softmax` is supported.")
        ] = "softmax",
        explain: Annotated[bool, Query(include_in_schema=False)] = False,  # refused
    ) -> list[LabelScore]:
        """Classify one image, as `InferenceClient.image_classification` expects it."""
        body = await received_body(request.scope, request.receive, settings.max_body_bytes)
        run = predictor.bulkheads.run
        return await run(request.is_disconnected, body.bytes_to_parse, classify, body, top_k, explain)

    return router


def _image_in(body: bytes) -> tuple[bytes, Options]:
    if not body:
        raise MissingImage("the body is empty: send an image file, or JSON with it as base64")
    if not looks_like_json(body):
        return image_of_text(body), Options()
    document = parse_json(body)
    if not (isinstance(document, dict) and isinstance(document.get("inputs"), str)):
        raise BadRequest('the body should be JSON like {"inputs": "<base64>"}')
    _check_parameters(document.get("parameters"))
    return from_base64(document["inputs"], "inputs"), options_in_json(document)


def _check_parameters(parameters: Any) -> None:
    if parameters is None:
        return
    if not isinstance(parameters, dict):
        raise BadRequest(f"'parameters' should be an object, but is {reprlib.repr(parameters)}")
    if parameters.get("function_to_apply") not in ("softmax", None):
        raise WrongParameter("only 'softmax' is supported as 'function_to_apply'")
