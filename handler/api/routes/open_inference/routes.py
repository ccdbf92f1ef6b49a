"""Routes below `/v2`: the Open Inference Protocol, version 2, for unmodified clients such as tritonclient.

Source: github.com/kserve/open-inference-protocol (inference_rest.md), and the Triton extensions that `/v2` lists.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

import numpy as np
from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.params import Depends as Dependency

from handler.api.predictor import Predictor
from handler.api.problems import IMAGE_ERRORS, problem_responses
from handler.api.requests.body import Body, received_body
from handler.api.routes.model_name import require_model
from handler.api.routes.open_inference.binary import LENGTH_HEADER
from handler.api.routes.open_inference.request import inference_request
from handler.api.routes.open_inference.response import InferenceResponse, ServedModel, inference_response
from handler.api.routes.open_inference.schemas import (
    BINARY_RESPONSE,
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
from handler.contract import ModelCard, ModelInput, Pixels
from handler.errors import ClassifierError, NotFound, TooManyImages
from handler.inference.budget import Budget
from handler.settings import Settings

_MODEL: Final = "/v2/models/{model}"
_VERSION: Final = _MODEL + "/versions/{version}"
_INFERENCE_ERRORS: Final = (*IMAGE_ERRORS, TooManyImages, NotFound)


def open_inference_routes(predictor: Predictor, card: ModelCard, settings: Settings) -> APIRouter:
    """All below `/v2`."""
    served = ServedModel(str(card.document["name"]), str(card.document["version"]), predictor.labels)
    router = APIRouter(tags=["Open Inference Protocol v2"])
    _add_server_routes(router, served)
    for path, check, suffix in (
        (_MODEL, require_model(served.name), ""),
        (_VERSION, _require_version(served), "_version"),
    ):
        base = _ModelPath(path, suffix, [Depends(check)])
        _add_model_routes(router, base, served, settings)
        _add_inference(router, base, _inference_of(predictor, served, settings))
    return router


@dataclass(frozen=True)
class _ModelPath:
    """A path of the model, with or without a version; all routes below it share a check.

    (Two nested routers would build each route twice, which a cold start would pay for.)
    """

    path: str
    suffix: str  # of the routes' names
    dependencies: list[Dependency]


def _add_server_routes(router: APIRouter, served: ServedModel) -> None:
    async def server_metadata(request: Request) -> ServerMetadata:
        """Server name, version and supported extensions."""
        return ServerMetadata(version=request.app.version)

    router.add_api_route("/v2", server_metadata)
    router.add_api_route("/v2/", server_metadata, include_in_schema=False)

    @router.get("/v2/health/live")
    async def server_live() -> Live:
        """Whether the server is live."""
        return Live()

    @router.get("/v2/health/ready")
    async def server_ready() -> Ready:
        """Whether the model is ready."""
        return Ready()

    @router.get("/v2/models")
    async def models() -> Models:
        """List the models."""
        return Models(models=[served.name])

    @router.post("/v2/repository/index")
    async def repository_index() -> list[IndexEntry]:
        """List the models with their versions and states (Triton)."""
        return [IndexEntry(name=served.name, version=served.version)]


def _add_model_routes(router: APIRouter, base: _ModelPath, served: ServedModel, settings: Settings) -> None:
    path, suffix = base.path, base.suffix
    common: Any = {"dependencies": base.dependencies, "responses": problem_responses(NotFound)}

    @router.get(path, name=f"model{suffix}_metadata", **common)
    async def metadata() -> ModelMetadata:
        """Model metadata: input and output tensors."""
        return ModelMetadata(name=served.name, versions=[served.version])

    @router.get(f"{path}/ready", name=f"model{suffix}_ready", **common)
    async def ready() -> ModelReady:
        """Whether the model is ready."""
        return ModelReady(name=served.name)

    @router.get(f"{path}/config", name=f"model{suffix}_config", response_model_exclude_none=True, **common)
    async def config() -> ModelConfig:
        """Model configuration in Triton's form: without the batch dimension."""
        return model_config(served.name, settings.max_batch_images)


def _add_inference(
    router: APIRouter, base: _ModelPath, inference: Callable[[Request], Awaitable[InferenceResponse]]
) -> None:
    @router.post(
        f"{base.path}/infer",
        name=f"model{base.suffix}_infer",
        dependencies=base.dependencies,
        response_model=Inference,
        responses={**problem_responses(*_INFERENCE_ERRORS), 200: BINARY_RESPONSE},
        openapi_extra={"requestBody": INFERENCE_BODY},
    )
    async def infer(request: Request) -> Response:
        """Run the model on images or pixels: tensors as JSON, or as bytes after it."""
        response = await inference(request)
        if response.json_length is None:
            return Response(response.content, media_type="application/json")
        headers = {LENGTH_HEADER: str(response.json_length)}
        return Response(response.content, media_type="application/octet-stream", headers=headers)


def _inference_of(
    predictor: Predictor, served: ServedModel, settings: Settings
) -> Callable[[Request], Awaitable[InferenceResponse]]:
    def infer(budget: Budget, body: Body, json_length: str | None) -> InferenceResponse:
        request = inference_request(body.content(), json_length, settings.max_batch_images)
        return inference_response(request, predictor.predict(_inputs(predictor, request.images, budget)), served)

    async def inference(request: Request) -> InferenceResponse:
        body = await received_body(request, settings.max_body_bytes)
        return await predictor.bulkheads.run(
            request.is_disconnected, len(body.received), infer, body, request.headers.get(LENGTH_HEADER)
        )

    return inference


def _inputs(predictor: Predictor, images: Pixels | tuple[bytes, ...], budget: Budget) -> list[ModelInput]:
    """Pixels are the classifier's input already; of an image file, photos get the colour network's vote."""
    if isinstance(images, np.ndarray):
        return [ModelInput(pixels, None) for pixels in images[:, np.newaxis]]
    inputs: list[ModelInput] = []
    for index, image in enumerate(images):
        try:
            inputs.append(predictor.prepare(image, budget))
        except ClassifierError as error:
            raise type(error)(f"{ENCODED.name}[{index}]: {error}") from error
    return inputs


def _require_version(served: ServedModel) -> Callable[..., Awaitable[None]]:
    path = Path(json_schema_extra={"enum": [served.version]})
    check_name = require_model(served.name)

    async def check(version: Annotated[str, path], _: Annotated[None, Depends(check_name)]) -> None:
        if version != served.version:
            raise NotFound(f"no version {version!r} of {served.name!r}; the only version is {served.version!r}")

    return check
