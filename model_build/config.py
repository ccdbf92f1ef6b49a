"""Configuration of a run: every number that decides its result, saved beside it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """Settings of a run; the defaults are those of the shipped model."""

    dataset: str = "fashion-mnist"
    seed: int = 1
    validation_images: int = 5_000
    train_images: int | None = None  # None: all that the validation split leaves

    photo_variants: int = 8  # altered copies of each photo, beside its views; 0: train on the dataset alone
    photo_repeats: int = 4  # how often an epoch shows each photo, in one of its variants
    non_clothing_negatives: int = 3_000  # synthetic images of no clothing, for outlier exposure

    widths: tuple[int, ...] = (16, 56, 72)  # channels of each stage; a stage halves height and width
    blocks_per_stage: int = 2
    doubtful_below: float = 0.8  # of the likeliest class: an image with less is averaged with its mirror image

    epochs: int = 70
    fine_tuning_epochs: int = 100  # after these, with synthetic shop pictures beside everything else
    fine_tuning_learning_rate: float = 0.1  # at its peak
    shop_picture_share: float = 0.2  # of the dataset, drawn anew for each fine-tuning epoch
    soft_target_weight: float = 0.5  # of the first cycle's probabilities against the labels, in fine-tuning
    accessory_negatives: int = 1_500  # synthetic watches, belts and glasses, in each fine-tuning epoch
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
