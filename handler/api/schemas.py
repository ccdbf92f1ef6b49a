"""Response schemas of the API's own protocol, and the request schemas that all protocols share."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from handler.contract import Frame, InputFormat, Label, ModelCard, Prediction, Title

# Images in OpenAPI's terms
FILE: Final[dict[str, Any]] = {"type": "string", "format": "binary"}
BASE64: Final[dict[str, Any]] = {
    "type": "string",
    "format": "image-base64",
    "description": "The image file as base64, or as a data URL with base64.",
}
FILE_AS_BODY: Final[dict[str, Any]] = {"image/*": {"schema": FILE}, "application/octet-stream": {"schema": FILE}}


class ClassificationResponse(BaseModel):
    """The likeliest class, and the `top_k` likeliest classes, the likeliest first."""

    label: str
    class_id: int
    score: Annotated[float, Field(description="The probability of this class, 0 to 1.")]
    known: Annotated[
        bool, Field(description="Whether the image shows one of the classes; if not, the predictions are guesses.")
    ]
    known_score: Annotated[float, Field(description="Confidence, 0 to 1, that the image shows one of the classes.")]
    confident: Annotated[
        bool,
        Field(
            description="Whether the image is known and the score so high that about 97 % of such labels "
            "are right; if not, let a person decide, or ask for another photo."
        ),
    ]
    predictions: Annotated[list[Prediction], Field(min_length=1)]


class ExplanationResponse(BaseModel):
    """The model's input, and which parts of it speak for the likeliest class."""

    pixels: Annotated[str, Field(description="The pixels of the model's input: a PNG, as a data URL.")]
    activation_map: Annotated[
        list[list[float]],
        Field(description="Rows from 0 to 1: how much each part of the pixels contributed to the likeliest class."),
    ]
    view: Annotated[
        Frame, Field(description="The square that the pixels show, in shares of the upright image's sides.")
    ]
    foreground: Annotated[
        str | None,
        Field(
            description="What the model has cut out, white on black, in the whole image: a PNG, as a data URL. "
            "Only if its `input` is cut out."
        ),
    ] = None


class ExplainedResponse(ClassificationResponse):
    """A classification, with its explanation if that was requested."""

    explanation: ExplanationResponse | None = None


class Problem(BaseModel):
    """Why a request failed."""

    type: Annotated[str, Field(description="Names the kind of problem, for programs.")]
    title: Annotated[str, Field(description="Names the kind of problem, for people.")]
    status: int
    detail: Annotated[str, Field(description="What is wrong with this request.")]
    error: Annotated[str, Field(description="The same as `detail`, for clients that look for this name.")]


class BatchResult(BaseModel):
    """One image of a batch that was classified."""

    index: Annotated[int, Field(description="Its position in the batch, from 0 on.")]
    name: Annotated[str | None, Field(description="The file name that it was sent with, if any.")]
    status: Literal[200]
    answer: ClassificationResponse


class BatchFailure(BaseModel):
    """One image of a batch that could not be classified."""

    index: int
    name: str | None
    status: Annotated[
        int,
        Field(
            ge=400,
            le=599,
            description="The status of /classify for the same image; 503 if it is to be sent again in another request.",
        ),
    ]
    problem: Problem


class BatchResponse(BaseModel):
    """A result or an error for each image, in the order in which they were sent."""

    results: list[BatchResult | BatchFailure]


class Labels(BaseModel):
    """The classes of the model, in the order of their ids, and what a client shows beside them."""

    name: Annotated[str, Field(description="The model's name.")]
    title: Annotated[Title, Field(description="What the classes are, such as clothes.")]
    labels: list[Label]
    input: Annotated[InputFormat, Field(description="The classifier's input, and how an image becomes that.")]
    photos: Annotated[bool, Field(description="Whether a second network votes on photos.")]
    corrections: Annotated[bool, Field(description="Whether this service takes corrections, at /corrections.")]

    @classmethod
    def of(cls, card: ModelCard, *, corrections: bool) -> Self:
        votes = "vote" in card.document.get("photos", {})
        return cls(
            name=card.name,
            title=card.title,
            labels=list(card.labels),
            input=card.input,
            photos=votes,
            corrections=corrections,
        )


class Health(BaseModel):
    """The service is up, the model loaded."""

    model_config = ConfigDict(json_schema_extra={"example": {"status": "ok"}})

    status: Literal["ok"] = "ok"
