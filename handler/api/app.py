"""Create the ASGI app: routes, middleware, error handlers."""

from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from handler import __version__
from handler.api.middleware.request_limits import Limits, RequestLimits
from handler.api.middleware.response_headers import ResponseHeaders
from handler.api.middleware.telemetry import REQUEST_ID, SERVER_TIMING, RequestTelemetry
from handler.api.middleware.trailing_slash import TrailingSlashRedirect
from handler.api.openapi import complete_document
from handler.api.predictor import Predictor
from handler.api.presigned_uploads import upload_origin
from handler.api.problems import Problem, add_problem_handlers
from handler.api.routes.about import about_routes
from handler.api.routes.classify import classify_routes
from handler.api.routes.corrections import correction_routes
from handler.api.routes.hugging_face import hugging_face_routes
from handler.api.routes.kserve_v1 import kserve_v1_routes
from handler.api.routes.open_inference.binary import LENGTH_HEADER
from handler.api.routes.open_inference.routes import open_inference_routes
from handler.api.routes.pages import add_pages
from handler.api.routes.uploads import upload_routes
from handler.api.schemas import Labels
from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.lifecycle.cold_start import ColdStart
from handler.settings import Settings
from handler.telemetry.reports import RequestReport, log_request

_DESCRIPTION: Final = (
    "Tells which of {count} classes of {classes} an image shows. Post an image file to `/classify`, in a form, as raw "
    "bytes or as base64. `known` says whether it shows one of the classes at all; `confident`, whether to act on the "
    "label without a look at the image. Clients of KServe and Hugging Face work, too; errors are problems (RFC 9457)."
)
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
) -> FastAPI:
    """The whole service. Each request ends with a call of `report`.

    With `offload`, images are classified in threads, so that the event loop can serve others meanwhile, and what the
    bodies of all requests together hold is limited.
    """
    cold_start = cold_start or ColdStart()  # here, since FastAPI builds its middleware at the first request
    classes = Labels.of(card, corrections=bool(settings.corrections))
    app = _Api(
        lambda inner: RequestTelemetry(
            ResponseHeaders(_with_middleware(inner, settings, limited=offload)), report, cold_start
        ),
        classes,
        title=f"{card.title.english[0].upper()}{card.title.english[1:]} classifier",
        description=_DESCRIPTION.format(count=len(card.labels), classes=card.title.english),
        version=__version__,
        openapi_url=None,  # `add_pages` adds it, and documentation that loads nothing from other hosts
        redirect_slashes=False,  # FastAPI would redirect to any Host that the request names
        strict_content_type=False,  # some clients send no Content-Type
        generate_unique_id_function=lambda route: route.name,
    )
    add_problem_handlers(app)
    predictor = Predictor(
        classifier,
        settings.max_pixels,
        offload=offload,
        max_batch_pixels=settings.max_batch_pixels,
        request_seconds=settings.request_seconds,
    )
    app.include_router(classify_routes(predictor, settings))
    app.include_router(upload_routes(settings))
    app.include_router(open_inference_routes(predictor, card, settings))
    app.include_router(kserve_v1_routes(predictor, card, settings))
    app.include_router(hugging_face_routes(predictor, settings))
    app.include_router(correction_routes(predictor, card, settings))
    app.include_router(about_routes(card, classes))
    add_pages(app, classes, upload_origin(settings), docs=settings.docs)
    app.router.default = TrailingSlashRedirect(app.router)
    return app


class _Api(FastAPI):
    """FastAPI with `middleware` around all, its own error responses included, and a complete OpenAPI document."""

    def __init__(self, middleware: Callable[[ASGIApp], ASGIApp], classes: Labels, **settings: Any) -> None:
        super().__init__(**settings)
        self._middleware, self._classes = middleware, classes

    def build_middleware_stack(self) -> ASGIApp:
        # Starlette's responses to unexpected errors bypass middleware that is added in the usual way.
        return self._middleware(super().build_middleware_stack())

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
            complete_document(document, self._classes)
        return super().openapi()


def _with_middleware(app: ASGIApp, settings: Settings, *, limited: bool) -> ASGIApp:
    app = _with_cors(app, settings.cors_origins) if settings.cors_origins else app
    return RequestLimits(app, Limits(_LARGEST_BODIES_AT_ONCE * settings.max_body_bytes)) if limited else app


def _with_cors(app: ASGIApp, origins: tuple[str, ...]) -> ASGIApp:
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "HEAD", "POST"),
        allow_headers=("*",),
        expose_headers=(REQUEST_ID, SERVER_TIMING, LENGTH_HEADER),
        max_age=_DAY,
    )
