"""Serve the API until a signal: in this process, or in several worker processes that share the sockets."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from handler.serving.server import BoundedConfig, Server, listen, listen_at_path, log_address

_APP: Final = "handler.serving.app"
_DIVIDES_CONNECTIONS: Final = sys.platform == "linux"  # among several sockets at one address
_METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads it when it is imported


@dataclass(frozen=True)
class ServeOptions:
    """Where to listen, and with how many processes; `uds` is the path of a Unix domain socket."""

    host: str
    port: int
    root_path: str = ""
    uds: str | None = None
    workers: int = 1


def serve(options: ServeOptions) -> None:
    """Serve until SIGINT or SIGTERM; requests in progress are completed. Raises CannotListen."""
    with _listening(options) as sockets:
        if options.workers > 1:
            _serve_by_workers(options, sockets)
        else:
            _serve_here(options, sockets)


class WorkerConfig(BoundedConfig):
    """uvicorn's configuration in a worker process."""

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop] | None:
        """Load the app first: uvicorn would import it in a running event loop, but its warm-up runs one itself."""
        try:
            import_module(_APP)
        except Exception:
            logging.getLogger("uvicorn.error").exception("the app cannot be loaded")
            sys.exit(STARTUP_FAILURE)  # uvicorn then stops, instead of starting workers without end
        return super().get_loop_factory()


class _Workers(Multiprocess):
    """Worker processes with a socket each, so that all get connections; one that replaces another has all sockets.

    Of a socket that they share, the process that Linux wakes first takes all connections that come at once.
    """

    def init_processes(self) -> None:
        """Start all processes."""
        for index in range(self.processes_num):
            process = Process(self.config, self.sockets[index :: self.processes_num])
            process.start()
            self.processes.append(process)


@contextmanager
def _listening(options: ServeOptions) -> Iterator[list[socket.socket]]:
    sockets = _sockets(options)
    try:
        yield sockets
    finally:
        for each in sockets:
            each.close()
        if options.uds:
            Path(options.uds).unlink(missing_ok=True)


def _sockets(options: ServeOptions) -> list[socket.socket]:
    if options.uds:
        return [listen_at_path(options.uds)]
    return listen(options.host, options.port, options.workers if _DIVIDES_CONNECTIONS else 1)


def _serve_here(options: ServeOptions, sockets: list[socket.socket]) -> None:
    from handler.serving.app import app  # noqa: PLC0415  it loads the model and the web framework

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C, so that what follows cleans up
    with suppress(KeyboardInterrupt):  # which uvicorn raises again after its shutdown
        Server(BoundedConfig(app, options.root_path)).run(sockets)


def _serve_by_workers(options: ServeOptions, sockets: list[socket.socket]) -> None:
    config = WorkerConfig(f"{_APP}:app", options.root_path, options.workers)
    with _shared_metrics():
        have_their_own = _DIVIDES_CONNECTIONS and not options.uds
        for each in sockets[:: options.workers] if have_their_own else sockets:
            log_address(each)  # connections wait until a worker has loaded the model
        (_Workers if have_their_own else Multiprocess)(config, sockets).run()


@contextmanager
def _shared_metrics() -> Iterator[None]:
    """A folder for the counts of all workers; it outlives a worker that is replaced."""
    with TemporaryDirectory(prefix="clothes-classifier-") as folder:
        os.environ.setdefault(_METRICS_FOLDER, folder)
        yield
