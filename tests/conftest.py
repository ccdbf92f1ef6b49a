"""Fixtures shared by all tests: the shipped model, the app, an emulated AWS, a server process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.testclient import TestClient

from handler.api.app import Api, create_app
from handler.contract import ModelCard
from handler.inference.classifier import Classifier, read_card
from handler.settings import Settings
from handler.worker.worker import Worker
from tests.support.aws import CREDENTIALS, Cloud, WorkerOf, emulated_aws, new_cloud
from tests.support.images import encoded, trousers
from tests.support.large_uploads import settings_at
from tests.support.machine import PROJECT, free_port
from tests.support.waiting import wait_until_healthy

# A background job of a shell ignores Ctrl-C, and its child processes inherit that: the tests could not interrupt them.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The tests run `make` as a user does, not as a part of the `make` that runs them.
os.environ.pop("MAKEFLAGS", None)

# With threads of its own, a training beside another one takes several times as long.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Packages that `make test-fast` does not install; `make test` installs them all.
_OPTIONAL_PACKAGES: Final = frozenset(
    {"cyclonedx", "duckdb", "nbclient", "nbformat", "onnx", "playwright", "schemathesis", "torch"}
)
_IMPORTED_BY_CONFTEST: Final = {"model_build": "torch", "system/browser": "playwright"}
# Of parallel tests, those of such a folder run in one process: they share fixtures that take minutes to make.
_TOGETHER: Final = ("tests/model_build/", "tests/system/browser/", "tests/system/sam/")
# Of these folders, those of a module do: it has servers, packages or images of its own.
_MODULES_TOGETHER: Final = ("tests/bench/", "tests/infra/", "tests/lifecycle/", "tests/system/")
collect_ignore = [folder for folder, package in _IMPORTED_BY_CONFTEST.items() if find_spec(package) is None]


class _Module(pytest.Module):
    """A test module that is skipped if it imports an optional package that is not installed."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        try:
            return super().collect()
        except self.CollectError as error:
            if isinstance(error.__cause__, ModuleNotFoundError) and error.__cause__.name in _OPTIONAL_PACKAGES:
                pytest.skip(f"{error.__cause__.name} is not installed", allow_module_level=True)
            raise


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module:
    return _Module.from_parent(parent, path=module_path)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--first-cases", action="store_true", help="run each parametrized test once, with its first case")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Mark the tests that use the data sets, directly or through another fixture; after `-m`, choose first cases."""
    for item in items:
        if "datasets_dir" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.data)
    yield
    if config.getoption("first_cases"):
        _keep_first_cases(config, items)


def _keep_first_cases(config: pytest.Config, items: list[pytest.Item]) -> None:
    first: dict[str, pytest.Item] = {}
    for item in items:
        first.setdefault(item.nodeid.partition("[")[0], item)
    config.hook.pytest_deselected(items=[item for item in items if item not in first.values()])
    items[:] = first.values()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Of parallel tests, keep those in one process that share costly fixtures, and distribute the others one by one.

    Processes take the largest groups first. With pytest 9.2, the marker for groups, `xdist_group`, has no effect.
    """
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415  not installed everywhere

    class TogetherOrAnywhere(LoadScopeScheduling):  # type: ignore[misc]  # it has no annotations
        def _split_scope(self, nodeid: str) -> str:
            return _group_of(nodeid)

    return TogetherOrAnywhere(config, log) if config.getvalue("dist") == "loadscope" else None


def _group_of(nodeid: str) -> str:
    """The folder, the module or the test itself."""
    folder = next((each for each in _TOGETHER if nodeid.startswith(each)), None)
    return folder or (nodeid.partition("::")[0] if nodeid.startswith(_MODULES_TOGETHER) else nodeid)


@dataclass(frozen=True)
class RunningServer:
    """A server in a separate process."""

    address: str
    process_id: int


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return Classifier.shipped()


@pytest.fixture(scope="session")
def card() -> ModelCard:
    return read_card()


@pytest.fixture(scope="session")
def app(classifier: Classifier, card: ModelCard) -> Api:
    return create_app(classifier, card, Settings())


@pytest.fixture(scope="session")
def client(app: Api) -> Iterator[TestClient]:
    """A client of the app in this process; an unexpected exception in the app fails the test."""
    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="session")
def png() -> bytes:
    return encoded(trousers())


@pytest.fixture(scope="session")
def datasets_dir() -> Path:
    """The folder with the data sets; without one, the test is skipped."""
    folder = os.environ.get("DATASETS_DIR")
    if not folder:
        pytest.skip("DATASETS_DIR does not name a folder with the data sets")
    return Path(folder)


@pytest.fixture(scope="session")
def data_dir(datasets_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for downloaded and converted data sets, shared by tests: converting the photos takes a minute."""
    assert datasets_dir
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def drawing() -> bytes:
    """The drawing of a T-shirt that the README's examples use."""
    return (PROJECT / "handler" / "static" / "samples" / "t-shirt.jpg").read_bytes()


@pytest.fixture(scope="session")
def photo(datasets_dir: Path) -> bytes:
    """A photo of trousers, from the photo data set."""
    folder = datasets_dir / "clothing-dataset-small" / "validation" / "pants"
    return min(folder.glob("*.jpg")).read_bytes()


@pytest.fixture(scope="session")
def aws_port() -> Iterator[int]:
    """The port of an emulated AWS; the environment has credentials for it."""
    with pytest.MonkeyPatch.context() as environment, emulated_aws() as port:
        for name, value in CREDENTIALS.items():
            environment.setenv(name, value)
        yield port


@pytest.fixture
def aws(aws_port: int) -> Cloud:
    return new_cloud(aws_port)


@pytest.fixture
def worker_of(aws: Cloud, classifier: Classifier, card: ModelCard) -> WorkerOf:
    """Creates a worker on the emulated AWS with the given settings and, optionally, another model card."""

    def worker_of(settings: Settings, card: ModelCard = card, **more: Any) -> Worker:
        return Worker(aws.s3, classifier, card, settings, **more)

    return worker_of


@pytest.fixture
def api(aws: Cloud, classifier: Classifier, card: ModelCard) -> Iterator[TestClient]:
    """A client of the app with presigned uploads to the emulated AWS."""
    with TestClient(create_app(classifier, card, settings_at(aws.port))) as client:
        yield client


@pytest.fixture(scope="session")
def server(running_server: RunningServer) -> str:
    """The address of a real server."""
    return running_server.address


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A real server, started from the command line."""
    with serving(tmp_path_factory.mktemp("server") / "log.txt") as server:
        yield server


@contextmanager
def serving(
    log_path: Path,
    *options: str,
    command: Sequence[str] = (sys.executable, "-m", "handler", "serve"),
    cwd: Path = PROJECT,
) -> Iterator[RunningServer]:
    """Start a separate server by `command`, with additional command line `options`."""
    port = free_port()
    arguments = [*command, "--port", str(port), *options]
    with log_path.open("w") as log, subprocess.Popen(arguments, cwd=cwd, stdout=log, stderr=log) as process:
        try:
            server = RunningServer(f"http://127.0.0.1:{port}", process.pid)
            wait_until_healthy(server.address, process, log_path.read_text)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=20)
