"""The arm64 package under emulation: both entries answer, and images get the same labels as on this machine.

Takes some minutes. Needs `qemu-aarch64` (Debian's package qemu-user), and a folder with CPython 3.13 for arm64 that
`ARM64_ROOT` names:

    debootstrap --foreign --arch=arm64 --variant=minbase --include=python3 trixie build/arm64-root
    for package in build/arm64-root/var/cache/apt/archives/*.deb; do dpkg -x $package build/arm64-root; done
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from model_build.datasets.mnist import DATASETS, titled_images
from tests.support.aws import CREDENTIALS, RESULTS, UPLOADS, Cloud
from tests.support.gateway_events import Sent, rest_event
from tests.support.machine import PROJECT

pytestmark = pytest.mark.slow

QEMU = shutil.which("qemu-aarch64")
ROOT = Path(os.environ.get("ARM64_ROOT", PROJECT / "build" / "arm64-root"))
PYTHON = ROOT / "usr" / "bin" / "python3.13"
PROGRAM = "tests/support/both_entries.py"
IMAGES, PHOTOS = 300, 30


@dataclass(frozen=True)
class Answers:
    """What the program printed."""

    machine: str
    http: Any
    sqs: Any
    labels: dict[str, dict[str, float]]


@pytest.fixture(scope="module")
def emulated() -> list[str]:
    """The command that runs Python for arm64."""
    if QEMU is None:
        pytest.skip("qemu-aarch64 is not installed")
    if not PYTHON.exists():
        pytest.skip(f"no Python for arm64 at {PYTHON}")
    return [QEMU, "-L", str(ROOT), str(PYTHON)]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    command = [sys.executable, "-m", "infra.packaging.package", str(folder)]
    subprocess.run(command, cwd=PROJECT, env={**os.environ, "ARCHITECTURE": "arm64"}, check=True)
    return folder


@pytest.fixture(scope="module")
def images(datasets_dir: Path, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images of the data set and photos of clothes."""
    folder = tmp_path_factory.mktemp("images")
    pixels, _ = titled_images(DATASETS["fashion-mnist"], IMAGES, data_dir)
    for number, image in enumerate(np.asarray(pixels)):
        Image.fromarray(image.reshape(28, 28)).save(folder / f"{number}.png")
    photos = sorted((datasets_dir / "clothing-dataset-small" / "validation").glob("*/*.jpg"))
    for number, path in enumerate(photos[:: len(photos) // PHOTOS][:PHOTOS]):
        shutil.copy(path, folder / f"photo-{number}.jpg")
    return folder


def answers(python: list[str], folder: Path, asked: dict[str, Any], port: int) -> Answers:
    """Run the program with the packages in `folder`."""
    environment = {
        **CREDENTIALS,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(folder),
        "RESULTS_BUCKET": RESULTS,
        "S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    command = [*python, str(PROJECT / PROGRAM)]
    done = subprocess.run(
        command, cwd=folder, env=environment, input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return Answers(**json.loads(done.stdout.splitlines()[-1]))  # preceded by log lines


@pytest.mark.timeout(900)
def test_arm64_package_answers_as_this_machine(
    aws: Cloud, emulated: list[str], package: Path, images: Path, png: bytes
) -> None:
    aws.receive()  # S3's test event
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    asked = {
        "http_event": rest_event(Sent("POST", "/classify", png)),
        "sqs_event": aws.receive(),
        "folder": str(images),
    }
    arm64 = answers(emulated, package, asked, aws.port)
    assert (arm64.machine, arm64.sqs) == ("aarch64", {"batchItemFailures": []})
    assert json.loads(arm64.http["body"])["label"] == "Trouser"
    assert [result["label"] for result in aws.results().values()] == ["Trouser"]
    native = answers([sys.executable], PROJECT, asked, aws.port)
    assert native.machine == platform.machine() != arm64.machine
    assert len(arm64.labels) == IMAGES + PHOTOS
    different = [name for name, scores in arm64.labels.items() if best(scores) != best(native.labels[name])]
    largest = max(
        abs(score - native.labels[name][label])
        for name, scores in arm64.labels.items()
        for label, score in scores.items()
    )
    print(f"\n{len(different)} of {len(arm64.labels)} labels differ, scores by up to {largest:.6f}")
    assert different == []
    assert largest < 0.05


def best(scores: dict[str, float]) -> str:
    return max(scores, key=lambda label: scores[label])
