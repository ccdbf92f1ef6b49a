"""Where the project is, and what is free on this machine."""

import socket
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parent.parent


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
