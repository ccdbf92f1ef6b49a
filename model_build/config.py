"""Every number that decides a run, in one frozen value that is saved with its results."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

CONFIG_FILE: Final = "config.json"


@dataclass(frozen=True)
class Config:
    """The defaults are the run that made the shipped model."""

    dataset: str = "fashion-mnist"
    seed: int = 1
    validation_images: int = 5_000
    train_images: int | None = None  # None: all that the validation split leaves

    photo_variants: int = 8  # altered ones of each photo, beside its views; 0: train on the dataset alone
    validation_photos: int = 300  # cut from the photos' training split
    photo_repeats: int = 4  # how often an epoch shows each photo, in one of its variants
    unknown_images: int = 3_000  # drawn pictures of no clothing

    widths: tuple[int, ...] = (16, 48, 64)  # channels of each stage; a stage halves height and width
    blocks_per_stage: int = 2

    epochs: int = 70
    finishing_epochs: int = 100  # after these, with shop pictures beside all else
    finishing_learning_rate: float = 0.1  # at its peak
    rendered_share: float = 0.2  # of the dataset, drawn anew for each finishing epoch: as shop pictures
    taught_weight: float = 0.5  # in finishing epochs, of what the network before them says, against the labels
    accessory_images: int = 1_500  # drawn watches, belts and glasses, in each finishing epoch
    batch_size: int = 128
    peak_learning_rate: float = 0.2
    warmup_share: float = 0.2  # of all steps
    momentum: float = 0.9
    weight_decay: float = 5e-4
    averaging_decay: float = 0.998  # per step, of the weights that are validated and kept
    shift_pixels: int = 2
    erasing_probability: float = 0.5
    uniform_weight: float = 0.3  # of the loss that asks for equal probabilities where no class is right
    known_weight: float = 0.3  # of the loss that asks whether any class is right

    calibration_images: int = 1_000

    def save(self, run_dir: Path) -> None:
        run_dir.mkdir(parents=True, exist_ok=True)
        (run_dir / CONFIG_FILE).write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, run_dir: Path) -> Self:
        """The configuration of the run in `run_dir`. Raises FileNotFoundError if nothing was trained there."""
        values = json.loads((run_dir / CONFIG_FILE).read_text())
        return cls(**{**values, "widths": tuple(values["widths"])})
