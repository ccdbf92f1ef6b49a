"""Routes below `/v2`: the Open Inference Protocol, version 2, for unmodified clients such as tritonclient.

Source: github.com/kserve/open-inference-protocol (inference_rest.md), and the Triton extensions that `/v2` lists.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.params import Depends as Dependency

from handler.api.problems import IMAGE_ERRORS, problem_responses
from handler.api.routes.model_name import require_model
from handler.api.routes.open_inference import schemas
from handler.api.routes.open_inference.inference import Inference
from handler.api.routes.open_inference.models import ServedModel, ServedModels
from handler.api.routes.open_inference.request import INSTEAD_OF_TOP_K
from handler.api.routes.open_inference.request_schema import inference_body
from handler.api.routes.open_inference.schemas import (
    BINARY_RESPONSE,
    IndexEntry,
    Live,
    ModelConfig,
    ModelMetadata,
    ModelReady,
    Models,
    Ready,
    ServerMetadata,
)
from handler.api.routes.refused_options import refuse_query_options
from handler.api.routes.starlette_response import as_starlette
from handler.contract import ModelCard
from handler.errors import NotFound, TooManyImages
from handler.settings import Settings

_MODEL: Final = "/v2/models/{model}"
_VERSION: Final = _MODEL + "/versions/{version}"
_INFERENCE_ERRORS: Final = (*IMAGE_ERRORS, TooManyImages, NotFound)


def open_inference_routes(inference: Inference, card: ModelCard, settings: Settings) -> APIRouter:
    """All below `/v2`."""
    models = inference.models
    body = inference_body(models[card.name].tensors)
    router = APIRouter(tags=["Open Inference Protocol v2"])
    _add_server_routes(router, models)
    for path, check, suffix in (
        (_MODEL, require_model(*models), ""),
        (_VERSION, _require_version(models), "_version"),
    ):
        base = _ModelPath(path, suffix, [Depends(check)])
        _add_model_routes(router, base, models, settings)
        _add_inference(router, base, inference, body)
    return router


@dataclass(frozen=True)
class _ModelPath:
    """A path of the models, with or without a version; all routes below it share a check.

    (Two nested routers would build each route twice, which a cold start would pay for.)
    """

    path: str
    suffix: str  # of the routes' names
    dependencies: list[Dependency]


def _add_server_routes(router: APIRouter, served: ServedModels) -> None:
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
        return Models(models=[*served])

    @router.post("/v2/repository/index")
    async def repository_index() -> list[IndexEntry]:
        """List the models with their versions and states (Triton)."""
        return [IndexEntry(name=model.name, version=model.version) for model in served.values()]


def _add_model_routes(router: APIRouter, base: _ModelPath, models: ServedModels, settings: Settings) -> None:
    path, suffix = base.path, base.suffix
    common: Any = {"dependencies": base.dependencies, "responses": problem_responses(NotFound)}

    @router.get(path, name=f"model{suffix}_metadata", **common)
    async def metadata(request: Request) -> ModelMetadata:
        """Model metadata: input and output tensors."""
        return ModelMetadata.of(_model_of(request, models))

    @router.get(f"{path}/ready", name=f"model{suffix}_ready", **common)
    async def ready(request: Request) -> ModelReady:
        """Whether the model is ready."""
        return ModelReady(name=_model_of(request, models).name)

    @router.get(f"{path}/config", name=f"model{suffix}_config", response_model_exclude_none=True, **common)
    async def config(request: Request) -> ModelConfig:
        """Model configuration in Triton's form: without the batch dimension."""
        return ModelConfig.of(_model_of(request, models), settings.max_batch_images)


def _add_inference(router: APIRouter, base: _ModelPath, inference: Inference, body: dict[str, Any]) -> None:
    @router.post(
        f"{base.path}/infer",
        name=f"model{base.suffix}_infer",
        dependencies=[*base.dependencies, refuse_query_options(INSTEAD_OF_TOP_K)],
        response_model=schemas.Inference,
        responses={**problem_responses(*_INFERENCE_ERRORS), 200: BINARY_RESPONSE},
        openapi_extra={"requestBody": body},
    )
    async def infer(request: Request) -> Response:
        """Run the model on images or pixels: tensors as JSON, or as bytes after it."""
        model = _model_of(request, inference.models)
        return as_starlette(await inference.answer(request.scope, request.receive, model))


def _model_of(request: Request, models: ServedModels) -> ServedModel:
    """The model that the path names, once that is checked."""
    return models[request.path_params["model"]]


def _require_version(models: ServedModels) -> Callable[..., Awaitable[None]]:
    (only,) = {model.version for model in models.values()}
    path = Path(json_schema_extra={"enum": [only]})
    check_name = require_model(*models)

    async def check(request: Request, version: Annotated[str, path], _: Annotated[None, Depends(check_name)]) -> None:
        if version != only:
            name = _model_of(request, models).name
            raise NotFound(f"no version {version!r} of {name!r}; the only version is {only!r}")

    return check
