"""Refuse `top_k` and `explain` in the query of routes that cannot follow them; other names are ignored everywhere."""

from typing import Annotated

from fastapi import Depends, Query
from fastapi.params import Depends as Dependency

from handler.api.requests.options import refuse_explain, refuse_top_k


def refuse_query_options(instead_of_top_k: str) -> Dependency:
    """A dependency for such routes. It raises WrongParameter."""

    async def check(
        top_k: Annotated[str | None, Query(include_in_schema=False)] = None,
        explain: Annotated[bool, Query(include_in_schema=False)] = False,
    ) -> None:
        refuse_top_k(top_k is not None, instead_of_top_k)
        refuse_explain(explain)

    dependency: Dependency = Depends(check)
    return dependency
