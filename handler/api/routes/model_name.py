"""The one model that there is, and the error for any other that a path names."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Path

from handler.errors import NotFound


def knows(name: str) -> Callable[..., Awaitable[None]]:
    """A dependency of routes with `{model}` in their path. Raises NotFound for every model but `name`."""
    path = Path(json_schema_extra={"enum": [name]})

    async def check(model: Annotated[str, path]) -> None:
        if model != name:
            raise NotFound(f"there is no model {model!r} here, only {name!r}")

    return check
