"""The model on an emulated Haswell processor, which has AVX2 but no VNNI, compared with this one."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from handler.contract import Pixels
from handler.inference.classifier import Classifier
from tests.support.processors import differing, on_haswell, require_emulator

COUNT = 100  # of each kind; emulation takes 0.1 s per image

PHOTOS = 16  # through all networks; emulation takes about 2 s per photo

PREDICT = """
import sys, numpy as np
from handler.inference.classifier import Classifier
output = Classifier.shipped().predict(np.load(sys.argv[1]))
np.save(sys.argv[2], np.column_stack([output.probabilities, output.known]))
"""


@pytest.mark.slow
def test_processor_without_vnni_gives_the_same_results(
    classifier: Classifier, datasets_dir: Path, tmp_path: Path
) -> None:
    with gzip.open(datasets_dir / "fashion-mnist" / "FashionMNIST" / "raw" / "t10k-images-idx3-ubyte.gz") as file:
        images = hardest(np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28), classifier)
    here, there = classifier.predict(images), on_haswell(PREDICT, images, tmp_path)
    assert (here.probabilities.argmax(axis=1) == there[:, :-1].argmax(axis=1)).all()
    np.testing.assert_allclose(there, np.column_stack([here.probabilities, here.known]), atol=0.02)


@pytest.mark.slow
def test_photos_get_the_same_labels_on_a_processor_without_vnni(datasets_dir: Path) -> None:
    require_emulator()
    photos = sorted((datasets_dir / "clothing-dataset-small" / "validation").glob("*/*.jpg"))
    assert differing(photos[:: len(photos) // PHOTOS][:PHOTOS]) == []


def hardest(images: Pixels, classifier: Classifier) -> Pixels:
    """The images most likely to differ: the least certain ones, and the brightest, whose sums saturate first."""
    second, first = np.sort(classifier.predict(images).probabilities, axis=1)[:, -2:].T
    brightness = images.mean(axis=(1, 2, 3))
    chosen: Pixels = images[np.concatenate([np.argsort(first - second)[:COUNT], np.argsort(-brightness)[:COUNT]])]
    return chosen
