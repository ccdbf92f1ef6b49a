"""The float and the int8 file in, their numbers on the test images side by side out, as JSON and as pictures."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from handler.classifier import Classifier
from handler.contract import Pixels, Probabilities
from model_build import plots
from model_build.config import Config
from model_build.data import DATASETS, load
from model_build.export import FLOAT_FILE
from model_build.metrics import report
from model_build.progress import track
from model_build.quantize import INT8_FILE
from model_build.train import HISTORY_FILE

METRICS_FILE: Final = "metrics.json"
_BATCH = 250  # images in one run of the session

log = logging.getLogger(__name__)


def evaluate(run_dir: Path, config: Config) -> None:
    """Classify the test images with both files, by the code that ships; write metrics.json and pictures."""
    test = load(config).test
    images, true = test.images.unsqueeze(1).numpy(), test.labels.numpy()
    labels = DATASETS[config.dataset].labels
    metrics: dict[str, Mapping[str, Any]] = {}
    for name, file in (("float", FLOAT_FILE), ("int8", INT8_FILE)):
        probabilities = _probabilities(Classifier(run_dir / file, labels), images, name)
        metrics[name] = {"bytes": (run_dir / file).stat().st_size, **report(true, probabilities, labels)}
        log.info("%s: %.2f %% of %d test images", name, 100 * metrics[name]["accuracy"], len(true))
    (run_dir / METRICS_FILE).write_text(json.dumps(metrics, indent=2, ensure_ascii=False) + "\n")
    plots.save(plots.confusion(read_confusion(run_dir), labels), run_dir / "confusion.png")
    plots.save(plots.curves(run_dir / HISTORY_FILE), run_dir / "curves.png")


def read_confusion(run_dir: Path) -> NDArray[np.int64]:
    """The int8 file's confusion matrix (classes, classes), from the metrics of the run in `run_dir`."""
    return np.array(json.loads((run_dir / METRICS_FILE).read_text())["int8"]["confusion_matrix"])


def _probabilities(classifier: Classifier, images: Pixels, name: str) -> Probabilities:
    batches = np.array_split(images, max(1, len(images) // _BATCH))
    return np.concatenate([classifier.probabilities(batch) for batch in track(batches, f"evaluating {name}")])
