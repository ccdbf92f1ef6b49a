"""Export the trained network to a float ONNX file, from raw uint8 pixels to calibrated probabilities."""

import logging
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch

from handler.contract import IMAGE_SIDE
from handler.inference.classifier import Classifier
from handler.inference.signature import DOUBTFUL_BELOW
from model_build.config import Config
from model_build.datasets.mnist import DATASETS, doubtful_below, load, normalize
from model_build.release.torch_onnx import exported, with_raw_pixels
from model_build.run_files import FLOAT_FILE, read_calibration
from model_build.training.checkpoint import trained_network
from model_build.training.network import ExportModel, without_batch_norm

_TOLERANCE: Final = 1e-4  # of a probability, between PyTorch and ONNX Runtime

log = logging.getLogger(__name__)


def export(run_dir: Path, config: Config) -> None:
    """Write the network of `run_dir` as ONNX.

    Raises ValueError if the outputs of ONNX Runtime differ from those of PyTorch.
    """
    dataset = DATASETS[config.dataset]
    network = without_batch_norm(trained_network(run_dir, config))
    temperature = float(read_calibration(run_dir)["temperature"])
    export_model = ExportModel(network, temperature).eval()
    # Probabilities (N, 10), known (N,) and activation maps (N, 10, 7, 7)
    normalized = exported(export_model, (1, IMAGE_SIDE, IMAGE_SIDE), ["probabilities", "known", "activation_maps"])
    model = with_raw_pixels(normalized, dataset.mean, dataset.std, dataset.name)
    if below := doubtful_below(config):
        onnx.helper.set_model_props(model, {DOUBTFUL_BELOW: str(below)})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, run_dir / FLOAT_FILE)
    _compare(export_model, run_dir / FLOAT_FILE, config)


def _compare(export_model: ExportModel, path: Path, config: Config) -> None:
    dataset = DATASETS[config.dataset]
    images = load(config).validation.images[:256]
    with torch.inference_mode():
        expected = [output.numpy() for output in export_model(normalize(images, dataset))]
    found = Classifier(path, dataset.labels).outputs(images.unsqueeze(1).numpy())
    difference = max(float(np.abs(one - other).max()) for one, other in zip(found, expected, strict=True))
    if difference > _TOLERANCE:
        raise ValueError(f"{path} differs from PyTorch by {difference:.2g}, more than {_TOLERANCE}")
    log.info("%s differs from PyTorch by at most %.1g", path, difference)
