"""What is to be done before AWS Lambda SnapStart takes a snapshot of this process, and after one is restored.

A snapshot is restored again and again, days later, on other machines: what is unique, connected, secret or read from
a clock must not be in it. Where there is no SnapStart, none of this happens.
"""

import os
import random
from collections.abc import Callable
from time import perf_counter
from typing import Final

# Lambda's runtime runs hooks only then; its library for them, which is no part of this package, is there as well.
_TAKEN: Final = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"

_restored_at = 0.0


def before_snapshot(hook: Callable[[], object]) -> None:
    if _TAKEN:
        from snapshot_restore_py import register_before_snapshot  # noqa: PLC0415  not everywhere

        register_before_snapshot(hook)


def after_restore(hook: Callable[[], object]) -> None:
    """Those that are registered first run first."""
    if _TAKEN:
        from snapshot_restore_py import register_after_restore  # noqa: PLC0415  not everywhere

        register_after_restore(hook)


def seconds_since_restore() -> float:
    return perf_counter() - _restored_at


def _restore() -> None:
    global _restored_at  # noqa: PLW0603  a process has one clock
    _restored_at = perf_counter()
    random.seed()  # else all would wait for the same "random" times before they try again


after_restore(_restore)
