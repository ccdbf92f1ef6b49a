"""Start uvicorn: the sockets to listen at, its configuration, and the bounds of its shutdown."""

import errno
import logging
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from handler.serving.connections import BoundedConnection

# Images that are being classified then get a moment more; `docker stop` waits for 10 seconds.
_SHUTDOWN_SECONDS: Final = int(BoundedConnection.drain_seconds) + 3
_BACKLOG: Final = 2048  # as uvicorn's own
_HIGHEST_PORT: Final = 65_535
_FOR_ALL_USERS: Final = 0o666  # a proxy runs as another user; the permissions of the folder limit who may connect

# An address of a family that this machine does not use, such as IPv6's for "localhost" in a container.
_UNUSED_FAMILY: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class CannotListen(Exception):
    """The server cannot listen there; ``str(error)`` says why."""


class Server(uvicorn.Server):
    """uvicorn with sockets that already listen, which it logs as it does its own."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for each in sockets or ():
            log_address(each)


def log_address(listener: socket.socket) -> None:
    """Log where the server listens, in uvicorn's words."""
    address = _address(listener.getsockname())
    logging.getLogger("uvicorn.error").info("Uvicorn running on %s (Press CTRL+C to quit)", address)


class BoundedConfig(uvicorn.Config):
    """uvicorn's configuration, with the bounds of `BoundedConnection` (for each worker) and of a shutdown."""

    def __init__(self, app: ASGIApp | str, root_path: str = "", workers: int = 1) -> None:
        super().__init__(
            app,
            http=BoundedConnection,
            ws="none",
            root_path=root_path,
            server_header=False,
            access_log=False,  # `access_log` writes it
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            workers=workers,
        )


def listen(host: str, port: int, each: int = 1) -> list[socket.socket]:
    """`each` sockets at each address of `host`. Raises CannotListen if there are none, or one is in use.

    Linux divides connections among sockets at one address. Elsewhere it must be one.
    """
    try:
        sockets = _listen(host, port)
        return [copy for one in sockets for copy in _copies(one, each)] if each > 1 else sockets
    except UnicodeError as error:
        raise CannotListen(f"cannot listen at {host!r}: not a host name") from error
    except OSError as error:
        reason, *_ = str(error.strerror).split(" (")  # Python adds the address, in parentheses
        advice = ""
        if error.errno == errno.EADDRINUSE:
            advice = f"; set another port, for example PORT={port + 1 if port < _HIGHEST_PORT else port - 1}"
        raise CannotListen(f"cannot listen at {host!r}, port {port}: {reason}{advice}") from error


def listen_at_path(path: str) -> socket.socket:
    """A Unix domain socket; one that a killed server left behind is replaced. Raises CannotListen."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        listener.bind(path)
        Path(path).chmod(_FOR_ALL_USERS)
        listener.listen(_BACKLOG)
    except (OSError, ValueError) as error:  # ValueError: a null character
        listener.close()
        raise CannotListen(f"cannot listen at {path!r}: {getattr(error, 'strerror', None) or error}") from error
    return listener


def _remove_stale(path: str) -> None:
    """Remove a socket at which nobody listens; anything else stays, and binding to it fails."""
    if not Path(path).is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()


def _copies(listener: socket.socket, count: int) -> list[socket.socket]:
    """As many in place of `listener`, whose address nobody else uses, which they themselves could not tell."""
    family, address = listener.family, listener.getsockname()
    listener.close()
    copies = [socket.create_server(address, family=family, backlog=_BACKLOG, reuse_port=True) for _ in range(count)]
    for each in copies:
        _send_at_once(each)
    return copies


def _send_at_once(listener: socket.socket) -> None:
    """Else a reply's body waits up to 40 ms for the acknowledgement of its head, in asyncio."""
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _address(name: str | tuple[str, int]) -> str:
    """A URL; for the name of a Unix domain socket, its path."""
    if isinstance(name, str):
        return f"unix socket {name}"
    host, port = name[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _listen(host: str, port: int) -> list[socket.socket]:
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
    for listener in sockets:
        _send_at_once(listener)
    return sockets
