"""Everyday things in other colours, cloths and lights, as garments of no class: they are pasted into composites."""

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model_build.cutout.fabrics import fabric
from model_build.cutout.garments import Garment
from model_build.datasets.everyday_things import Thing


def everyday(rng: random.Random, things: Sequence[Thing]) -> Garment:
    """One of `things`, by its weight, in its own or another colour."""
    (thing,) = rng.choices(things, [thing.weight for thing in things])
    return Garment(coloured(thing.cutout(), rng), None)


def coloured(cutout: Image.Image, rng: random.Random) -> Image.Image:
    """RGBA: as it is, in another hue, or of one colour or cloth with its own light and shade."""
    picture, kind = cutout.convert("RGB"), rng.random()
    if kind >= 0.5:
        ground = _even(rng, picture.size) if kind >= 0.65 else np.asarray(fabric(rng, picture.size), np.float32)
        picture = _dyed(picture, np.asarray(cutout.getchannel("A")) > 128, ground, rng)
    elif kind >= 0.25:
        picture = _in_other_hue(picture, rng)
    picture.putalpha(cutout.getchannel("A"))
    return picture


def _in_other_hue(picture: Image.Image, rng: random.Random) -> Image.Image:
    hue, saturation, value = picture.convert("HSV").split()
    turn, kept = rng.randrange(256), rng.uniform(0.3, 1)
    turned = hue.point([(level + turn) % 256 for level in range(256)])
    paler = saturation.point([int(level * kept) for level in range(256)])
    return Image.merge("HSV", (turned, paler, value)).convert("RGB")


def _even(rng: random.Random, size: tuple[int, int]) -> NDArray[np.float32]:
    """(H, W, 3): near white, near black, or any colour."""
    kind = rng.random()
    if kind < 0.55:
        colour = [rng.uniform(200, 255) if kind < 0.35 else rng.uniform(10, 70)] * 3
    else:
        colour = [rng.uniform(0, 255) for _ in range(3)]
    return np.full((size[1], size[0], 3), colour, np.float32)


def _dyed(
    picture: Image.Image, mask: NDArray[np.bool_], ground: NDArray[np.float32], rng: random.Random
) -> Image.Image:
    """`ground`, lighter and darker where `picture` is so within `mask`, with some of its colours left."""
    grey = np.asarray(picture.convert("L"), np.float32) / 255
    relief = (grey - (grey[mask].mean() if mask.any() else 0.5))[..., None]
    dyed = ground * (1 + rng.uniform(0.5, 1.3) * relief) + 20 * relief
    share = rng.uniform(0.6, 1)
    mixed = share * dyed + (1 - share) * np.asarray(picture, np.float32)
    return Image.fromarray(mixed.clip(0, 255).astype(np.uint8))
