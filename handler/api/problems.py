"""Turn errors into responses: application/problem+json (RFC 9457) for every error, expected or not.

`framework` registers the same for FastAPI, whose own errors it translates into these.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Final

from handler.api.response import ApiResponse
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


class HttpError(Exception):
    """A response of HTTP's own statuses, such as 408, with what is wrong and headers."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers or {}


@dataclass(frozen=True)
class ProblemDetails:
    """Why a request failed; see `schemas.Problem` for the members."""

    type: str
    title: str
    status: int
    detail: str

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "error": self.detail}


def problem_responses(*errors: type[ClassifierError]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's ``responses`` for a route that can fail with `errors`."""
    titles: defaultdict[int, list[str]] = defaultdict(list)
    for error in errors:
        titles[error.status].append(error.title)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": ", or: ".join(names), "content": content} for status, names in titles.items()}


def is_expected(error: Exception) -> bool:
    """Whether `error` is the request's or the moment's; any other is an error of this program, for the log."""
    return isinstance(error, ClassifierError | HttpError | MemoryError)


def problem_response(error: Exception) -> ApiResponse:
    """The response to a request that `error` has ended."""
    problem = problem_of(error)
    # Plain ASCII, since a detail may quote the request, even half of a surrogate pair.
    content = json.dumps(problem.document()).encode()
    return ApiResponse(content, MEDIA_TYPE, problem.status, _headers(error))


def problem_of(error: Exception) -> ProblemDetails:
    """The problem document of `error`."""
    match error:
        case ClassifierError():
            return _of_classifier(error)
        case MemoryError():
            return _of_classifier(OutOfMemory("too little memory is free now; send the request again later"))
        case HttpError():
            return ProblemDetails("about:blank", HTTPStatus(error.status).phrase, error.status, error.detail)
        case _:
            return problem_of(HttpError(500, "internal server error; the log has the details"))


def _headers(error: Exception) -> Mapping[str, str]:
    match error:
        case OutOfMemory() | OutOfTime() | MemoryError():
            return _RETRY_AFTER
        case HttpError():
            return error.headers
        case _:
            return {}


def _of_classifier(error: ClassifierError) -> ProblemDetails:
    kebab_case = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()
    return ProblemDetails(f"urn:problem:{kebab_case}", error.title, error.status, str(error))
