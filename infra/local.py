"""Run the whole stack locally, `python -m infra.local --port PORT`: the API, an emulated S3 and the worker.

Uploads are kept in memory until it stops. (`python -m handler serve` runs the API alone.)
"""

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from dataclasses import replace
from typing import Final

import uvicorn

from handler.cli.arguments import port_number
from handler.errors import InvalidModel
from handler.serving import server as serving
from handler.settings import Settings
from infra.emulation.names import CREDENTIALS, RESULTS, UPLOADS

HOST: Final = "127.0.0.1"

log = logging.getLogger("uvicorn.error")  # the logger that uvicorn shows


def main() -> int:
    """Serve until Ctrl-C. Returns 2 if it cannot start."""
    try:
        sockets = serving.listen(HOST, _port())
    except serving.CannotListen as error:
        print(error, file=sys.stderr)
        return 2
    with socket.create_server((HOST, 0)) as storage:  # early connections wait until S3 is up, instead of being refused
        _isolate_from_aws(f"http://{HOST}:{storage.getsockname()[1]}")
        try:
            settings = Settings.from_environment()
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
        try:
            _serve(sockets, Emulation(storage, settings))
        except InvalidModel as error:
            print(error, file=sys.stderr)
            return 2
    return 0


class Emulation(threading.Thread):
    """S3, a queue and the worker, in a thread: they take a second to load, and the API need not wait for them."""

    def __init__(self, storage: socket.socket, settings: Settings) -> None:
        super().__init__(daemon=True)
        self._storage, self._settings = storage, replace(settings, max_body_bytes=settings.max_upload_bytes)
        self._stopping = threading.Event()

    def run(self) -> None:
        from handler.inference.classifier import load_model  # noqa: PLC0415
        from handler.worker.worker import Worker  # noqa: PLC0415  slow to import
        from infra.emulation.aws import EmulatedAws, emulated_aws  # noqa: PLC0415

        # The buckets are created through a private port, so that they exist before the public one answers.
        with socket.create_server((HOST, 0)) as private, emulated_aws(private) as port:
            aws = EmulatedAws.create(port)
            thresholds = self._settings.known_threshold, self._settings.confident_threshold
            worker = Worker(aws.s3, *load_model(self._settings.model_dir, *thresholds), self._settings)
            with emulated_aws(self._storage):
                while not self._stopping.is_set():
                    if (event := aws.receive(wait_seconds=1))["Records"]:
                        aws.acknowledge(event, worker.handle(event))

    def stop(self) -> None:
        """Wait for the worker to finish its current batch."""
        self._stopping.set()
        if self.is_alive():
            self.join()


class Server(serving.Server):
    """The server of `serve`, which starts the emulation once it is serving."""

    def __init__(self, config: uvicorn.Config, emulation: Emulation) -> None:
        super().__init__(config)
        self._emulation = emulation

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        log.info("Uploads go to an emulated S3 at %s, in memory", os.environ["S3_ENDPOINT_URL"])
        self._emulation.start()


def _port() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description="Serve the whole stack until Ctrl-C.")
    parser.add_argument(
        "--port",
        type=port_number,
        default=os.environ.get("PORT") or "8000",
        help="port to listen on (default: PORT in the environment, else 8000)",
    )
    port: int = parser.parse_args().port
    return port


def _isolate_from_aws(endpoint: str) -> None:
    """Replace all AWS settings of this process by those of the emulation."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {**CREDENTIALS, "S3_ENDPOINT_URL": endpoint, "UPLOADS_BUCKET": UPLOADS, "RESULTS_BUCKET": RESULTS}


def _serve(sockets: list[socket.socket], emulation: Emulation) -> None:
    from handler.serving.app import app  # noqa: PLC0415  reads the environment on import

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: stop after the worker's batch
    try:
        Server(serving.BoundedConfig(app), emulation).run(sockets)
    except KeyboardInterrupt:
        pass
    finally:
        emulation.stop()


if __name__ == "__main__":
    sys.exit(main())
