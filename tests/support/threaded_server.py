"""A uvicorn server in a thread of this process, with the sockets and the shutdown of `serve`."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from handler.serving.server import Server, listen
from tests.support.machine import free_port


@contextmanager
def threaded_server(app: Any, http: Any, **options: Any) -> Iterator[tuple[str, int]]:
    """Serve `app` by the connections `http`, with uvicorn's other `options`, at the address that this yields."""
    (listener,) = listen("127.0.0.1", free_port())
    server = Server(uvicorn.Config(app, http=http, log_config=None, lifespan="off", **options))
    thread = threading.Thread(target=server.run, args=([listener],))
    address: tuple[str, int] = listener.getsockname()
    thread.start()
    yield address
    server.should_exit = True
    thread.join()
