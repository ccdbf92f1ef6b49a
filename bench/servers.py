"""The servers to be compared: this project's `serve`, and peers with the same ONNX file; how to start and ask each."""

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import IO, Final

from bench.environments import PROJECT, Checkout, environment, group
from bench.load import Payload, ServerUnavailable, post, wait_until_ready
from bench.processes import tree
from bench.requests import DOUBTFUL, KINDS, PHOTO, RAW, SMALL, TENSOR_BINARY, TENSOR_JSON

_PEERS: Final = Path(__file__).with_name("peers")
_MODEL: Final = PROJECT / "handler" / "model" / "classifier.onnx"
_STOP_SECONDS: Final = 20
_INFER: Final = "/v2/models/fashion-mnist/infer"


@dataclass(frozen=True)
class Server:
    """A server: `command` starts it on a port; `paths` has the kinds of requests that it answers."""

    name: str
    paths: Mapping[str, str]
    command: Callable[[int], list[str]]  # may install it, and raise CannotMeasure
    folder: Path = _PEERS
    variables: Callable[[int], Mapping[str, str]] = field(default=lambda _: {})


@dataclass(frozen=True)
class Running:
    """A server that has answered; `seconds` from its start to its first response.

    `payloads` by kind have what each correct response contains.
    """

    server: Server
    pid: int
    url: str
    seconds: float
    payloads: Mapping[str, Payload]

    def address(self, kind: str) -> str:
        return self.url + self.server.paths[kind]


def serve(checkout: Checkout, workers: int = 1) -> Server:
    """This project, or another commit of it."""
    further = ["--workers", str(workers)] if workers > 1 else []
    paths = dict.fromkeys((SMALL, DOUBTFUL, RAW, PHOTO), "/classify")
    paths |= dict.fromkeys((TENSOR_JSON, TENSOR_BINARY), _INFER)
    return Server(
        checkout.name if workers == 1 else f"{checkout.name}, {workers} workers",
        paths,
        lambda port: [str(checkout.python), "-m", "handler", "serve", "--port", str(port), *further],
        checkout.folder,
    )


def peers() -> list[Server]:
    classify = dict.fromkeys((SMALL, DOUBTFUL, PHOTO), "/classify")
    return [
        Server(
            "FastAPI",
            {**classify, RAW: "/raw"},
            lambda port: _python("fastapi", "-m", "uvicorn", "fastapi_server:app", f"--port={port}", "--no-access-log"),
        ),
        Server("LitServe", classify, lambda port: _python("litserve", "litserve_server.py", str(port))),
        Server(
            "BentoML",
            classify,
            lambda port: _python(
                *("bentoml", "-m", "bentoml", "serve", "bentoml_service:Classifier"),
                *("--host=127.0.0.1", f"--port={port}"),
            ),
        ),
        Server(
            "MLServer",
            {TENSOR_JSON: _INFER},
            lambda _: _python("mlserver", "-m", "mlserver.cli.main", "start", "."),
            _PEERS / "mlserver_model",
            lambda port: {
                "MLSERVER_HTTP_PORT": str(port),
                "MLSERVER_GRPC_PORT": str(_free_port()),
                "MLSERVER_METRICS_PORT": str(_free_port()),
            },
        ),
    ]


@contextmanager
def running(server: Server) -> Iterator[Running]:
    """Start `server` without showing its log. Raises CannotMeasure."""
    port, kind = _free_port(), next(iter(server.paths))
    path = os.pathsep.join(map(str, (_PEERS, server.folder)))
    settings = {"MODEL": str(_MODEL), "PYTHONPATH": path, "BENTOML_DO_NOT_TRACK": "1", **server.variables(port)}
    command, url = server.command(port), f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log:
        began = perf_counter()
        with subprocess.Popen(
            command, cwd=server.folder, env={**os.environ, **settings}, stdout=log, stderr=log
        ) as process:
            try:
                wait_until_ready(url + server.paths[kind], KINDS[kind].payload, lambda: process.poll() is None)
                seconds = perf_counter() - began
                payloads = {each: _payload(each, url + path) for each, path in server.paths.items()}
                yield Running(server, process.pid, url, seconds, payloads)
            except ServerUnavailable as error:
                raise ServerUnavailable(f"{server.name}: {error}; its log ends with {_end(log)!r}") from error
            finally:
                started = list(tree(process.pid))
                process.terminate()
                process.wait(_STOP_SECONDS)
                for pid in started:  # LitServe's further processes outlive it
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)


def _payload(kind: str, url: str) -> Payload:
    """The request of that kind, after a look at the first response. Raises ServerUnavailable if that is wrong."""
    asked = KINDS[kind]
    reply = post(url, asked.payload)
    try:
        return replace(asked.payload, expected=asked.expect(reply))
    except (LookupError, ValueError) as error:
        raise ServerUnavailable(f"it answers a {kind} with {reply[:200]!r}") from error


def _python(name: str, *arguments: str) -> list[str]:
    return [str(environment(name, group(f"bench-{name}"))), *arguments]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _end(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read()[-300:].decode(errors="replace")
