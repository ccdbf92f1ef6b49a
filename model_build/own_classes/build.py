"""Stages of a model for your own classes, by name; each reads the run's files and writes its own.

train -> calibrate -> export -> quantize -> evaluate -> publish
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from handler.contract import ModelOutput
from handler.inference.classifier import Classifier
from model_build.own_classes import calibrate, evaluate, publish
from model_build.own_classes import export as exporting
from model_build.own_classes.data import load_examples
from model_build.own_classes.examples import Examples
from model_build.own_classes.mistakes import MISTAKES_FILE
from model_build.own_classes.network import OwnNetwork, build_network
from model_build.own_classes.recipe import Recipe
from model_build.own_classes.train import train
from model_build.reporting import plots
from model_build.run_files import (
    BEST_WEIGHTS_FILE,
    CALIBRATION_FILE,
    CONFIG_FILE,
    CONFUSION_PLOT_FILE,
    CURVES_PLOT_FILE,
    FLOAT_FILE,
    HISTORY_FILE,
    INT8_FILE,
    METRICS_FILE,
    RESUME_FILE,
    RunError,
    read_array,
    read_calibration,
    read_confusion,
    read_json,
    require,
    save_array,
    training_alone,
    write_json,
)
from model_build.training.checkpoint import load

_IMAGES_FILE: Final = "images.json"  # the classes, and a hash of the images in their parts, of which a run learns
_CENTRES_FILES: Final = ("centres.npy", "outlier_centres.npy")  # of the features of the classes, and of outliers
_RANGE_IMAGES: Final = 300  # training images that give the ranges of the activations
_RANGE_OUTLIERS: Final = 60
_LARGE_LOSS: Final = 0.02  # of accuracy
_MOST_PLOTTED: Final = 50  # classes in a confusion plot that can be read

log = logging.getLogger(__name__)


class Build:
    """A run with its examples, which are read once for all stages."""

    def __init__(self, run_dir: Path, recipe: Recipe, examples: Examples) -> None:
        self.run_dir, self.recipe, self.examples = run_dir, recipe, examples

    def train(self) -> None:
        """Train the network; an interrupted run resumes.

        Raises RunError if it was started with another recipe or on other images, or if another process trains it.
        """
        with training_alone(self.run_dir):
            self._train()

    def _train(self) -> None:
        self._refuse_other_images()
        if (self.run_dir / RESUME_FILE).exists() and load_recipe(self.run_dir) != self.recipe:
            raise RunError(f"{self.run_dir} holds a run of another configuration: choose another --run, or delete it")
        write_json(self.run_dir / CONFIG_FILE, asdict(self.recipe))
        if not (self.run_dir / RESUME_FILE).exists():
            write_json(self.run_dir / _IMAGES_FILE, self.examples.described())
        train(self.run_dir, self.recipe, self.examples)

    def calibrate(self) -> None:
        """Write the centres of the features, and what is fitted with them."""
        network = self._network()
        of_classes = calibrate.class_centres(network, self.examples, self.recipe.centres)
        centres = (of_classes, calibrate.outlier_centres(network, self.examples))
        for name, values in zip(_CENTRES_FILES, centres, strict=True):
            save_array(self.run_dir / name, values)
        write_json(self.run_dir / CALIBRATION_FILE, calibrate.fitted(network, centres, self.examples))

    def export(self) -> None:
        network = self._network()
        of_classes, of_outliers = (read_array(require(self.run_dir, name, "calibrate")) for name in _CENTRES_FILES)
        exporting.export(self.run_dir, self.recipe, network, (of_classes, of_outliers), read_calibration(self.run_dir))

    def quantize(self) -> None:
        """Write the int8 file, and the thresholds that suit it."""
        require(self.run_dir, FLOAT_FILE, "export")
        exporting.quantize(self.run_dir, self._range_images())
        output = evaluate.output_of(self._classifier(INT8_FILE), self.examples.validation)
        found = calibrate.thresholds(output, self.examples.validation.classes)
        write_json(self.run_dir / CALIBRATION_FILE, {**read_calibration(self.run_dir), **found})

    def evaluate(self) -> None:
        """Measure both files on the test images; write metrics.json, mistakes.json and the plots."""
        test, metrics = self.examples.test, {}
        for name, file in (("float", FLOAT_FILE), ("int8", INT8_FILE)):
            classifier = self._classifier(file)
            output = self._output(classifier) if name == "int8" else evaluate.output_of(classifier, test)
            metrics[name] = {
                "bytes": (self.run_dir / file).stat().st_size,
                **evaluate.metrics_of(output, classifier, test),
                "unknown": {"made": evaluate.unknown_metrics(classifier, output, test)},
            }
        write_json(self.run_dir / METRICS_FILE, metrics)
        if (loss := metrics["float"]["accuracy"] - metrics["int8"]["accuracy"]) > _LARGE_LOSS:
            log.warning("the int8 file answers %.1f points fewer of the test images rightly than in float", 100 * loss)
        mistakes = evaluate.mistakes_of(output, classifier, self.examples, test)
        write_json(self.run_dir / MISTAKES_FILE, {"images": len(test), "mistakes": mistakes})
        self._plot()

    def publish(self, model_dir: Path | None = None) -> Path:
        """Write the model folder that the server loads; returns it."""
        target = model_dir or self.run_dir / publish.MODEL_FOLDER
        publish.publish(self.run_dir, self.recipe, self._network(), self.examples, target)
        return target

    def _output(self, classifier: Classifier) -> ModelOutput:
        return evaluate.output_of_files(classifier, self.examples, self.examples.test)

    def _refuse_other_images(self) -> None:
        """Raise RunError if the classes or the images are no longer those that the run has learned from."""
        path = self.run_dir / _IMAGES_FILE
        if not ((self.run_dir / RESUME_FILE).exists() and path.exists()):
            return
        before, now = read_json(path), self.examples.described()
        if before != now:
            changed = "classes" if before.get("classes") != now["classes"] else "images"
            raise RunError(
                f"the {changed} of {self.recipe.dataset} are no longer those that {self.run_dir} has learned from: "
                "train with another --run, or delete it"
            )

    def _network(self) -> OwnNetwork:
        self._refuse_other_images()
        network = build_network(self.recipe, len(self.examples.labels))
        weights = load(require(self.run_dir, BEST_WEIGHTS_FILE, "train"))
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise RunError(
                f"the weights in {self.run_dir} are of another network or of other classes: train the run again"
            ) from error
        return network.eval()

    def _classifier(self, file: str) -> Classifier:
        self._refuse_other_images()
        path, calibration = require(self.run_dir, file, "quantize"), read_calibration(self.run_dir)
        return Classifier(
            path,
            self.examples.labels,
            float(calibration.get("known_threshold", 0.5)),
            float(calibration.get("confident_threshold", 1)),
            preprocessing=self.recipe.preprocessing,
        )

    def _range_images(self) -> NDArray[np.uint8]:
        """Training images and outliers (N, channels, side, side)."""
        train_part = self.examples.train
        places = np.linspace(0, len(train_part) - 1, min(_RANGE_IMAGES, len(train_part))).round().astype(int)
        images = train_part.images.served[train_part.places[places]]
        return np.concatenate([images[:, 0], calibrate.outliers(images, _RANGE_OUTLIERS)])

    def _plot(self) -> None:
        plots.save(plots.curves(self.run_dir / HISTORY_FILE), self.run_dir / CURVES_PLOT_FILE)
        if len(self.examples.labels) <= _MOST_PLOTTED:
            figure = plots.confusion(read_confusion(self.run_dir), self.examples.labels)
            plots.save(figure, self.run_dir / CONFUSION_PLOT_FILE)


STAGES: Final[Mapping[str, Callable[[Build], None]]] = {
    "calibrate": Build.calibrate,
    "export": Build.export,
    "quantize": Build.quantize,
    "evaluate": Build.evaluate,
}


def open_build(run_dir: Path) -> Build:
    """The run in `run_dir`, with its examples. Raises RunError, and WrongFolder if the folder is broken by now."""
    recipe = load_recipe(run_dir)
    return Build(run_dir, recipe, load_examples(recipe))


def load_recipe(run_dir: Path) -> Recipe:
    """The recipe of the run in `run_dir`. Raises RunError if it is missing, or of another version."""
    values: dict[str, Any] = read_json(require(run_dir, CONFIG_FILE, "train"))
    try:
        return Recipe(**values)
    except TypeError as error:
        raise RunError(f"{run_dir / CONFIG_FILE} is of another version of model_build: {error}") from error
