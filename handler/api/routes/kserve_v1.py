"""Routes below `/v1`: KServe's and TensorFlow Serving's protocol, version 1; all instances are predicted, or none.

    {"instances": ["<base64>", {"b64": "<base64>"}, {"image": {"b64": "<base64>"}, "key": "a"}, [[0, 255, ...], ...]]}

An image as numbers has the side of the model's input: rows of grey values, or rows of [red, green, blue]. `inputs` is
the same as `instances`; `image_bytes` and `data` are the same as `image`.
"""

import io
import json
import reprlib
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from PIL import Image
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from handler.api.classification import classification_document
from handler.api.predictor import Predictor
from handler.api.problems import IMAGE_ERRORS, problem_responses
from handler.api.requests.base64_images import from_base64
from handler.api.requests.body import Body, received_body
from handler.api.requests.json_values import max_values, parse_json, pixels_of_json, whole_number
from handler.api.requests.options import refuse_options
from handler.api.routes.model_name import require_model
from handler.api.routes.refused_options import refuse_query_options
from handler.api.schemas import BASE64, ClassificationResponse
from handler.contract import Classification, InputFormat, ModelCard
from handler.errors import BadRequest, ClassifierError, MissingImage, NotFound, TooManyImages
from handler.inference.budget import Budget
from handler.settings import Settings

_INSTANCES: Final = ("instances", "inputs")
_IMAGE: Final = ("image", "image_bytes", "data", "b64")
_TOP_K: Final = 3  # as /classify; all probabilities are there, too
_INSTEAD_OF_TOP_K: Final = "a prediction has the probabilities of all classes"

_KEY: Final[dict[str, Any]] = {"type": ["string", "integer", "null"], "description": "Returned with the prediction."}


class V1Prediction(ClassificationResponse):
    """A classification, and the probability of each class in the order of their ids."""

    probabilities: Annotated[list[float], Field(min_length=1)]
    key: Annotated[str | int | None, Field(description="The instance's, if it had one.")] = None


class Predictions(BaseModel):
    """A prediction for each instance, in the order in which they were sent."""

    predictions: list[V1Prediction]


class PredictModels(BaseModel):
    models: list[str]


class PredictModel(BaseModel):
    name: str
    ready: bool


@dataclass(frozen=True)
class _Instance:
    """An image file, and the key of the request for it."""

    image: bytes
    key: str | int | None = None


def kserve_v1_routes(predictor: Predictor, card: ModelCard, settings: Settings) -> APIRouter:
    """All below `/v1`."""
    name = card.name
    router = APIRouter(tags=["KServe v1"])
    known_model = [Depends(_refuse_to_get_predictions), Depends(require_model(name))]

    def predict(budget: Budget, body: Body) -> bytes:
        instances = _instances_in(body.content(), settings.max_batch_images, card.input)
        images = [instance.image for instance in instances]
        outcomes = predictor.classify_each(images, len(predictor.labels), budget)
        rows = zip(range(len(instances)), instances, outcomes, strict=True)
        # Plain ASCII, since a key may be any text, even half of a surrogate pair.
        return json.dumps({"predictions": [_prediction(*row) for row in rows]}).encode()

    # Before the routes whose `{model}` would match the colon, too.
    @router.post(
        "/v1/models/{model}:predict",
        dependencies=[*known_model, refuse_query_options(_INSTEAD_OF_TOP_K)],
        response_model=Predictions,
        responses=problem_responses(*IMAGE_ERRORS, TooManyImages, NotFound),
        openapi_extra={"requestBody": _body(settings.max_batch_images, card.input)},
    )
    async def predict_instances(request: Request) -> Response:
        """Classify several images; if one cannot be read, the request fails."""
        body = await received_body(request.scope, request.receive, settings.max_body_bytes)
        content = await predictor.bulkheads.run(request.is_disconnected, body.bytes_to_parse, predict, body)
        return Response(content, media_type="application/json")

    @router.get("/v1/models")
    async def predict_models() -> PredictModels:
        """List the models."""
        return PredictModels(models=[name])

    @router.get("/v1/models/{model}", dependencies=known_model, responses=problem_responses(NotFound))
    async def predict_model() -> PredictModel:
        """Whether the model is ready."""
        return PredictModel(name=name, ready=True)

    return router


def _prediction(index: int, instance: _Instance, outcome: Classification | ClassifierError) -> dict[str, Any]:
    if isinstance(outcome, ClassifierError):
        raise type(outcome)(f"instance {index}: {outcome}") from outcome
    by_class = sorted(outcome.predictions, key=lambda prediction: prediction.class_id)
    best = replace(outcome, predictions=outcome.predictions[:_TOP_K])
    probabilities = [prediction.score for prediction in by_class]
    predicted = classification_document(best) | {"probabilities": probabilities}
    return predicted if instance.key is None else predicted | {"key": instance.key}


