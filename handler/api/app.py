"""The whole service as one ASGI app: it only composes the routes, and what stands around them."""

from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from handler.api.middleware.telemetry import REQUEST_ID, SERVER_TIMING, Tracing
from handler.api.predictor import Recognition
from handler.api.presigned_uploads import upload_origin
from handler.api.problems import Problem, answer_with_problems
from handler.api.routes.about import fact_routes
from handler.api.routes.classify import classification_routes
from handler.api.routes.hugging_face import hugging_face_routes
from handler.api.routes.kserve_v1 import predict_v1_routes
from handler.api.routes.open_inference.binary import LENGTH_HEADER
from handler.api.routes.open_inference.routes import inference_v2_routes
from handler.api.routes.pages import add_pages
from handler.api.routes.uploads import upload_routes
from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.lifecycle.cold_start import ColdStart
from handler.settings import Settings
from handler.telemetry.reports import RequestReport, log_request

_DAY: Final = 86_400  # seconds


def create_app(
    classifier: Classifier,
    card: ModelCard,
    settings: Settings,
    report: Callable[[RequestReport], None] = log_request,
) -> "Api":
    """The whole service: it classifies with `classifier`, tells of `card`, and keeps to `settings`.

    Each request ends with a `report`.
    """
    app = Api(
        settings.cors_origins,
        report,
        title="Clothes classifier",
        description="Send a picture of a piece of clothing; get what it is, out of ten classes.",
        version="0.1.0",
        docs_url=None,  # `add_pages` has one that loads nothing from other hosts
        redoc_url=None,
        strict_content_type=False,  # stock clients send none
        generate_unique_id_function=lambda route: route.name,
    )
    answer_with_problems(app)
    recognition = Recognition(classifier, settings.max_pixels)
    app.include_router(classification_routes(recognition, settings))
    app.include_router(upload_routes(settings))
    app.include_router(inference_v2_routes(recognition, card, settings))
    app.include_router(predict_v1_routes(recognition, card, settings))
    app.include_router(hugging_face_routes(recognition, settings))
    app.include_router(fact_routes(card))
    add_pages(app, upload_origin(settings))
    app.cold_start = ColdStart()  # that is over now
    return app


class Api(FastAPI):
    """FastAPI whose every reply, even to what nobody foresaw, has its headers, and whose document names the errors."""

    cold_start: ColdStart

    def __init__(self, cors_origins: tuple[str, ...], report: Callable[[RequestReport], None], **settings: Any) -> None:
        super().__init__(**settings)
        self._cors_origins, self._report = cors_origins, report

    def build_middleware_stack(self) -> ASGIApp:
        # Outside of Starlette's own stack, whose replies to unforeseen errors pass by an app's other middleware.
        stack = super().build_middleware_stack()
        stack = _with_cors(stack, self._cors_origins) if self._cors_origins else stack
        return Tracing(stack, self._report, self.cold_start)

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        return document


def _with_cors(app: ASGIApp, origins: tuple[str, ...]) -> ASGIApp:
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "POST"),
        allow_headers=("*",),
        expose_headers=(REQUEST_ID, SERVER_TIMING, LENGTH_HEADER),
        max_age=_DAY,
    )
