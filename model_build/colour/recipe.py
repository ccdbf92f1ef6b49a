"""Recipe of the colour networks: every number that decides how a teacher or a student is trained."""

from dataclasses import dataclass

from handler.contract import COLOUR_SIDE
from model_build.colour.network import ALL_BLOCKS, LITE0, LITE2, LITE2_BLOCKS, Size

SIDE = COLOUR_SIDE  # of an image that the network takes, in pixels
STORED_SIDE = 192  # of an image before it is cropped for training


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; the defaults are those of the first teacher."""

    size: Size = LITE0
    blocks: int = ALL_BLOCKS
    side: int = SIDE  # of the images that it is trained on
    frozen_parts: int = 4  # the stem and the first blocks stay as ImageNet left them: half of the time
    epochs: int = 10
    epoch_images: int = 6_144
    batch_size: int = 32
    photo_share: float = 0.5  # of an epoch's images
    drawn_share: float = 0.41  # of composites; the rest are enlarged images of Fashion-MNIST and digits
    composites: int = 16_000  # drawn once, each altered whenever it is shown
    learning_rate: float = 6e-4  # at its peak
    classes_learning_rate: float = 1.5e-3  # of the layers that are not pretrained
    warmup_share: float = 0.02  # of all steps
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    averaging_decay: float = 0.998  # per step, of the weights that are validated and kept
    teacher_weight: float = 0.7  # of the teachers' probabilities in the target of a photo, where there are teachers
    mixed_share: float = 0.0  # of the batches: photos are mixed with one another
    rounded_epochs: int = 0  # the last ones: with weights rounded as in the int8 file
    seed: int = 1


TEACHERS = (Recipe(), Recipe(size=LITE2, blocks=LITE2_BLOCKS, side=192, frozen_parts=5, learning_rate=5e-4, seed=2))
STUDENT = Recipe(blocks=13, epochs=30, mixed_share=0.25, rounded_epochs=22)
