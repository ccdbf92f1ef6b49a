"""Start uvicorn: the sockets to listen at, its configuration, and the bounds of its shutdown and its free memory."""

import ctypes
import errno
import logging
import platform
import socket
from contextlib import ExitStack
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from handler.serving.connections import BoundedConnection

# Images that are being classified then get a moment more; `docker stop` waits for 10 seconds.
_SHUTDOWN_SECONDS: Final = int(BoundedConnection.drain_seconds) + 3
_ARENA_MAX: Final = -8  # mallopt(3): M_ARENA_MAX
_ARENAS: Final = 2
_BACKLOG: Final = 2048  # as uvicorn's own

# An address of a family that this machine does not use, such as IPv6's for "localhost" in a container.
_UNUSED_FAMILY: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class Server(uvicorn.Server):
    """uvicorn with sockets that already listen, which it logs as it does its own."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        _bound_free_memory()
        await super().startup(sockets)
        for each in sockets or ():
            host, port = each.getsockname()[:2]
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            logging.getLogger("uvicorn.error").info("Uvicorn running on http://%s (Press CTRL+C to quit)", address)


def _bound_free_memory() -> None:
    """Let all threads share two pools of free memory: of its own, each would keep what large images took."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS)


def server_config(app: ASGIApp, root_path: str = "") -> uvicorn.Config:
    """uvicorn's configuration, with the bounds of `BoundedConnection` and of a shutdown."""
    return uvicorn.Config(
        app,
        http=BoundedConnection,
        root_path=root_path,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen at all addresses of `host`. Raises OSError if there are none, or one is in use."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    unused: list[OSError] = []
    with ExitStack() as on_error:
        sockets = []
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
            try:
                sockets.append(on_error.enter_context(socket.create_server(address, family=family, backlog=_BACKLOG)))
            except OSError as error:
                if error.errno not in _UNUSED_FAMILY:
                    raise
                unused.append(error)
        if not sockets:
            raise unused[0]
        on_error.pop_all()
    return sockets
