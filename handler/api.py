"""HTTP in, predictions out: the routes, and what /openapi.json says of them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from handler.bodies import REQUEST_BODY, image_in, read_body
from handler.classifier import Classifier
from handler.contract import Classification, Label, ModelCard, Prediction
from handler.errors import BadRequest, BrokenImage, NotAnImage, TooManyBytes, TooManyPixels, WrongParameter
from handler.images import model_pixels
from handler.problems import Problem, answer_with_problems, problem_responses
from handler.settings import Settings

PAGE_PATH = Path(__file__).parent / "static" / "index.html"

# The page brings all it needs; a browser is told to fetch nothing from elsewhere.
PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src blob: data:"
)


class Answer(BaseModel):
    """What the image shows: the likeliest class, and the `top_k` likeliest ones, the likeliest first."""

    label: str
    class_id: int
    score: Annotated[float, Field(description="The probability, 0 to 1, that this class is right.")]
    known: Annotated[bool, Field(description="Whether the image shows any of the classes; if not, these are guesses.")]
    known_score: Annotated[float, Field(description="How surely it does, 0 to 1.")]
    predictions: Annotated[list[Prediction], Field(min_length=1)]

    @classmethod
    def of(cls, classification: Classification) -> "Answer":
        best = classification.predictions[0]
        return cls(
            label=best.label,
            class_id=best.class_id,
            score=best.score,
            known=classification.known,
            known_score=classification.known_score,
            predictions=list(classification.predictions),
        )


class Labels(BaseModel):
    """The classes that the model knows, in the order of their ids."""

    labels: list[Label]


class Health(BaseModel):
    """The service is up, its model loaded."""

    status: str = "ok"


class Api(FastAPI):
    """FastAPI whose document also names the shape of errors."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        return document


def create_app(classifier: Classifier, card: ModelCard, settings: Settings) -> FastAPI:
    """The whole service: it classifies with `classifier`, tells of `card`, and keeps to the limits in `settings`."""
    app = Api(
        title="Clothes classifier",
        description="Send a picture of a piece of clothing; get what it is, out of ten classes.",
        version="0.1.0",
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    answer_with_problems(app)
    _add_classification(app, classifier, settings)
    _add_facts(app, card)
    _add_page(app)
    return app


def _add_classification(app: FastAPI, classifier: Classifier, settings: Settings) -> None:
    # More pictures at once than there are processors would be no faster, and each takes memory.
    at_once = CapacityLimiter(os.cpu_count() or 1)

    def answer(body: bytes, content_type: str, top_k: int) -> Answer:
        pixels = model_pixels(image_in(body, content_type), settings.max_pixels)
        (classification,) = classifier.classify(pixels, top_k)
        return Answer.of(classification)

    @app.post(
        "/classify",
        responses=problem_responses(BadRequest, TooManyBytes, TooManyPixels, NotAnImage, BrokenImage, WrongParameter),
        openapi_extra={"requestBody": REQUEST_BODY},
    )
    async def classify(
        request: Request,
        top_k: Annotated[int, Query(ge=1, le=len(classifier.labels), description="How many classes to name.")] = 3,
    ) -> Answer:
        """Say what an image shows: PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF."""
        body = await read_body(request, settings.max_body_bytes)
        content_type = request.headers.get("content-type", "")
        return await to_thread.run_sync(answer, body, content_type, top_k, limiter=at_once)


def _add_facts(app: FastAPI, card: ModelCard) -> None:
    @app.get("/labels")
    async def labels() -> Labels:
        """Name the classes, in English and in Chinese."""
        return Labels(labels=list(card.labels))

    @app.get("/model")
    async def model() -> Mapping[str, Any]:
        """Show the model's card: how it was made, from which data, and how well it does."""
        return card.document

    @app.get("/health")
    async def health() -> Health:
        """Tell that the service is up."""
        return Health()


def _add_page(app: FastAPI) -> None:
    page = HTMLResponse(PAGE_PATH.read_text(encoding="utf-8"), headers={"Content-Security-Policy": PAGE_POLICY})

    @app.get("/", include_in_schema=False)
    async def index() -> HTMLResponse:
        return page
