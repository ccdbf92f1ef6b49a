"""What the API's own dialect says, as pydantic models; /openapi.json is made from them."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from handler.api.problems import Problem
from handler.contract import Classification, Frame, Label, Prediction


class Answer(BaseModel):
    """What the image shows: the likeliest class, and the `top_k` likeliest ones, the likeliest first."""

    label: str
    class_id: int
    score: Annotated[float, Field(description="The probability, 0 to 1, that this class is right.")]
    known: Annotated[bool, Field(description="Whether the image shows any of the classes; if not, these are guesses.")]
    known_score: Annotated[float, Field(description="How surely it does, 0 to 1.")]
    predictions: Annotated[list[Prediction], Field(min_length=1)]

    @classmethod
    def of(cls, classification: Classification) -> Self:
        best = classification.predictions[0]
        return cls(
            label=best.label,
            class_id=best.class_id,
            score=best.score,
            known=classification.known,
            known_score=classification.known_score,
            predictions=list(classification.predictions),
        )


class SeenAs(BaseModel):
    """What the model saw, and where it looked for its best guess."""

    pixels: Annotated[str, Field(description="The 28x28 pixels that the model saw: a PNG, as a data URL.")]
    activation_map: Annotated[
        list[list[float]],
        Field(description="7 rows of 7, 0 to 1: how much each part of the pixels spoke for the best guess."),
    ]
    view: Annotated[
        Frame, Field(description="The square that the pixels show, in shares of the upright picture's sides.")
    ]


class ExplainedAnswer(Answer):
    """An answer, with its explanation if that was asked for."""

    explanation: SeenAs | None = None


class Classified(BaseModel):
    """One image of a batch that has an answer."""

    index: Annotated[int, Field(description="Its place in the batch, from 0 on.")]
    name: Annotated[str | None, Field(description="The file name that it was sent with, if any.")]
    status: Literal[200]
    answer: Answer


class Failed(BaseModel):
    """One image of a batch that has none."""

    index: int
    name: str | None
    status: Annotated[int, Field(ge=400, le=499, description="The status that /classify would have replied with.")]
    problem: Problem


class Batch(BaseModel):
    """A result or an error for each image, in the order in which they were sent."""

    results: list[Classified | Failed]


class Labels(BaseModel):
    """The classes that the model knows, in the order of their ids."""

    labels: list[Label]


class Health(BaseModel):
    """The service is up, its model loaded."""

    model_config = ConfigDict(json_schema_extra={"example": {"status": "ok"}})

    status: Literal["ok"] = "ok"