async def _refuse_to_get_predictions(request: Request) -> None:
    if request.method == "GET" and request.path_params["model"].endswith(":predict"):
        raise HTTPException(405, headers={"Allow": "POST"})


def _instances_in(body: bytes, max_images: int, form: InputFormat) -> list[_Instance]:
    """1 to `max_images` instances. Raises BadRequest, which names the instance that is wrong."""
    document = parse_json(body, max_values(max_images, form))
    given = [name for name in _INSTANCES if isinstance(document, dict) and name in document]
    if len(given) != 1 or type(document[given[0]]) is not list:
        raise BadRequest('the body should be JSON like {"instances": [...]} or {"inputs": [...]}')
    (name,) = given
    count = len(document[name])
    if count == 0:
        raise MissingImage(f"{name!r} has no images")
    if count > max_images:
        raise TooManyImages(f"{name!r} has {count} images, more than the maximum of {max_images}")
    objects = [instance for instance in document[name] if isinstance(instance, dict)]
    refuse_options([document, *objects], _INSTEAD_OF_TOP_K)
    return [_instance(instance, f"{name}[{i}]", form) for i, instance in enumerate(document[name])]


def _instance(instance: Any, name: str, form: InputFormat) -> _Instance:
    if not isinstance(instance, dict):
        return _Instance(_image(instance, name, form))
    given = [member for member in _IMAGE if member in instance]
    if len(given) != 1:
        raise BadRequest(f"{name!r} should have exactly one of {list(_IMAGE)}, but has {given}")
    (member,) = given
    value, place = (instance, name) if member == "b64" else (instance[member], f"{name}.{member}")
    return _Instance(_image(value, place, form), _key(instance, name))


def _image(value: Any, name: str, form: InputFormat) -> bytes:
    match value:
        case str() | {"b64": str()}:
            return from_base64(value if isinstance(value, str) else value["b64"], name)
        case list():
            return _image_of_numbers(value, name, form)
        case _:
            raise BadRequest(f'{name!r} should be a base64 text, {{"b64": "<base64>"}} or {_rows_of(form)}')


def _rows_of(form: InputFormat) -> str:
    return f"{form.side} rows of {form.side} {'numbers' if form.channels == 1 else '[red, green, blue]'}"


def _image_of_numbers(values: list[Any], name: str, form: InputFormat) -> bytes:
    """A PNG of the pixels, which the model gets unchanged: so all instances take one path."""
    rows = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    if not all(isinstance(row, list) for row in rows):
        raise BadRequest(f"{name!r} should be {_rows_of(form)}")
    shape = (form.side, form.side) if form.channels == 1 else (form.side, form.side, form.channels)
    file = io.BytesIO()
    Image.fromarray(pixels_of_json(rows, shape, name)).save(file, "PNG")
    return file.getvalue()


def _key(instance: dict[str, Any], name: str) -> str | int | None:
    key = instance.get("key")
    if key is None or isinstance(key, str):
        return key
    if whole_number(key) is not None:
        return whole_number(key)
    raise BadRequest(f"the key of {name!r} should be a text or a whole number, but is {reprlib.repr(key)}")


def _body(max_images: int, form: InputFormat) -> dict[str, Any]:
    number: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 255}
    pixel = number if form.channels == 1 else _array(form.channels, form.channels, number)
    numbers = _array(form.side, form.side, _array(form.side, form.side, pixel))
    image = {"anyOf": [BASE64, _object("b64", BASE64), numbers]}
    keyed = [_object(name, image, key=_KEY) for name in ("image", "image_bytes", "data")]
    instance = {"anyOf": [BASE64, _object("b64", BASE64, key=_KEY), *keyed, numbers, _array(1, 1, numbers)]}
    instances = _array(1, max_images, instance)
    documents = [
        {"type": "object", "required": [name], "properties": {"instances": instances, "inputs": instances}}
        for name in ("instances", "inputs")
    ]
    return {
        "required": True,
        "description": f"1 to {max_images} instances: images as base64, or as {_rows_of(form)} from 0 to 255.",
        "content": {"application/json": {"schema": {"oneOf": documents}}},
    }


def _object(name: str, value: dict[str, Any], **others: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": [name], "properties": {name: value, **others}}


def _array(at_least: int, at_most: int, items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": at_least, "maxItems": at_most, "items": items}
