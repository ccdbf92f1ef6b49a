"""Hand a response that is encoded already to FastAPI, which sends it as it is."""

from fastapi import Response

from handler.api.response import ApiResponse


def as_starlette(response: ApiResponse) -> Response:
    """The same as an object of the framework."""
    return Response(response.content, response.status, dict(response.headers), response.media_type)
