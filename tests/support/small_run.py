"""A training that is over in seconds."""

from typing import Final

from model_build.config import Config

ONE_EPOCH: Final = Config(
    epochs=1,
    finishing_epochs=0,
    train_images=256,
    widths=(4, 8),
    blocks_per_stage=1,
    photo_variants=0,
    unknown_images=20,
)
