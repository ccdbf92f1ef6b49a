"""Real parts, built once: the shipped model, the app, a server as a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import ModelCard
from handler.inference.classifier import Classifier, read_card
from handler.settings import Settings
from handler.worker.worker import Worker
from tests.support.aws import CREDENTIALS, Cloud, WorkerOf, emulated_aws, new_cloud
from tests.support.large_uploads import settings_at
from tests.support.machine import PROJECT, free_port
from tests.support.pictures import encoded, trousers
from tests.support.waiting import wait_until_healthy

# The background job of a shell ignores Ctrl-C, and so would every process that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class RunningServer:
    """A server in a process of its own."""

    address: str
    process_id: int


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return Classifier.shipped()


@pytest.fixture(scope="session")
def card() -> ModelCard:
    return read_card()


@pytest.fixture(scope="session")
def app(classifier: Classifier, card: ModelCard) -> FastAPI:
    return create_app(classifier, card, Settings())


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    """Talks to the app within this process; an unexpected exception in the app fails the test."""
    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="session")
def png() -> bytes:
    return encoded(trousers())


@pytest.fixture(scope="session")
def datasets_dir() -> Path:
    """The folder with the data sets; a test that needs it is skipped where there is none."""
    folder = os.environ.get("DATASETS_DIR")
    if not folder:
        pytest.skip("DATASETS_DIR does not name a folder with the data sets")
    return Path(folder)


@pytest.fixture(scope="session")
def data_dir(datasets_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `model_build` keeps datasets and all that it makes of them, for tests that ask for the same again.

    To convert the photos once takes most of a minute.
    """
    assert datasets_dir
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def drawing() -> bytes:
    """The T-shirt that the README sends."""
    return (PROJECT / "handler" / "static" / "samples" / "t-shirt.jpg").read_bytes()


@pytest.fixture(scope="session")
def photo(datasets_dir: Path) -> bytes:
    """A photo that somebody took of their trousers."""
    folder = datasets_dir / "clothing-dataset-small" / "validation" / "pants"
    return min(folder.glob("*.jpg")).read_bytes()


@pytest.fixture(scope="session")
def aws_port() -> Iterator[int]:
    """The port of an emulated AWS, to whose clients the environment gives credentials."""
    with pytest.MonkeyPatch.context() as environment, emulated_aws() as port:
        for name, value in CREDENTIALS.items():
            environment.setenv(name, value)
        yield port


@pytest.fixture
def aws(aws_port: int) -> Cloud:
    return new_cloud(aws_port)


@pytest.fixture
def worker_of(aws: Cloud, classifier: Classifier, card: ModelCard) -> WorkerOf:
    """Makes a worker on the emulated AWS, with settings of its own, and perhaps a card of its own."""

    def worker_of(settings: Settings, card: ModelCard = card, **more: Any) -> Worker:
        return Worker(aws.s3, classifier, card, settings, **more)

    return worker_of


@pytest.fixture
def api(aws: Cloud, classifier: Classifier, card: ModelCard) -> Iterator[TestClient]:
    """Talks to the app, whose uploads go to the emulated AWS."""
    with TestClient(create_app(classifier, card, settings_at(aws.port))) as client:
        yield client


@pytest.fixture(scope="session")
def server(running_server: RunningServer) -> str:
    """The address of a real server."""
    return running_server.address


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A real server, started as a user starts it."""
    with serving(tmp_path_factory.mktemp("server") / "log.txt") as server:
        yield server


@contextmanager
def serving(log_path: Path, *options: str) -> Iterator[RunningServer]:
    """A server of its own, started with further `options`."""
    port = free_port()
    command = [sys.executable, "-m", "handler", "serve", "--port", str(port), *options]
    with log_path.open("w") as log, subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log) as process:
        try:
            server = RunningServer(f"http://127.0.0.1:{port}", process.pid)
            wait_until_healthy(server.address, process, log_path.read_text)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=20)
