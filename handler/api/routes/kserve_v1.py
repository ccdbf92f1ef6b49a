"""KServe's and TensorFlow Serving's protocol, version 1: instances in, predictions out, all or none."""

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from handler.api.image_schemas import BASE64
from handler.api.predictor import Recognition
from handler.api.problems import problem_responses
from handler.api.requests.body import read_body
from handler.api.routes.instances import Instance, instances_in
from handler.api.routes.model_name import knows
from handler.api.schemas import Answer
from handler.contract import Classification, ModelCard
from handler.errors import (
    BadRequest,
    BrokenImage,
    ClassifierError,
    NotAnImage,
    NotFound,
    TooManyBytes,
    TooManyImages,
    TooManyPixels,
)
from handler.settings import Settings

_TOP_K: Final = 3  # as /classify has it; all the probabilities are there, too

_KEY: Final[dict[str, Any]] = {"type": ["string", "integer", "null"], "description": "Comes back with the prediction."}


class Predicted(Answer):
    """What the image shows, and the probability of each class, in the order of their ids."""

    probabilities: Annotated[list[float], Field(min_length=10, max_length=10)]
    key: Annotated[str | int | None, Field(description="The instance's, if it had one.")] = None


class Predictions(BaseModel):
    """A prediction for each instance, in the order in which they were sent."""

    predictions: list[Predicted]


class PredictModels(BaseModel):
    models: list[str]


class PredictModel(BaseModel):
    name: str
    ready: bool


def predict_v1_routes(recognition: Recognition, card: ModelCard, settings: Settings) -> APIRouter:
    """All below `/v1`."""
    name = str(card.document["name"])
    router = APIRouter(tags=["KServe v1"])
    known_model = [Depends(_refuse_to_get_predictions), Depends(knows(name))]

    def predict(body: bytes) -> bytes:
        instances = instances_in(body, settings.max_batch_images)
        outcomes = recognition.classify_each([instance.image for instance in instances], len(recognition.labels))
        rows = zip(range(len(instances)), instances, outcomes, strict=True)
        # Plain ASCII, since a key may be anything, even half of a surrogate pair.
        return json.dumps({"predictions": [_prediction(*row) for row in rows]}).encode()

    # Before the routes whose `{model}` may hold the colon, too.
    @router.post(
        "/v1/models/{model}:predict",
        dependencies=known_model,
        response_model=Predictions,
        responses=problem_responses(
            BadRequest, TooManyBytes, TooManyPixels, NotAnImage, BrokenImage, TooManyImages, NotFound
        ),
        openapi_extra={"requestBody": _body(settings.max_batch_images)},
    )
    async def predict_instances(request: Request) -> Response:
        """Classify several pictures; if one cannot be read, none is answered."""
        body = await read_body(request, settings.max_body_bytes)
        return Response(await recognition.in_thread(predict, body), media_type="application/json")

    @router.get("/v1/models")
    async def predict_models() -> PredictModels:
        """Name the one model."""
        return PredictModels(models=[name])

    @router.get("/v1/models/{model}", dependencies=known_model, responses=problem_responses(NotFound))
    async def predict_model() -> PredictModel:
        """Tell that the model is loaded."""
        return PredictModel(name=name, ready=True)

    return router


def _prediction(index: int, instance: Instance, outcome: Classification | ClassifierError) -> dict[str, Any]:
    if isinstance(outcome, ClassifierError):
        raise type(outcome)(f"instance {index}: {outcome}") from outcome
    by_class = sorted(outcome.predictions, key=lambda prediction: prediction.class_id)
    best = Classification(outcome.predictions[:_TOP_K], outcome.known, outcome.known_score)
    predicted = Answer.of(best).model_dump() | {"probabilities": [prediction.score for prediction in by_class]}
    return predicted if instance.key is None else predicted | {"key": instance.key}


async def _refuse_to_get_predictions(request: Request) -> None:
    if request.method == "GET" and request.path_params["model"].endswith(":predict"):
        raise HTTPException(405, headers={"Allow": "POST"})


def _body(max_images: int) -> dict[str, Any]:
    numbers = _array(28, 28, _array(28, 28, {"type": "integer", "minimum": 0, "maximum": 255}))
    picture = {"anyOf": [BASE64, _object("b64", BASE64), numbers]}
    keyed = [_object(name, picture, key=_KEY) for name in ("image", "image_bytes", "data")]
    instance = {"anyOf": [BASE64, _object("b64", BASE64, key=_KEY), *keyed, numbers, _array(1, 1, numbers)]}
    instances = _array(1, max_images, instance)
    documents = [
        {"type": "object", "required": [name], "properties": {name: instances, other: False}}
        for name, other in (("instances", "inputs"), ("inputs", "instances"))
    ]
    return {
        "required": True,
        "description": f"1 to {max_images} instances: pictures as base64, or as 28 rows of 28 numbers from 0 to 255.",
        "content": {"application/json": {"schema": {"anyOf": documents}}},
    }


def _object(name: str, value: dict[str, Any], **others: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": [name], "properties": {name: value, **others}}


def _array(at_least: int, at_most: int, items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": at_least, "maxItems": at_most, "items": items}
