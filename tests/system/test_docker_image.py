"""The Dockerfile's image, built without a network and run as an unprivileged user: API, command line, health check.

Its base is Lambda's image, the one that other tests need, too; pip and the wheels are added to it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from PIL import Image

from bench.lambda_image import IMAGE, NoDocker, need_image
from handler.contract import InputFormat
from tests.support.images import encoded
from tests.support.machine import PROJECT, free_port, missing
from tests.support.other_models import colour_of, write_model
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.slow]

_BASE = f"""
FROM {IMAGE}
COPY wheels /wheels
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels
RUN PYTHONPATH=$(echo /wheels/pip-*.whl) python3.13 -m pip install --quiet --target=/pip pip
RUN mkdir -p /usr/local/bin && ln -sf $(command -v python3.13) /usr/local/bin/python
ENV PYTHONPATH=/pip
"""
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
_SERVER_PACKAGES = re.findall(r"\w+==[\d.]+", (PROJECT / "Dockerfile").read_text(encoding="utf-8"))


def docker(*arguments: str | Path, given: bytes = b"") -> str:
    """What Docker prints."""
    done = subprocess.run(["docker", *arguments], input=given, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()[-4000:]
    return done.stdout.decode()


@pytest.fixture(scope="module")
def base_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Lambda's image with pip and all wheels, so that the build needs no network."""
    try:
        need_image()
    except NoDocker as error:
        missing(str(error))
    folder = tmp_path_factory.mktemp("base")
    _download(folder / "wheels", "--require-hashes", f"--requirement={PROJECT / 'requirements.txt'}")
    _download(folder / "wheels", *_SERVER_PACKAGES, "pip")
    (folder / "Dockerfile").write_text(_BASE)
    name = f"clothes-classifier-test-base:{os.getpid()}"
    docker("build", "--quiet", "--network=none", f"--tag={name}", folder)
    yield name
    docker("image", "rm", "--force", name)


def _download(folder: Path, *what: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", "--python-version=3.13"]
    command += [f"--platform={platform}" for platform in _PLATFORMS]
    subprocess.run([*command, f"--dest={folder}", *what], check=True)


@pytest.fixture(scope="module")
def image(base_image: str) -> Iterator[str]:
    """The project's own image."""
    names = {target: f"clothes-classifier-test-{target}:{os.getpid()}" for target in ("packages", "final")}
    build = ["build", "--quiet", "--network=none", f"--build-arg=BASE_IMAGE={base_image}"]
    docker(*build, "--target=packages", f"--tag={names['packages']}", PROJECT)  # with a name, it can be removed
    docker(*build, f"--tag={names['final']}", PROJECT)
    yield names["final"]
    docker("image", "rm", "--force", *names.values())


@pytest.fixture(scope="module")
def container(image: str) -> Iterator[tuple[str, str]]:
    """The id and the address of a running container, which may do as little as possible."""
    port = free_port()
    restricted = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    options = [*restricted, f"--publish=127.0.0.1:{port}:8000", "--health-interval=1s"]
    container_id = docker("run", "--detach", *options, image).strip()
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(address), lambda: docker("logs", container_id))
        yield container_id, address
    finally:
        docker("rm", "--force", container_id)


