"""The model answers alike on every processor: on this one, and on an emulated Haswell, which has AVX2 but no VNNI."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from handler.inference.classifier import Classifier
from model_build.datasets.mnist import FASHION_MNIST, download
from tests.support.machine import PROJECT, missing

IMAGES = 1_000

ANSWERS = """
import sys, numpy as np
from handler.inference.classifier import Classifier
answers = Classifier.shipped().answers(np.load(sys.argv[1]))
np.savez(sys.argv[2], probabilities=answers.probabilities, known=answers.known)
"""


def test_a_processor_without_vnni_gives_the_same_answers(
    classifier: Classifier, data_dir: Path, tmp_path: Path
) -> None:
    if not (emulator := shutil.which("qemu-x86_64")):
        missing("there is no qemu-x86_64 (Debian's package qemu-user)")
    download(FASHION_MNIST, data_dir)
    test = FASHION_MNIST.torchvision_class(data_dir, train=False)
    images = test.data[:IMAGES].unsqueeze(1).numpy()
    np.save(tmp_path / "images.npy", images)

    command = [emulator, "-cpu", "Haswell", sys.executable, "-W", "ignore", "-c", ANSWERS, "images.npy", "found.npz"]
    subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(PROJECT)}, check=True, timeout=500)

    here, there = classifier.answers(images), np.load(tmp_path / "found.npz")
    assert (here.probabilities.argmax(axis=1) == there["probabilities"].argmax(axis=1)).all()
    np.testing.assert_allclose(there["probabilities"], here.probabilities, atol=0.02)
    np.testing.assert_allclose(there["known"], here.known, atol=0.02)
