"""Route `/corrections`: store what an image really shows. It is only there if the setting CORRECTIONS says where."""

import reprlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from handler.api.corrections import SIDE, Correction, add_correction, correction_store, pixels_alone
from handler.api.predictor import Predictor
from handler.api.presigned_uploads import s3_client
from handler.api.problems import IMAGE_ERRORS, problem_responses
from handler.api.requests.body import Body, received_body
from handler.api.requests.images import image_in
from handler.api.requests.options import refuse_explain, refuse_top_k
from handler.api.routes.classify import ONE_IMAGE
from handler.api.routes.refused_options import refuse_query_options
from handler.bounded_int import bounded_int
from handler.contract import Label, ModelCard
from handler.errors import NotFound, Unavailable, WrongParameter
from handler.inference.budget import Budget
from handler.result_keys import NO_CLASS, class_folders
from handler.settings import Settings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_OFF: Final = "this service takes no corrections; the setting CORRECTIONS can switch them on"
_INSTEAD_OF_TOP_K: Final = "a correction names one class, by 'class_id'"


class StoredCorrection(BaseModel):
    """The correction is stored, be it by this request or by an earlier one."""

    id: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="The hash of the picture that is stored.")]
    class_id: Annotated[int | None, Field(description="What the image shows; null: none of the classes.")]
    label: str | None


def correction_routes(
    predictor: Predictor, card: ModelCard, settings: Settings, connect: "Callable[[Settings], S3Client]" = s3_client
) -> APIRouter:
    """`/corrections`, which answers 404 if `settings.corrections` is empty."""
    router = APIRouter(tags=["Correct"])
    if not settings.corrections:
        router.add_api_route("/corrections", _refuse, methods=["POST"], include_in_schema=False)
        return router
    store = correction_store(settings, connect)
    folders = class_folders([label.english for label in card.labels])
    class_ids: dict[str, Any] = {"enum": [*(str(label.class_id) for label in card.labels), NO_CLASS]}
    description = f"The class that the image shows, or `{NO_CLASS}` of them."
    class_id_query = Query(description=description, json_schema_extra=class_ids)

    def corrected(budget: Budget, body: Body, label: Label | None) -> Correction:
        image, options = image_in(body)
        refuse_top_k(options.top_k is not None, _INSTEAD_OF_TOP_K)
        refuse_explain(options.explain)
        picture = pixels_alone(predictor.picture(image, SIDE, budget))
        folder = folders[label.class_id] if label else NO_CLASS
        return Correction(picture, label, folder, predictor.guess(picture), card.version)

    @router.post(
        "/corrections",
        status_code=201,
        dependencies=[refuse_query_options(_INSTEAD_OF_TOP_K)],
        responses=problem_responses(*IMAGE_ERRORS, WrongParameter, Unavailable),
        openapi_extra={"requestBody": ONE_IMAGE},
    )
    async def correct(request: Request, class_id: Annotated[str, class_id_query]) -> StoredCorrection:
        """Store what an image really shows, for training; of the image, its pixels alone are kept."""
        label = _label(class_id, card)
        body = await received_body(request.scope, request.receive, settings.max_body_bytes)
        correction = await predictor.bulkheads.run(request.is_disconnected, body.bytes_to_parse, corrected, body, label)
        await to_thread.run_sync(add_correction, correction, store)
        return StoredCorrection(
            id=correction.id, class_id=label.class_id if label else None, label=label.english if label else None
        )

    return router


async def _refuse() -> None:
    raise NotFound(_OFF)


def _label(class_id: str, card: ModelCard) -> Label | None:
    highest = len(card.labels) - 1
    number = bounded_int(class_id, 0, highest)
    if number is None and class_id != NO_CLASS:
        rule = f"should be a whole number from 0 to {highest}, or {NO_CLASS!r}"
        raise WrongParameter(f"class_id: it {rule}, but is {reprlib.repr(class_id)}")
    return None if number is None else card.labels[number]
