"""Routes `/uploads` and `/results/{id}`: upload an image too large for a request straight to S3, get its result."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from anyio import to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from handler.api.classification import classification_document
from handler.api.presigned_uploads import ID_PATTERN, Rejection, Uploads, s3_client
from handler.api.problems import problem_responses
from handler.api.schemas import ClassificationResponse
from handler.contract import Classification
from handler.errors import NotFound, Unavailable
from handler.settings import Settings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# In OpenAPI's terms. FastAPI would document a 422 for a malformed id; it is a 404 as any other unknown id.
_ID: Final[dict[str, Any]] = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The `id` of an upload.",
    "schema": {"type": "string", "pattern": ID_PATTERN},
}


class UploadTicket(BaseModel):
    """A presigned form: post `fields` unchanged to `url`, with the image as the last field, `file`; get `result`.

    The storage answers 412 if the form was already used.
    """

    id: Annotated[str, Field(pattern=ID_PATTERN)]
    url: str
    fields: Annotated[dict[str, str], Field(description="Signed form fields; valid for one image.")]
    max_bytes: Annotated[int, Field(gt=0, description="A larger image is refused.")]
    expires: Annotated[datetime, Field(description="When the ticket expires.")]
    result: Annotated[str, Field(description="The path of the result, relative to this one.")]


class Outcome(BaseModel):
    """The result of an upload, by `status`."""

    id: str
    status: str


class Pending(Outcome):
    """The image is uploaded, and waits for the worker."""

    status: Literal["pending"]


class Done(ClassificationResponse, Outcome):
    """The image was classified."""

    status: Literal["done"]


class Rejected(Outcome):
    """The image cannot be classified; posting it again would not help."""

    status: Literal["rejected"]
    title: Annotated[str, Field(description="Names the kind of problem.")]
    detail: Annotated[str, Field(description="What is wrong with this image.")]


Result = Annotated[Pending | Done | Rejected, Field(discriminator="status")]


def upload_routes(settings: Settings, connect: Callable[[Settings], "S3Client"] = s3_client) -> APIRouter:
    """`/uploads` and `/results/{id}`, over the buckets that `settings` names."""
    router = APIRouter(tags=["Upload"])
    uploads = Uploads(settings, connect)

    # Not the predictor's threads: waiting for S3 takes no processor.
    @router.post("/uploads", status_code=201, responses=problem_responses(Unavailable))
    async def new_upload(request: Request) -> UploadTicket:
        """Get a ticket to post a large image straight to S3, where the worker classifies it in seconds."""
        ticket = await to_thread.run_sync(uploads.ticket, getattr(request.state, "request_id", None))
        return UploadTicket(**vars(ticket), result=f"results/{ticket.id}")

    @router.get(
        "/results/{id}", responses=problem_responses(NotFound, Unavailable), openapi_extra={"parameters": [_ID]}
    )
    async def result(request: Request) -> Result:
        """Get the result of an upload; while it is pending, ask again."""
        upload_id = request.path_params["id"]
        return _response(upload_id, await to_thread.run_sync(uploads.outcome, upload_id))

    return router


def _response(upload_id: str, outcome: Classification | Rejection | None) -> Pending | Done | Rejected:
    match outcome:
        case None:
            return Pending(id=upload_id, status="pending")
        case Rejection():
            return Rejected(id=upload_id, status="rejected", **vars(outcome))
        case Classification():
            return Done(id=upload_id, status="done", **classification_document(outcome))
