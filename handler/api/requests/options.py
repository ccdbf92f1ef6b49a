"""Read the parameters `top_k` and `explain` from forms and from JSON; the query string has the same ones."""

import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from handler.api.requests.json_values import whole_number
from handler.bounded_int import bounded_int
from handler.errors import WrongParameter

_TOP_K: Final = "top_k"
_EXPLAIN: Final = "explain"
_MAX_TOP_K: Final = 10**9  # a first bound for any text; routes with a lower one check it
_SWITCHES: Final = {"true": True, "on": True, "false": False, "off": False}  # browsers send "on" for a ticked box


@dataclass(frozen=True)
class Options:
    """The parameters in a request's body; None if it has none."""

    top_k: int | None = None
    explain: bool | None = None

    def top_k_up_to(self, highest: int, default: int) -> int:
        """`top_k`, or `default`, the query string's. Raises WrongParameter."""
        if self.top_k is not None and self.top_k > highest:
            raise WrongParameter(f"{_TOP_K!r} should be at most {highest}, but is {self.top_k}")
        return default if self.top_k is None else self.top_k


def options_in_form(fields: Iterable[tuple[str, bytes]]) -> Options:
    """The last of the fields of each name. Raises WrongParameter."""
    given = {name: content.decode("utf-8", "replace").strip() for name, content in fields if name in (_TOP_K, _EXPLAIN)}
    top_k, explain = given.get(_TOP_K), given.get(_EXPLAIN)
    return Options(
        None if top_k is None else _checked_top_k(bounded_int(top_k, 1, _MAX_TOP_K), top_k),
        None if explain is None else _checked_explain(_SWITCHES.get(explain.lower()), explain),
    )


def options_in_json(document: Any) -> Options:
    """Of a JSON object, or else of its member `parameters`; null counts as absent. Raises WrongParameter."""
    if not isinstance(document, dict):
        return Options()
    own, others = _options_of(document), _options_of(document.get("parameters"))
    return Options(
        others.top_k if own.top_k is None else own.top_k, others.explain if own.explain is None else own.explain
    )


def refuse_options(objects: Iterable[Mapping[str, Any]], instead_of_top_k: str) -> None:
    """As `refuse_top_k` and `refuse_explain`, for JSON objects and their members `parameters`."""
    for each in objects:
        for members in (each, each.get("parameters")):
            if isinstance(members, Mapping):
                refuse_top_k(_TOP_K in members, instead_of_top_k)
                refuse_explain(_explain_of(members))


def refuse_top_k(is_given: bool, instead: str) -> None:
    """Raise WrongParameter, which says what there is `instead`, on a route that has no `top_k`."""
    if is_given:
        raise WrongParameter(f"{_TOP_K!r} is not a parameter here: {instead}")


def refuse_explain(is_asked: bool | None) -> None:
    """Raise WrongParameter on a route that cannot explain."""
    if is_asked:
        raise WrongParameter(f"{_EXPLAIN!r} is not a parameter here: send the image to /classify")


def _options_of(members: Any) -> Options:
    if not isinstance(members, dict):
        return Options()
    top_k = members.get(_TOP_K)
    return Options(None if top_k is None else _checked_top_k(whole_number(top_k), top_k), _explain_of(members))


def _explain_of(members: Mapping[str, Any]) -> bool | None:
    explain = members.get(_EXPLAIN)
    return None if explain is None else _checked_explain(explain if isinstance(explain, bool) else None, explain)


def _checked_top_k(number: int | None, given: Any) -> int:
    if number is None or number < 1:
        raise WrongParameter(f"{_TOP_K!r} should be a whole number from 1 on, but is {reprlib.repr(given)}")
    return number


def _checked_explain(switch: bool | None, given: Any) -> bool:
    if switch is None:
        raise WrongParameter(f"{_EXPLAIN!r} should be true or false, but is {reprlib.repr(given)}")
    return switch
