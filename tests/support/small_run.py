"""Configurations of training runs that take seconds."""

from dataclasses import replace
from typing import Final

from model_build.config import Config

ONE_EPOCH: Final = Config(
    epochs=1,
    fine_tuning_epochs=0,
    train_images=256,
    widths=(4, 8),
    blocks_per_stage=1,
    photo_variants=0,
    non_clothing_negatives=20,
)
TWO_CYCLES: Final = replace(ONE_EPOCH, epochs=3, fine_tuning_epochs=1, accessory_negatives=20)
