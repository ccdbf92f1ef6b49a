"""Build the FastAPI app: all routes, pages and the OpenAPI document; its errors as problems."""

import reprlib
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from handler import __version__
from handler.api.middleware.trailing_slash import TrailingSlashRedirect
from handler.api.openapi import complete_document
from handler.api.presigned_uploads import upload_origin
from handler.api.problems import HttpError, problem_response
from handler.api.requests.body import GONE
from handler.api.routes.about import about_routes
from handler.api.routes.classify import classify_routes
from handler.api.routes.corrections import correction_routes
from handler.api.routes.hugging_face import hugging_face_routes
from handler.api.routes.kserve_v1 import kserve_v1_routes
from handler.api.routes.open_inference.routes import open_inference_routes
from handler.api.routes.pages import add_pages
from handler.api.routes.starlette_response import as_starlette
from handler.api.routes.uploads import upload_routes
from handler.api.schemas import Labels, Problem
from handler.api.service import Service
from handler.errors import BadRequest, ClassifierError, WrongParameter

_DESCRIPTION: Final = (
    "Tells which of {count} classes of {classes} an image shows. Post an image file to `/classify`, in a form, as raw "
    "bytes or as base64. `known` says whether it shows one of the classes at all; `confident`, whether to act on the "
    "label without a look at the image. Clients of KServe and Hugging Face work, too; errors are problems (RFC 9457)."
)
# By pydantic's error types, with the values of its `ctx`; its own messages are not written for users of an API.
_RULES: Final[Mapping[str, str]] = {
    "bool_parsing": "should be true or false",
    "greater_than_equal": "should be at least {ge}",
    "int_parsing": "should be a whole number",
    "int_parsing_size": "should be a whole number",
    "less_than_equal": "should be at most {le}",
    "literal_error": "should be {expected}",
}


def framework_app(service: Service) -> FastAPI:
    """All that `service` can do, as FastAPI routes."""
    predictor, card, settings = service.predictor, service.card, service.settings
    classes = Labels.of(card, corrections=bool(settings.corrections))
    app = _Api(
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
    for router in (
        classify_routes(service.classify, predictor, settings),
        upload_routes(settings),
        open_inference_routes(service.inference, card, settings),
        kserve_v1_routes(predictor, card, settings),
        hugging_face_routes(predictor, settings),
        correction_routes(predictor, card, settings),
        about_routes(card, classes),
    ):
        app.include_router(router)
    add_pages(app, classes, upload_origin(settings), docs=settings.docs)
    app.router.default = TrailingSlashRedirect(app.router)
    return app


class _Api(FastAPI):
    """FastAPI with a complete OpenAPI document."""

    def __init__(self, classes: Labels, **settings: Any) -> None:
        super().__init__(**settings)
        self._classes = classes

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
            complete_document(document, self._classes)
        return super().openapi()


def add_problem_handlers(app: FastAPI) -> None:
    """Register exception handlers: every error of `app` becomes a problem+json response."""
    for kind in (
        *(ClassifierError, HttpError, RequestValidationError, HTTPException, ClientDisconnect),
        *(MemoryError, Exception),
    ):
        app.add_exception_handler(kind, respond_with_problem)


async def respond_with_problem(_: Request, error: Exception) -> Response:
    """The problem document of `error`."""
    # Starlette raises an unexpected error again after this response, so that the server logs it with its traceback.
    return as_starlette(problem_response(_own(error)))


def _own(error: Exception) -> Exception:
    """The project's own error for one of FastAPI's or Starlette's."""
    match error:
        case RequestValidationError():
            return WrongParameter("; ".join(map(_sentence, error.errors())))
        case ClientDisconnect():
            return BadRequest(GONE)
        case HTTPException():
            return HttpError(error.status_code, _detail(error), error.headers)
        case _:
            return error


def _detail(error: HTTPException) -> str:
    allowed = (error.headers or {}).get("Allow")
    details = {404: "no such path", 405: f"method not allowed; this path takes {allowed}"}
    return details.get(error.status_code, error.detail)


def _sentence(error: dict[str, Any]) -> str:
    if error["type"] == "missing":
        return f"{error['loc'][-1]}: it is missing"
    rule = _RULES.get(error["type"], "is not valid").format_map(error.get("ctx", {}))
    return f"{error['loc'][-1]}: it {rule}, but is {reprlib.repr(error.get('input'))}"
