"""Mutate JSON as JSON: bytes that are changed at random are seldom JSON at all."""

import json
import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final

POISON: Final[tuple[Any, ...]] = (
    *(None, True, 0, -1, 5, 2.5, 10**30, "", "a", "%", "%2", "a/b", "\ud800", "{}", "[]", "null", "x" * 300, "é\0\n"),
    *([], {}, [[]], {"": None}, ["a"], {"name": {}}, [None], [0, {}]),
)


def mutated(data: bytes, seed: int, otherwise: Callable[[], bytes]) -> bytes:
    """`data` with a few of its values changed, removed, doubled or moved; or as `otherwise` has it if it is no JSON."""
    rng = random.Random(seed)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return otherwise()
    if rng.random() < 0.1:
        return otherwise()
    for _ in range(rng.randint(1, 4)):
        document = _changed(document, rng)
    return json.dumps(document).encode()


def _changed(value: Any, rng: random.Random) -> Any:
    """`value` with one change, at a random depth."""
    if isinstance(value, str) and rng.random() < 0.7:
        return _changed_in_text(value, rng)
    if not isinstance(value, dict | list) or not value or rng.random() < 0.05:
        return deepcopy(rng.choice(POISON))
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key, other = rng.choice(keys), rng.choice(keys)
    match rng.randrange(10):
        case 0:
            del value[key]
        case 1:
            value[key] = deepcopy(value[other])
        case 2 if isinstance(value, list):
            value.append(deepcopy(value[key]))
        case 3 if isinstance(value, dict):
            value[rng.choice(["", "Records", "s3", "body", "Message", "detail", "requestContext"])] = deepcopy(
                value[key]
            )
        case _:
            value[key] = _changed(value[key], rng)
    return value


def _changed_in_text(text: str, rng: random.Random) -> str:
    """Text may hold JSON itself, as the body of a message does."""
    if text.startswith(("{", "[")) and rng.random() < 0.8:
        try:
            return json.dumps(_changed(json.loads(text), rng))
        except (ValueError, RecursionError):
            pass
    at = rng.randrange(len(text) + 1)
    return (
        text[:at]
        + rng.choice(["", "%", "+", "\0", "é", "\ud800", "/", "9" * 50, "Z", " "])
        + text[at + rng.randrange(3) :]
    )
