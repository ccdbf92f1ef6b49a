"""The Open Inference Protocol, version 2, for stock clients such as tritonclient: the model as a function of tensors.

After github.com/kserve/open-inference-protocol (inference_rest.md) and the extensions of Triton that `/v2` names.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

import numpy as np
from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.params import Depends as Checked

from handler.api.predictor import Recognition
from handler.api.problems import problem_responses
from handler.api.requests.body import read_body
from handler.api.requests.content_encodings import decoded_body
from handler.api.routes.model_name import knows
from handler.api.routes.open_inference.binary import LENGTH_HEADER
from handler.api.routes.open_inference.request import inference_request
from handler.api.routes.open_inference.response import InferenceReply, ServedModel, inference_reply
from handler.api.routes.open_inference.schemas import (
    BINARY_REPLY,
    INFERENCE_BODY,
    IndexEntry,
    Inference,
    Live,
    ModelConfig,
    ModelMetadata,
    ModelReady,
    Models,
    Ready,
    ServerMetadata,
    model_config,
)
from handler.api.routes.open_inference.tensors import ENCODED
from handler.contract import ModelCard, Views
from handler.errors import (
    BadRequest,
    BrokenImage,
    ClassifierError,
    NotAnImage,
    NotFound,
    TooManyBytes,
    TooManyImages,
    TooManyPixels,
    UnknownEncoding,
)
from handler.settings import Settings

_MODEL: Final = "/v2/models/{model}"
_VERSION: Final = _MODEL + "/versions/{version}"
_INFERENCE_ERRORS: Final = (
    BadRequest,
    TooManyBytes,
    TooManyPixels,
    NotAnImage,
    UnknownEncoding,
    BrokenImage,
    TooManyImages,
    NotFound,
)


def inference_v2_routes(recognition: Recognition, card: ModelCard, settings: Settings) -> APIRouter:
    """All below `/v2`."""
    served = ServedModel(str(card.document["name"]), str(card.document["version"]), recognition.labels)
    router = APIRouter(tags=["Open Inference Protocol v2"])
    _add_server_routes(router, served)
    for path, check, suffix in ((_MODEL, knows(served.name), ""), (_VERSION, _knows_version(served), "_version")):
        place = _Place(path, suffix, [Depends(check)])
        _add_model_routes(router, place, served, settings)
        _add_inference(router, place, _inference_of(recognition, served, settings))
    return router


@dataclass(frozen=True)
class _Place:
    """Where the model is: routes below it share a check. (A router of their own would make each of them twice.)"""

    path: str
    suffix: str  # of the routes' names
    checked: list[Checked]


def _add_server_routes(router: APIRouter, served: ServedModel) -> None:
    async def server_metadata(request: Request) -> ServerMetadata:
        """Name the server and the extensions that it has."""
        return ServerMetadata(version=request.app.version)

    router.add_api_route("/v2", server_metadata)
    router.add_api_route("/v2/", server_metadata, include_in_schema=False)

    @router.get("/v2/health/live")
    async def server_live() -> Live:
        """Tell that the server is up."""
        return Live()

    @router.get("/v2/health/ready")
    async def server_ready() -> Ready:
        """Tell that the model is loaded."""
        return Ready()

    @router.get("/v2/models")
    async def models() -> Models:
        """Name the one model."""
        return Models(models=[served.name])

    @router.post("/v2/repository/index")
    async def repository_index() -> list[IndexEntry]:
        """Name the one model, and its version, as Triton's clients ask for it."""
        return [IndexEntry(name=served.name, version=served.version)]


def _add_model_routes(router: APIRouter, place: _Place, served: ServedModel, settings: Settings) -> None:
    path, suffix = place.path, place.suffix
    common: Any = {"dependencies": place.checked, "responses": problem_responses(NotFound)}

    @router.get(path, name=f"model{suffix}_metadata", **common)
    async def metadata() -> ModelMetadata:
        """Tell which tensors go in and come out."""
        return ModelMetadata(name=served.name, versions=[served.version])

    @router.get(f"{path}/ready", name=f"model{suffix}_ready", **common)
    async def ready() -> ModelReady:
        """Tell that the model is loaded."""
        return ModelReady(name=served.name)

    @router.get(f"{path}/config", name=f"model{suffix}_config", response_model_exclude_none=True, **common)
    async def config() -> ModelConfig:
        """The same as the metadata, as Triton's clients ask for it: without the dimension of the batch."""
        return model_config(served.name, settings.max_batch_images)


def _add_inference(router: APIRouter, place: _Place, inference: Callable[[Request], Awaitable[InferenceReply]]) -> None:
    @router.post(
        f"{place.path}/infer",
        name=f"model{place.suffix}_infer",
        dependencies=place.checked,
        response_model=Inference,
        responses={**problem_responses(*_INFERENCE_ERRORS), 200: BINARY_REPLY},
        openapi_extra={"requestBody": INFERENCE_BODY},
    )
    async def infer(request: Request) -> Response:
        """Classify pictures or pixels: tensors in, tensors out, as JSON or as bytes behind it."""
        reply = await inference(request)
        if reply.json_length is None:
            return Response(reply.content, media_type="application/json")
        headers = {LENGTH_HEADER: str(reply.json_length)}
        return Response(reply.content, media_type="application/octet-stream", headers=headers)


def _inference_of(
    recognition: Recognition, served: ServedModel, settings: Settings
) -> Callable[[Request], Awaitable[InferenceReply]]:
    def infer(body: bytes, encoding: str, json_length: str | None) -> InferenceReply:
        document = decoded_body(body, encoding, settings.max_body_bytes)
        asked = inference_request(document, json_length, settings.max_batch_images)
        images = asked.images
        pictures = images[:, np.newaxis] if isinstance(images, np.ndarray) else _decoded(recognition, images)
        return inference_reply(asked, recognition.answers_to(list(pictures)), served)

    async def inference(request: Request) -> InferenceReply:
        body = await read_body(request, settings.max_body_bytes)
        encoding, json_length = request.headers.get("content-encoding", ""), request.headers.get(LENGTH_HEADER)
        return await recognition.in_thread(infer, body, encoding, json_length)

    return inference


def _decoded(recognition: Recognition, images: tuple[bytes, ...]) -> list[Views]:
    pictures = []
    for index, image in enumerate(images):
        try:
            pictures.append(recognition.views(image))
        except ClassifierError as error:
            raise type(error)(f"{ENCODED.name}[{index}]: {error}") from error
    return pictures


def _knows_version(served: ServedModel) -> Callable[..., Awaitable[None]]:
    path = Path(json_schema_extra={"enum": [served.version]})
    check_name = knows(served.name)

    async def check(version: Annotated[str, path], _: Annotated[None, Depends(check_name)]) -> None:
        if version != served.version:
            raise NotFound(f"there is no version {version!r} of {served.name!r} here, only {served.version!r}")

    return check
