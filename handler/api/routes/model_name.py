"""Check the model name in a path: there is one model, under one name or several."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Path

from handler.errors import NotFound


def require_model(*names: str) -> Callable[..., Awaitable[None]]:
    """A dependency for routes with `{model}` in their path. Raises NotFound for every model but `names`."""
    path = Path(json_schema_extra={"enum": [*names]})
    known = f"the only model is {names[0]!r}" if len(names) == 1 else f"the models are {' and '.join(map(repr, names))}"

    async def check(model: Annotated[str, path]) -> None:
        if model not in names:
            raise NotFound(f"no model {model!r}; {known}")

    return check
