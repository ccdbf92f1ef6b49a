"""Pictures too large for a request: a ticket to post one straight to a bucket, and later what it shows."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from anyio import to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from handler.api.presigned_uploads import ID_PATTERN, Rejection, Uploads, s3_client
from handler.api.problems import problem_responses
from handler.api.schemas import Answer
from handler.contract import Classification
from handler.errors import NotFound, Unavailable
from handler.settings import Settings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# As OpenAPI has it. FastAPI itself would promise a 422 for a wrong id; it is a 404 as any other that is not there.
_ID: Final[dict[str, Any]] = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The `id` of an upload.",
    "schema": {"type": "string", "pattern": ID_PATTERN},
}


class UploadTicket(BaseModel):
    """Post a form to `url`: all `fields` as they are, and last the picture, as the field `file`; then see `result`."""

    id: Annotated[str, Field(pattern=ID_PATTERN)]
    url: str
    fields: Annotated[dict[str, str], Field(description="What the storage demands, signed; good for one picture.")]
    max_bytes: Annotated[int, Field(gt=0, description="A larger picture is refused.")]
    expires: Annotated[datetime, Field(description="Until when the picture may be posted.")]
    result: Annotated[str, Field(description="Where the result will be, relative to this address.")]


class Outcome(BaseModel):
    """What became of an upload; `status` says which of the following it is."""

    id: str
    status: str


class Pending(Outcome):
    """The picture is there, and waits for the worker."""

    status: Literal["pending"]


class Done(Answer, Outcome):
    """What the picture shows."""

    status: Literal["done"]


class Rejected(Outcome):
    """The picture cannot be classified; posting it again would not help."""

    status: Literal["rejected"]
    title: Annotated[str, Field(description="Names the kind of problem.")]
    detail: Annotated[str, Field(description="What is wrong with this picture.")]


Result = Annotated[Pending | Done | Rejected, Field(discriminator="status")]


def upload_routes(settings: Settings, connect: Callable[[Settings], "S3Client"] = s3_client) -> APIRouter:
    """`/uploads` and `/results/{id}`, over the buckets that `settings` names."""
    router = APIRouter(tags=["Upload"])
    uploads = Uploads(settings, connect)

    # Threads of their own, not those of the recognition: waiting for S3 takes no processor.
    @router.post("/uploads", status_code=201, responses=problem_responses(Unavailable))
    async def new_upload(request: Request) -> UploadTicket:
        """Get a ticket to post a large picture straight to the storage; it is classified there in seconds."""
        ticket = await to_thread.run_sync(uploads.ticket, getattr(request.state, "request_id", None))
        return UploadTicket(**vars(ticket), result=f"results/{ticket.id}")

    @router.get(
        "/results/{id}", responses=problem_responses(NotFound, Unavailable), openapi_extra={"parameters": [_ID]}
    )
    async def result(request: Request) -> Result:
        """Ask what an uploaded picture shows; while it is pending, ask again."""
        upload_id = request.path_params["id"]
        return _reply(upload_id, await to_thread.run_sync(uploads.outcome, upload_id))

    return router


def _reply(upload_id: str, outcome: Classification | Rejection | None) -> Pending | Done | Rejected:
    match outcome:
        case None:
            return Pending(id=upload_id, status="pending")
        case Rejection():
            return Rejected(id=upload_id, status="rejected", **vars(outcome))
        case Classification():
            return Done(id=upload_id, status="done", **Answer.of(outcome).model_dump())