def _answers(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/health", timeout=60).status_code == 200
    except httpx2.TransportError:
        return False


def test_dockerfile_pins_the_server_of_pyproject() -> None:
    groups = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    pinned = {requirement.partition(";")[0] for requirement in groups["serve"] if isinstance(requirement, str)}
    assert len(_SERVER_PACKAGES) == 3
    assert pinned.issuperset(_SERVER_PACKAGES)


def test_container_becomes_healthy(container: tuple[str, str]) -> None:
    container_id, address = container
    assert httpx2.get(f"{address}/health", timeout=60).json() == {"status": "ok"}
    health = "{{.State.Health.Status}}"
    wait_until(lambda: docker("inspect", f"--format={health}", container_id).strip() == "healthy")


def test_container_classifies_an_image_as_the_project_does(
    container: tuple[str, str], drawing: bytes, server: str
) -> None:
    def label_by(address: str) -> str:
        return str(httpx2.post(f"{address}/classify", content=drawing, timeout=60).json()["label"])

    assert label_by(container[1]) == label_by(server) == "T-shirt/top"


def test_container_takes_a_form_of_many_megabytes_without_a_disk(container: tuple[str, str], drawing: bytes) -> None:
    files = [("file", ("shirt.jpg", drawing)), ("file", ("padded.jpg", drawing + bytes(8_000_000)))]
    results = httpx2.post(f"{container[1]}/classify/batch", files=files, timeout=60).json()["results"]
    assert [result["answer"]["label"] for result in results] == ["T-shirt/top"] * 2


def test_container_serves_the_page(container: tuple[str, str]) -> None:
    assert "<title>Clothes classifier</title>" in httpx2.get(container[1], timeout=60).text
    assert httpx2.get(f"{container[1]}/docs", timeout=60).status_code == 200


def test_container_does_not_run_as_root(container: tuple[str, str]) -> None:
    script = "import os; print(os.getuid(), os.access('/app/handler', os.W_OK))"
    assert docker("exec", container[0], "python", "-c", script).split() == ["10001", "False"]


def test_image_classifies_standard_input(image: str, drawing: bytes) -> None:
    printed = docker("run", "--rm", "--interactive", "--network=none", image, "classify", "--json", "-", given=drawing)
    assert json.loads(printed)["label"] == "T-shirt/top"


def test_image_holds_the_handler_and_its_model_alone(image: str) -> None:
    script = "import os; print(sorted(os.listdir('/app')))"
    printed = docker("run", "--rm", "--network=none", "--entrypoint=python", image, "-c", script)
    assert printed.strip() == "['handler', 'model']"


def test_image_adds_at_most_130_megabytes_to_its_base(image: str, base_image: str) -> None:
    sizes = [int(docker("image", "inspect", "--format={{.Size}}", name)) for name in (image, base_image)]
    assert sizes[0] - sizes[1] < 130_000_000


def test_stopped_container_ends_by_itself_at_once(image: str) -> None:
    container_id = docker("run", "--detach", image).strip()
    try:
        wait_until(lambda: "Uvicorn running" in _logs(container_id))
        docker("stop", "--time=30", container_id)
        assert docker("inspect", "--format={{.State.ExitCode}}", container_id).strip() == "0"
    finally:
        docker("rm", "--force", container_id)


def test_image_with_the_model_of_a_run_answers_by_its_classes(image: str, base_image: str, tmp_path: Path) -> None:
    """Built from a folder that has the run beside the project's files; the packages come from Docker's cache."""
    for name in ("Dockerfile", ".dockerignore", "requirements.txt"):
        shutil.copyfile(PROJECT / name, tmp_path / name)
    for name in ("handler", "infra/packaging"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    form = InputFormat(side=96, channels=3, preprocessing="resize")
    write_model(tmp_path / "runs" / "my shop" / "model", form, 5)
    (tmp_path / "runs" / "my shop" / "best.pt").write_bytes(bytes(1000))
    name = f"{image}-own"
    arguments = (f"BASE_IMAGE={base_image}", "MODEL=runs/my shop")
    docker(
        "build", "--quiet", "--network=none", *(f"--build-arg={each}" for each in arguments), f"--tag={name}", tmp_path
    )
    try:
        given = encoded(Image.new("RGB", (300, 200), colour_of(1, form, 5)))
        run = ("run", "--rm", "--interactive", "--network=none")
        answer = json.loads(docker(*run, name, "classify", "--json", "-", given=given))
        assert (answer["label"], answer["known"]) == ("große Kreuze", True)
        listed = docker(*run, "--entrypoint=python", name, "-c", "import os; print(os.listdir('model/model'))")
        assert "best.pt" not in listed
    finally:
        docker("image", "rm", "--force", name)


def _logs(container_id: str) -> str:
    done = subprocess.run(["docker", "logs", container_id], capture_output=True, check=True)
    return (done.stdout + done.stderr).decode()
