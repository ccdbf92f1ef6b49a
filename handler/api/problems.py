"""Turn errors into responses: application/problem+json (RFC 9457) for every error, expected or not."""

import json
import re
import reprlib
from collections import defaultdict
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from handler.errors import (
    BadRequest,
    BrokenImage,
    ClassifierError,
    NotAnImage,
    OutOfMemory,
    OutOfTime,
    TooComplex,
    TooManyBytes,
    TooManyPixels,
    UnknownEncoding,
    WrongParameter,
)

MEDIA_TYPE: Final = "application/problem+json"

# The errors of every route that takes images
IMAGE_ERRORS: Final = (
    BadRequest,
    TooManyBytes,
    TooManyPixels,
    NotAnImage,
    UnknownEncoding,
    BrokenImage,
    TooComplex,
    OutOfMemory,
    OutOfTime,
)

_RETRY_AFTER: Final = {"Retry-After": "1"}  # seconds; an image takes no longer
# By pydantic's error types, with the values of its `ctx`; its own messages are not written for users of an API.
_RULES: Final[Mapping[str, str]] = {
    "bool_parsing": "should be true or false",
    "greater_than_equal": "should be at least {ge}",
    "int_parsing": "should be a whole number",
    "int_parsing_size": "should be a whole number",
    "less_than_equal": "should be at most {le}",
    "literal_error": "should be {expected}",
}


class Problem(BaseModel):
    """Why a request failed."""

    type: Annotated[str, Field(description="Names the kind of problem, for programs.")]
    title: Annotated[str, Field(description="Names the kind of problem, for people.")]
    status: int
    detail: Annotated[str, Field(description="What is wrong with this request.")]
    error: Annotated[str, Field(description="The same as `detail`, for clients that look for this name.")]


def add_problem_handlers(app: FastAPI) -> None:
    """Register exception handlers: every error of `app` becomes a problem+json response."""
    for kind in (ClassifierError, RequestValidationError, HTTPException, ClientDisconnect, MemoryError, Exception):
        app.add_exception_handler(kind, _respond)


def problem_responses(*errors: type[ClassifierError]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's ``responses`` for a route that can fail with `errors`."""
    titles: defaultdict[int, list[str]] = defaultdict(list)
    for error in errors:
        titles[error.status].append(error.title)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": ", or: ".join(names), "content": content} for status, names in titles.items()}


async def _respond(_: Request, error: Exception) -> Response:
    problem = problem_of(error)
    return Response(
        # Plain ASCII, since a detail may quote the request, even half of a surrogate pair.
        json.dumps(problem.model_dump()),
        status_code=problem.status,
        headers=_headers(error),
        media_type=MEDIA_TYPE,
    )


def _headers(error: Exception) -> Mapping[str, str] | None:
    match error:
        case OutOfMemory() | OutOfTime() | MemoryError():
            return _RETRY_AFTER
        case HTTPException():
            return error.headers
        case _:
            return None


def problem_of(error: Exception) -> Problem:
    """The problem document of `error`."""
    match error:
        case ClassifierError():
            return _of_classifier(error)
        case RequestValidationError():
            return _of_classifier(WrongParameter("; ".join(map(_sentence, error.errors()))))
        case ClientDisconnect():
            return _of_classifier(BadRequest("the client disconnected before its request was begun"))
        case MemoryError():
            return _of_classifier(OutOfMemory("too little memory is free now; send the request again later"))
        case HTTPException():
            return _of_http(error)
        case _:
            # Starlette raises it again after this response, so that the server logs it with its traceback.
            return _of_http(HTTPException(500, "internal server error; the log has the details"))


def _of_classifier(error: ClassifierError) -> Problem:
    kebab_case = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()
    return _with_detail(f"urn:problem:{kebab_case}", error.title, error.status, str(error))


def _of_http(error: HTTPException) -> Problem:
    allowed = (error.headers or {}).get("Allow")
    details = {
        404: "no such path",
        405: f"method not allowed; this path takes {allowed}",
    }
    detail = details.get(error.status_code, error.detail)
    return _with_detail("about:blank", HTTPStatus(error.status_code).phrase, error.status_code, detail)


def _with_detail(kind: str, title: str, status: int, detail: str) -> Problem:
    return Problem(type=kind, title=title, status=status, detail=detail, error=detail)


def _sentence(error: dict[str, Any]) -> str:
    if error["type"] == "missing":
        return f"{error['loc'][-1]}: it is missing"
    rule = _RULES.get(error["type"], "is not valid").format_map(error.get("ctx", {}))
    return f"{error['loc'][-1]}: it {rule}, but is {reprlib.repr(error.get('input'))}"
