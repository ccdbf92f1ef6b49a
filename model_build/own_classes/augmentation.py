"""Alter training images: another crop, mirrored, turned, in other light; and images of no class, made from them."""

import random
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from handler.inference.card import CUT_OUT
from model_build.datasets.accessories import accessory_cutout
from model_build.own_classes.recipe import Recipe

_LIGHT: Final = 0.4  # the most by which brightness, contrast and saturation change
_TURN: Final = 12  # degrees
_ASPECT: Final = (0.8, 1.25)
_MIXING: Final = 0.8  # parameter of the beta distribution


def alteration(recipe: Recipe) -> Any:
    """A random transform of a stored image, uint8 (channels, wide side, wide side) -> (channels, side, side)."""
    side = recipe.side
    mirrored = [v2.RandomHorizontalFlip()] if recipe.mirror else []
    if recipe.preprocessing == CUT_OUT:
        crop = v2.RandomAffine(_TURN / 2, translate=(0.07, 0.07), scale=(recipe.smallest_crop**0.5, 1 / 0.95))
        return v2.Compose([crop, *mirrored, v2.RandomErasing(recipe.erasing_probability)])
    turned = v2.RandomApply([v2.RandomRotation(_TURN, v2.InterpolationMode.BILINEAR, fill=127)], 0.3)
    light = v2.ColorJitter(_LIGHT, _LIGHT, _LIGHT if recipe.channels == 3 else 0)
    blurred = v2.RandomApply([v2.GaussianBlur(5, (0.3, 1.5))], 0.1)
    cropped = v2.RandomResizedCrop(side, (recipe.smallest_crop, 1), _ASPECT, antialias=True)
    erased = v2.RandomErasing(recipe.erasing_probability, (0.02, 0.2), value=127)
    return v2.Compose([turned, cropped, *mirrored, v2.RandomApply([light], 0.8), blurred, erased])


def mixed(images: Tensor, targets: Tensor, rng: random.Random) -> tuple[Tensor, Tensor]:
    """Each normalized image mixed with another one of the batch, and so the targets.

    H. Zhang et al., "mixup: Beyond Empirical Risk Minimization" (arXiv 1710.09412).
    """
    share = rng.betavariate(_MIXING, _MIXING)
    return images.lerp(images.flip(0), share), targets.lerp(targets.flip(0), share)


def outlier(image: Tensor, rng: random.Random) -> Tensor:
    """An image of no class, uint8 (channels, side, side): noise, plain colours, stripes, or `image` in shuffled pieces.

    D. Hendrycks et al., "Deep Anomaly Detection with Outlier Exposure" (arXiv 1812.04606).
    """
    made: Tensor = rng.choice((_noise, _gradient, _stripes, _shuffled, _shuffled))(image, rng)
    return made


def accessory_on_ground(image: Tensor, rng: random.Random) -> Tensor:
    """A drawn watch, belt or pair of glasses on the ground of `image`, uint8 (channels, side, side)."""
    channels, side, _ = image.shape
    ground = functional.to_pil_image(_corner(image, rng)).convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    wide = round(side * rng.uniform(0.5, 1))
    turned = accessory_cutout(rng).rotate(rng.choice([rng.gauss(0, 8), rng.uniform(0, 360)]), Image.Resampling.BICUBIC)
    thing = turned.resize((wide, wide), Image.Resampling.LANCZOS)
    ground.paste(thing, (rng.randint(0, side - wide), rng.randint(0, side - wide)), thing)
    placed: Tensor = functional.pil_to_tensor(ground if channels == 3 else ground.convert("L"))
    return placed


def _corner(image: Tensor, rng: random.Random) -> Tensor:
    """A square near a corner, where an image shows its ground more often than its object."""
    side, margin = image.shape[-1], image.shape[-1] // 8
    wide = rng.randint(side // 4, side // 2)
    top, left = (rng.choice((margin, side - wide - margin)) for _ in range(2))
    return image[:, top : top + wide, left : left + wide]


def _noise(image: Tensor, rng: random.Random) -> Tensor:
    """Random colours in cells of a random size."""
    channels, side, _ = image.shape
    cells = rng.randint(1, side // 2)
    random_cells = np.random.default_rng(rng.getrandbits(32)).integers(0, 256, (channels, cells, cells), np.uint8)
    way = rng.choice((Image.Resampling.NEAREST, Image.Resampling.BICUBIC))
    planes = [np.asarray(Image.fromarray(plane).resize((side, side), way)) for plane in random_cells]
    return torch.from_numpy(np.stack(planes))


def _gradient(image: Tensor, rng: random.Random) -> Tensor:
    """From one colour to another, from left to right or from top to bottom; or one colour."""
    first, second = _colour(image, rng), _colour(image, rng)
    share = torch.linspace(0, 1, image.shape[-1]).expand(image.shape[1:]) * rng.choice((0.0, 0.3, 1.0))
    return first.lerp(second, share if rng.random() < 0.5 else share.T).to(torch.uint8)


def _stripes(image: Tensor, rng: random.Random) -> Tensor:
    """Stripes of two colours, or checks, on plain ground."""
    side = image.shape[-1]
    wide = rng.randint(2, max(3, side // 4))
    bands = torch.arange(side) // wide % 2
    pattern = bands.expand(side, side) if rng.random() < 0.5 else bands.expand(side, side).T ^ bands
    striped: Tensor = torch.where(pattern.bool(), _colour(image, rng), _colour(image, rng))
    return striped.to(torch.uint8)


def _shuffled(image: Tensor, rng: random.Random) -> Tensor:
    """The image in pieces, shuffled: its colours and textures, without its shape."""
    pieces = rng.choice((3, 4, 6, 8))
    side = image.shape[-1]
    step = -(-side // pieces)
    padded = nn.functional.pad(image[None].float(), (0, step * pieces - side) * 2, mode="replicate")[0]
    cells = padded.unflatten(1, (pieces, step)).unflatten(3, (pieces, step)).permute(1, 3, 0, 2, 4).flatten(0, 1)
    order = torch.tensor(rng.sample(range(pieces**2), pieces**2))
    shuffled: Tensor = cells[order].unflatten(0, (pieces, pieces)).permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)
    return shuffled[:, :side, :side].to(torch.uint8)


def _colour(image: Tensor, rng: random.Random) -> Tensor:
    return torch.tensor([float(rng.randrange(256)) for _ in range(len(image))])[:, None, None]
