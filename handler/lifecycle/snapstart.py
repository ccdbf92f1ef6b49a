"""Hooks of AWS Lambda SnapStart: before a snapshot of this process is taken, and after one is restored.

A snapshot is restored many times, days later and on other machines. It must not contain anything that is unique,
connected, secret or read from a clock. Without SnapStart no hook runs.
"""

import os
import random
from collections.abc import Callable
from time import perf_counter
from typing import Final

# Lambda's runtime has the library for hooks, snapshot_restore_py; it runs them only under SnapStart.
_ENABLED: Final = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"

_restored_at = 0.0


def before_snapshot(hook: Callable[[], object]) -> None:
    """Register a hook that runs before the snapshot is taken."""
    if _ENABLED:
        from snapshot_restore_py import register_before_snapshot  # noqa: PLC0415  only on Lambda

        register_before_snapshot(hook)


def after_restore(hook: Callable[[], object]) -> None:
    """Register a hook that runs after each restore; hooks run in the order of their registration."""
    if _ENABLED:
        from snapshot_restore_py import register_after_restore  # noqa: PLC0415  only on Lambda

        register_after_restore(hook)


def seconds_since_restore() -> float:
    return perf_counter() - _restored_at


def _restore() -> None:
    global _restored_at  # noqa: PLW0603  a process has one clock
    _restored_at = perf_counter()
    random.seed()  # else all restored processes would pause for the same "random" times before a retry


after_restore(_restore)
