"""Figures of `show`: training images, or how a run went."""

from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from model_build.config import Config
from model_build.datasets import mnist
from model_build.options import Plot
from model_build.reporting import plots
from model_build.reporting.tsne import flat_map, pooled_features
from model_build.run_files import (
    BEST_WEIGHTS_FILE,
    HISTORY_FILE,
    RunError,
    load_config,
    read_confusion,
    require,
)
from model_build.training.checkpoint import trained_network

_GRID_IMAGES: Final = 20


def dataset_figure(plot: Plot, dataset: mnist.Dataset, index: int) -> Figure:
    """A grid of 20 labelled training images from `index` on, or the pixels of one image."""
    count = _GRID_IMAGES if plot is Plot.GRID else 1
    images, titles = mnist.titled_images(dataset, index + count)
    return plots.grid(images[index:], titles[index:]) if plot is Plot.GRID else plots.pixels(images[index])


def run_figure(plot: Plot, run_dir: Path, test_images: int) -> Figure:
    """A plot of the run in `run_dir`; the embedding is of `test_images` test images.

    Raises RunError if the run is missing, or a stage that the plot needs has not run yet.
    """
    match plot:
        case Plot.CURVES:
            return plots.curves(require(run_dir, HISTORY_FILE, "train"))
        case Plot.CONFUSION:
            return plots.confusion(read_confusion(run_dir), mnist.DATASETS[load_config(run_dir).dataset].labels)
        case _:
            require(run_dir, BEST_WEIGHTS_FILE, "train")
            return _embedding(run_dir, load_config(run_dir), test_images)


def _embedding(run_dir: Path, config: Config, test_images: int) -> Figure:
    dataset, test = mnist.DATASETS[config.dataset], mnist.load(config).test[:test_images]
    try:
        network = trained_network(run_dir, config)
    except RuntimeError as error:  # what load_state_dict raises for weights of another shape
        raise RunError(f"the weights in {run_dir} do not fit its configuration: train the run again") from error
    points = flat_map(pooled_features(network, test.images, dataset), config.seed)
    return plots.embedding(points.numpy(), test.labels.numpy(), dataset.labels)
