"""Create the ASGI app: paths of images, FastAPI for all others, middleware around both."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from handler.api.classification import Classify
from handler.api.direct_paths import DirectPaths
from handler.api.middleware.request_limits import Limits, RequestLimits
from handler.api.middleware.response_headers import ResponseHeaders
from handler.api.middleware.telemetry import REQUEST_ID, SERVER_TIMING, RequestTelemetry
from handler.api.predictor import Predictor
from handler.api.routes.open_inference.binary import LENGTH_HEADER
from handler.api.routes.open_inference.inference import Inference
from handler.api.routes.open_inference.models import served_models
from handler.api.service import Service
from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.lifecycle.cold_start import ColdStart
from handler.settings import Settings
from handler.telemetry.reports import RequestReport, log_request

if TYPE_CHECKING:
    from fastapi import FastAPI

_DAY: Final = 86_400  # seconds
_LARGEST_BODIES_AT_ONCE: Final = 8  # or any number of smaller ones, with as many bytes


def create_app(  # noqa: PLR0913  what it composes is passed in
    classifier: Classifier,
    card: ModelCard,
    settings: Settings,
    report: Callable[[RequestReport], None] = log_request,
    *,
    offload: bool = True,
    cold_start: ColdStart | None = None,
) -> "Api":
    """The whole service. Each request ends with a call of `report`.

    With `offload`, images are classified in threads, so that the event loop can serve others meanwhile, and what the
    bodies of all requests together hold is limited.
    """
    predictor = Predictor(
        classifier,
        settings.max_pixels,
        offload=offload,
        max_batch_pixels=settings.max_batch_pixels,
        request_seconds=settings.request_seconds,
    )
    inference = Inference(predictor, served_models(predictor, card), settings)
    service = Service(predictor, card, settings, Classify(predictor, settings), inference)
    return Api(service, report, cold_start or ColdStart(), limited=offload)


class Api:
    """ASGI app: the paths of images directly, all others by FastAPI, which the first request for one of them loads."""

    def __init__(
        self, service: Service, report: Callable[[RequestReport], None], cold_start: ColdStart, *, limited: bool
    ) -> None:
        self._service = service
        app = _with_middleware(DirectPaths(service.answers(), self._otherwise), service.settings, limited=limited)
        self._app = RequestTelemetry(ResponseHeaders(app), report, cold_start)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    @cached_property
    def framework(self) -> "FastAPI":
        """The FastAPI app; `direct_paths` says why it is built only when it is asked for."""
        from handler.api.framework import framework_app  # noqa: PLC0415

        return framework_app(self._service)

    def load(self) -> None:
        """Build the FastAPI app now."""
        _ = self.framework

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return self.framework.openapi()

    def add_route(self, path: str, respond: Callable[..., Any], methods: Sequence[str]) -> None:
        """Add a path that is not part of the documentation."""
        self.framework.add_route(path, respond, methods=list(methods))

    async def _otherwise(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.framework(scope, receive, send)


def _with_middleware(app: ASGIApp, settings: Settings, *, limited: bool) -> ASGIApp:
    app = _with_cors(app, settings.cors_origins) if settings.cors_origins else app
    return RequestLimits(app, Limits(_LARGEST_BODIES_AT_ONCE * settings.max_body_bytes)) if limited else app


def _with_cors(app: ASGIApp, origins: tuple[str, ...]) -> ASGIApp:
    from starlette.middleware.cors import CORSMiddleware  # noqa: PLC0415  it takes time to import

    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "HEAD", "POST"),
        allow_headers=("*",),
        expose_headers=(REQUEST_ID, SERVER_TIMING, LENGTH_HEADER),
        max_age=_DAY,
    )
