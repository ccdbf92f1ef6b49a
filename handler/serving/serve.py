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
from uvicorn.supervisors import Multiprocess

from handler.serving.server import BoundedConfig, Server, listen, listen_at_path, log_address

_APP: Final = "handler.serving.app"
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


@contextmanager
def _listening(options: ServeOptions) -> Iterator[list[socket.socket]]:
    sockets = [listen_at_path(options.uds)] if options.uds else listen(options.host, options.port)
    try:
        yield sockets
    finally:
        for each in sockets:
            each.close()
        if options.uds:
            Path(options.uds).unlink(missing_ok=True)


def _serve_here(options: ServeOptions, sockets: list[socket.socket]) -> None:
    from handler.serving.app import app  # noqa: PLC0415  it loads the model and the web framework

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C, so that what follows cleans up
    with suppress(KeyboardInterrupt):  # which uvicorn raises again after its shutdown
        Server(BoundedConfig(app, options.root_path)).run(sockets)


def _serve_by_workers(options: ServeOptions, sockets: list[socket.socket]) -> None:
    config = WorkerConfig(f"{_APP}:app", options.root_path, options.workers)
    with _shared_metrics():
        for each in sockets:  # connections wait until a worker has loaded the model
            log_address(each)
        Multiprocess(config, sockets).run()


@contextmanager
def _shared_metrics() -> Iterator[None]:
    """A folder for the counts of all workers; it outlives a worker that is replaced."""
    with TemporaryDirectory(prefix="clothes-classifier-") as folder:
        os.environ.setdefault(_METRICS_FOLDER, folder)
        yield
