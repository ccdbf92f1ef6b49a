"""Recipe of a model for your own classes: every number that decides its result, saved beside it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from handler.contract import InputFormat
from handler.inference.card import CUT_OUT, RESIZE

IMAGENET: Final = "imagenet"  # values of `start_from`, beside the folder of a run
SCRATCH: Final = "scratch"
LITE0: Final = "efficientnet-lite0"
SMALL: Final = "small-resnet"
PRETRAINED_MAX_KIB: Final = 4_096
SCRATCH_MAX_KIB: Final = 512
PRETRAINED_SIDE: Final = 160
SCRATCH_SIDE: Final = 96
_FINE_TUNING_RATE: Final = 1e-3
_FINE_TUNING_EPOCHS: Final = 15


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; the defaults are those of one that starts from ImageNet's weights."""

    dataset: str  # a folder, or a name that torchvision knows
    start_from: str = IMAGENET  # or SCRATCH, or the folder of a run
    architecture: str = LITE0
    side: int = PRETRAINED_SIDE
    channels: int = 3
    preprocessing: str = RESIZE
    groups: str | None = None  # a CSV file: image,group
    max_kib: int = PRETRAINED_MAX_KIB  # of the int8 file
    mirror: bool = True  # whether a mirrored image is an equally good example of its class
    seed: int = 1

    epochs: int = 12  # at most
    patience: int = 4  # epochs without a better validation, after which training stops
    epoch_images: int = 4_000  # at most; a larger folder is shown in parts
    batch_size: int = 32
    float_epochs: int | None = 1  # the rest with weights rounded as in the int8 file; None: no such rest
    frozen_parts: int = 4  # the stem and the first blocks stay as ImageNet left them: half of the time
    learning_rate: float = 7e-4  # at its peak
    classes_learning_rate: float = 1.5e-3  # of the layer of the classes
    warmup_share: float = 0.1  # of all steps
    weight_decay: float = 0.02
    averaging_decay: float = 0.995  # per step, of the weights that are validated and kept
    label_smoothing: float = 0.1
    mixed_share: float = 0.0  # of the batches, in which images are mixed in pairs
    outlier_share: float = 0.06  # of a batch: made images of no class
    smallest_crop: float = 0.5  # of an image's area
    erasing_probability: float = 0.25
    centres: int = 8  # of a class at most, by which `known` is measured

    @property
    def form(self) -> InputFormat:
        return InputFormat(self.side, self.channels, self.preprocessing)


def pretrained(dataset: str) -> Recipe:
    """From the weights of ImageNet: what colour images of up to some ten thousand need."""
    return Recipe(dataset)


def from_scratch(dataset: str) -> Recipe:
    return Recipe(
        dataset,
        start_from=SCRATCH,
        architecture=SMALL,
        side=SCRATCH_SIDE,
        max_kib=SCRATCH_MAX_KIB,
        epochs=80,
        patience=25,
        float_epochs=None,
        frozen_parts=0,
        learning_rate=4e-3,
        classes_learning_rate=4e-3,
        weight_decay=0.05,
        averaging_decay=0.998,
        mixed_share=0.3,
        smallest_crop=0.35,
        centres=1,  # its features tell less of an image: with more of them, other objects are near to one
    )


def like_fashion_mnist(dataset: str) -> Recipe:
    """28x28 grey pixels, the object cut out, bright on black: small, fast, and blind to colour."""
    return replace(from_scratch(dataset), side=28, channels=1, preprocessing=CUT_OUT, batch_size=64, smallest_crop=0.7)


def from_run(dataset: str, run: str, source: Recipe) -> Recipe:
    """As the run in the folder `run` was made, from its weights on; with its groups if it is of the same images."""
    groups = source.groups if Path(dataset).resolve() == Path(source.dataset).resolve() else None
    rate = min(source.learning_rate, _FINE_TUNING_RATE)
    return replace(
        source, dataset=dataset, start_from=run, groups=groups, learning_rate=rate, epochs=_FINE_TUNING_EPOCHS
    )
