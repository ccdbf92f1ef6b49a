"""Check the model name in a path: there is one model."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Path

from handler.errors import NotFound


def require_model(name: str) -> Callable[..., Awaitable[None]]:
    """A dependency for routes with `{model}` in their path. Raises NotFound for every model but `name`."""
    path = Path(json_schema_extra={"enum": [name]})

    async def check(model: Annotated[str, path]) -> None:
        if model != name:
            raise NotFound(f"no model {model!r}; the only model is {name!r}")

    return check
