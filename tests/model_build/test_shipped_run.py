"""The run that ships is kept with its float weights, for whoever goes on from it."""

from pathlib import Path

import torch

from handler.inference.classifier import Classifier
from model_build.config import Config
from model_build.datasets.mnist import DATASETS, load, normalize
from model_build.training.network import Served
from model_build.training.train import trained_network

KEPT = Path(__file__).parents[2] / "model_build" / "shipped"


def test_its_configuration_is_the_default() -> None:
    assert Config.load(KEPT) == Config()


def test_its_weights_are_those_of_the_file_that_ships(data_dir: Path, classifier: Classifier) -> None:
    images = load(Config(), data_dir).test.images[:1_000]
    served = Served(trained_network(KEPT, Config()), 1, mirror=True).eval()
    with torch.inference_mode():
        kept = served.logits(normalize(images, DATASETS["fashion-mnist"]))[:, :-1].argmax(dim=1)
    shipped = torch.from_numpy(classifier.probabilities(images.unsqueeze(1).numpy()).argmax(axis=1))
    assert (kept == shipped).float().mean() > 0.99
