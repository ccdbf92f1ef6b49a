"""The name of a picture in, its figure out: of training images, or of how a run went."""

from enum import StrEnum
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from model_build.config import Config
from model_build.datasets import mnist
from model_build.release.evaluate import METRICS_FILE, read_confusion
from model_build.reporting import plots, runs
from model_build.reporting.tsne import flat_map, pooled_features
from model_build.training.train import BEST_FILE, HISTORY_FILE, trained_network

MAPPED_IMAGES: Final = 2_000
_GRID_IMAGES = 20


class Picture(StrEnum):
    """What `show` draws."""

    GRID = "grid"
    PIXELS = "pixels"
    EMBEDDING = "embedding"
    CONFUSION = "confusion"
    CURVES = "curves"

    @property
    def is_of_a_run(self) -> bool:
        return self not in (Picture.GRID, Picture.PIXELS)


def dataset_picture(picture: Picture, dataset: mnist.Dataset, index: int) -> Figure:
    """A grid of 20 labelled training images from `index` on, or the pixels of that one."""
    count = _GRID_IMAGES if picture is Picture.GRID else 1
    images, titles = mnist.titled_images(dataset, index + count)
    return plots.grid(images[index:], titles[index:]) if picture is Picture.GRID else plots.pixels(images[index])


def run_picture(picture: Picture, run_dir: Path, test_images: int = MAPPED_IMAGES) -> Figure:
    """A picture of the run in `run_dir`; the map shows `test_images` of the test images.

    Raises RunError if the run is not there or has not come so far.
    """
    match picture:
        case Picture.CURVES:
            return plots.curves(runs.require(run_dir, HISTORY_FILE, "train"))
        case Picture.CONFUSION:
            runs.require(run_dir, METRICS_FILE, "evaluate")
            return plots.confusion(read_confusion(run_dir), mnist.DATASETS[runs.load_config(run_dir).dataset].labels)
        case _:
            runs.require(run_dir, BEST_FILE, "train")
            return _embedding(run_dir, runs.load_config(run_dir), test_images)


def _embedding(run_dir: Path, config: Config, test_images: int) -> Figure:
    dataset, test = mnist.DATASETS[config.dataset], mnist.load(config).test[slice(test_images)]
    try:
        network = trained_network(run_dir, config)
    except RuntimeError as error:  # what load_state_dict raises for weights of another shape
        raise runs.RunError(f"{run_dir / BEST_FILE} does not fit the network of today: train the run again") from error
    points = flat_map(pooled_features(network, test.images, dataset), config.seed)
    return plots.embedding(points.numpy(), test.labels.numpy(), dataset.labels)
