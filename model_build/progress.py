"""Progress bars on the terminal."""

from collections.abc import Iterable
from typing import TypeVar

from rich.console import Console
from rich.progress import track as rich_track

Item = TypeVar("Item")


def track(items: Iterable[Item], description: str, total: int | None = None) -> Iterable[Item]:
    """Yield `items`; the bar goes to standard error, and only to a terminal."""
    console = Console(stderr=True)
    return rich_track(items, description, total=total, console=console, transient=True, disable=not console.is_terminal)
