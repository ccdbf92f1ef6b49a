"""The shipped run, which is kept with its float weights to train them further."""

from pathlib import Path

import pytest
import torch

from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from model_build.config import Config
from model_build.datasets.mnist import DATASETS, load, normalize
from model_build.run_files import load_config
from model_build.training.checkpoint import trained_network
from tests.support.machine import PROJECT

pytestmark = pytest.mark.slow

SHIPPED = PROJECT / "model_build" / "shipped"


def test_shipped_configuration_is_the_default() -> None:
    assert load_config(SHIPPED) == Config()


def test_shipped_card_has_names_of_the_dataset(card: ModelCard) -> None:
    assert card.labels == DATASETS["fashion-mnist"].labels
    assert set(card.document["configuration"]) == set(Config.__dataclass_fields__)


def test_shipped_weights_classify_as_the_shipped_file(data_dir: Path, classifier: Classifier) -> None:
    images = load(Config(), data_dir).test.images[:1_000]
    network, pixels = trained_network(SHIPPED, Config()), normalize(images, DATASETS["fashion-mnist"])
    with torch.inference_mode():
        from_weights = (network(pixels) + network(pixels.flip(-1)))[:, :-1].argmax(dim=1)
    from_file = torch.from_numpy(classifier.probabilities(images.unsqueeze(1).numpy()).argmax(axis=1))
    assert (from_weights == from_file).float().mean() > 0.99
