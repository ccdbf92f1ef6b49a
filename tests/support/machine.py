"""Paths, ports and optional tools of this machine."""

import os
import socket
from pathlib import Path
from typing import Final, NoReturn

import pytest

PROJECT: Final = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def missing(reason: str) -> NoReturn:
    """Skip the test; on CI, fail it."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
