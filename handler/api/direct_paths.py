"""Answer what most clients send, POST of images to exact paths, without FastAPI; pass all else on to it.

FastAPI and what it imports take more than half of a cold start, and its routing as long as a small image. It has the
same paths, for query parameters and for the documentation.
"""

from collections.abc import Awaitable, Callable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from handler.api.problems import is_expected, problem_response
from handler.api.response import ApiResponse

Answer = Callable[[Scope, Receive], Awaitable[ApiResponse]]


class DirectPaths:
    """ASGI app: `answers` by their paths, and the app `otherwise`."""

    def __init__(self, answers: Mapping[str, Answer], otherwise: ASGIApp) -> None:
        self._answers, self._otherwise = answers, otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answers.get(_path(scope)) if _is_post_without_query(scope) else None
        if answer is None:
            await self._otherwise(scope, receive, send)
        else:
            await _send_answer(answer, scope, receive, send)


async def _send_answer(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        response = await answer(scope, receive)
    except Exception as error:
        await problem_response(error).send(send)
        if not is_expected(error):
            raise  # so that the server logs it with its traceback, as FastAPI does
        return
    await response.send(send)


def _is_post_without_query(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["method"] == "POST" and not scope["query_string"]


def _path(scope: Scope) -> str:
    """The path without ASGI's root path, as Starlette routes it."""
    path, root_path = str(scope["path"]), scope.get("root_path", "")
    return path[len(root_path) :] if root_path and path.startswith(f"{root_path}/") else path
