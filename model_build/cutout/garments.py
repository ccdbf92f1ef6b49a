"""Garments for composites: cut out of trusted photos, or Fashion-MNIST silhouettes, with other colours and fabrics."""

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from model_build.config import Config
from model_build.cutout.trusted import trusted_photos, without_holes
from model_build.datasets.mnist import DATA_DIR, load
from model_build.datasets.randomness import random_colour

OUTLINES: Final = 20_000  # images of Fashion-MNIST's training split that lend their silhouettes
TOPS: Final = (0, 2, 4, 6)
SHOES: Final = (5, 7, 9)

_BAG: Final = 8
_WITH_OPENINGS: Final = (5, _BAG)  # sandals and bags show the ground through them
_ENLARGED: Final = 8

Share = NDArray[np.float64]  # (H, W), 0 to 1


@dataclass(frozen=True)
class Garment:
    """`cutout` (RGBA, trimmed; alpha is its outline) of a garment; `class_id` None: none of the ten classes."""

    cutout: Image.Image
    class_id: int | None


def garment(rng: random.Random, classes: tuple[int, ...] | None = None, root: Path = DATA_DIR) -> Garment:
    """A garment of one of `classes`, or any, from a photo or from Fashion-MNIST, in its own or other colours."""
    places = _photo_places(root, classes)
    from_photo = len(places) > 0 and rng.random() < min(0.5, len(places) / 60)
    found = _of_photo(int(rng.choice(places)), root) if from_photo else _of_outline(rng, classes, root)
    if rng.random() < (0.5 if from_photo else 0.75):
        found = Garment(_recoloured(found.cutout, rng), found.class_id)
    if found.class_id in SHOES and rng.random() < 0.6:
        found = Garment(_with_sole(found.cutout, rng), found.class_id)
    if found.class_id in (2, 4) and rng.random() < 0.12:
        found = Garment(_hooded(found.cutout, rng), found.class_id)
    if found.class_id in (2, 4, 6) and rng.random() < 0.3:
        found = Garment(_opened(found.cutout, rng), found.class_id)
    if found.class_id == _BAG and rng.random() < 0.6:
        found = Garment(_with_handle(found.cutout, rng), _BAG)
    return found


@cache
def _photo_places(root: Path, classes: tuple[int, ...] | None) -> NDArray[np.intp]:
    known = trusted_photos(root).classes
    return np.arange(len(known)) if classes is None else np.flatnonzero(np.isin(known, classes))


def _of_photo(place: int, root: Path) -> Garment:
    photos = trusted_photos(root)
    rgba = Image.fromarray(np.array(photos.images[place]))
    rgba.putalpha(Image.fromarray(np.array(photos.masks[place]).astype(np.uint8) * 255))
    aspect = float(photos.aspects[place])
    sizes = (round(rgba.width * min(1, aspect)), round(rgba.height * min(1, 1 / aspect)))
    class_id = int(photos.classes[place])
    return Garment(_trimmed(rgba.resize(sizes, Image.Resampling.BICUBIC)), None if class_id < 0 else class_id)


@cache
def outlines(root: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (N, 28, 28) of Fashion-MNIST whose silhouettes are used, and their labels."""
    train = load(Config(), root).train[:OUTLINES]
    return train.images.numpy(), train.labels.numpy()


@cache
def _outline_places(root: Path, classes: tuple[int, ...] | None) -> NDArray[np.intp]:
    labels = outlines(root)[1]
    return np.arange(len(labels)) if classes is None else np.flatnonzero(np.isin(labels, classes))


def _of_outline(rng: random.Random, classes: tuple[int, ...] | None, root: Path) -> Garment:
    images, labels = outlines(root)
    place = int(rng.choice(_outline_places(root, classes)))
    class_id = int(labels[place])
    mask = images[place] > 12 if class_id in _WITH_OPENINGS else without_holes(images[place] > 6)
    large = _large(255 - images[place], mask)
    return Garment(_trimmed(large), class_id)


def _large(grey: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Image.Image:
    """RGBA, eight times as large, with a smooth outline."""
    small = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(mask.astype(np.uint8) * 255)])
    framed = Image.new("LA", (small.width + 4, small.height + 4))
    framed.paste(small, (2, 2))
    size = (framed.width * _ENLARGED, framed.height * _ENLARGED)
    large = framed.convert("RGBA").convert("RGBa").resize(size, Image.Resampling.BICUBIC).convert("RGBA")
    large.putalpha(large.getchannel("A").point(lambda alpha: min(max((alpha - 110) * 5, 0), 255)))
    return large


def _trimmed(rgba: Image.Image) -> Image.Image:
    box = rgba.getchannel("A").point(lambda alpha: 255 * (alpha > 100)).getbbox()
    return rgba.crop(box) if box else rgba


def cloth_colour(rng: random.Random) -> NDArray[np.float64]:
    """RGB: white, grey, black, denim or beige as often as in wardrobes, or any colour."""
    kind = rng.random()
    if kind < 0.25:
        return np.array([rng.uniform(205, 255)] * 3) + [rng.uniform(-6, 6) for _ in range(3)]
    if kind < 0.42:
        return np.array([rng.uniform(10, 60)] * 3) + [rng.uniform(-8, 8) for _ in range(3)]
    if kind < 0.52:
        return np.array([rng.uniform(60, 205)] * 3) + [rng.uniform(-10, 10) for _ in range(3)]
    if kind < 0.64:
        return np.array([0.45, 0.6, 0.9]) * rng.uniform(50, 200)
    if kind < 0.72:
        return np.array([1.0, 0.88, 0.7]) * rng.uniform(90, 245)
    return np.array(random_colour(rng), float)


def _recoloured(cutout: Image.Image, rng: random.Random) -> Image.Image:
    """The garment in another colour or fabric; its folds and some of its print remain."""
    grey = np.asarray(cutout.convert("L"), np.float32)
    opaque = np.asarray(cutout.getchannel("A")) > 128
    if not opaque.any():
        return cutout
    relief = np.clip((grey - np.median(grey[opaque])) * rng.uniform(0.15, 0.8), -70, 70)
    colours = cloth_colour(rng) + np.zeros((*grey.shape, 3))
    if rng.random() < 0.35:
        share = woven(grey.shape, rng)[..., None]
        colours = colours * (1 - share) + cloth_colour(rng) * share
    pixels = np.clip(colours + relief[..., None] * (0.4 + colours / 300), 0, 255).astype(np.uint8)
    recoloured = Image.fromarray(pixels)
    recoloured.putalpha(cutout.getchannel("A"))
    return recoloured


def woven(shape: tuple[int, ...], rng: random.Random) -> Share:
    """The share of a second colour: stripes, checks, blocks, a print or a texture."""
    height, width = shape
    rows, columns = np.mgrid[:height, :width].astype(float)
    period, phase, share = rng.uniform(4, 50), rng.uniform(0, 50), rng.uniform(0.2, 0.7)
    along: Share = ((rows + phase) % period < share * period) * 1.0
    across: Share = ((columns + phase) % period < share * period) * 1.0
    lower: Share = (rows > rng.uniform(0.2, 0.8) * height) * 1.0
    match rng.choice(["along", "across", "checks", "block", "print", "noise"]):
        case "along":
            return along
        case "across":
            return across
        case "checks":
            return (along + across) / 2
        case "block":
            return lower
        case "print":
            return _print(height, width, rng)
        case _:
            return _noise(height, width, rng)


def _noise(height: int, width: int, rng: random.Random) -> Share:
    """Spots of any size and direction: knitwear, camouflage, flowers."""
    rows, columns = rng.randint(3, 40), rng.randint(3, 40)
    cells = np.random.default_rng(rng.getrandbits(32)).integers(0, 256, (rows, columns)).astype(np.uint8)
    return np.asarray(Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC), np.float64) / 255


def _print(height: int, width: int, rng: random.Random) -> Share:
    """Shapes on the chest."""
    canvas = Image.new("L", (width, height))
    draw = ImageDraw.Draw(canvas)
    for _ in range(rng.randint(1, 6)):
        x, y = width * rng.uniform(0.3, 0.6), height * rng.uniform(0.2, 0.6)
        box = (x, y, x + width * rng.uniform(0.05, 0.4), y + height * rng.uniform(0.03, 0.4))
        rng.choice([draw.rectangle, draw.ellipse])(box, rng.randint(90, 255))
    return np.asarray(canvas, np.float64) / 255


def _with_sole(cutout: Image.Image, rng: random.Random) -> Image.Image:
    """A sole and stripes in a light or any colour: parts of the shoe, though they may look like the ground."""
    alpha = cutout.getchannel("A")
    painted = cutout.convert("RGB")
    draw = ImageDraw.Draw(painted)
    colour = tuple(
        int(v) for v in ([rng.randint(215, 255)] * 3 if rng.random() < 0.7 else cloth_colour(rng).clip(0, 255))
    )
    width, height = cutout.size
    draw.rectangle((0, height * rng.uniform(0.72, 0.92), width, height), colour)
    for _ in range(rng.choice([0, 0, 1, 2, 4])):
        x, y = width * rng.uniform(0, 0.9), height * rng.uniform(0, 0.8)
        end = (x + width * rng.uniform(-0.3, 0.3), y + height * rng.uniform(0.1, 0.6))
        draw.line([(x, y), end], colour, max(2, round(width * rng.uniform(0.03, 0.2))))
    painted.putalpha(alpha)
    return painted


def _opened(cutout: Image.Image, rng: random.Random) -> Image.Image:
    """Unbuttoned: another garment shows along the middle, within the outline."""
    painted = cutout.convert("RGB")
    width, height = cutout.size
    middle, top, bottom = width * rng.uniform(0.42, 0.58), rng.uniform(0, 0.14), rng.uniform(0.02, 0.2)
    colour = tuple(int(value) for value in cloth_colour(rng).clip(0, 255))
    edge = [(middle - top * width, 0), (middle + top * width, 0), (middle + bottom * width, height)]
    opening = Image.new("L", cutout.size)
    ImageDraw.Draw(opening).polygon([*edge, (middle - bottom * width, height)], 255)
    painted.paste(colour, mask=opening.filter(ImageFilter.GaussianBlur(1.5)))
    painted.putalpha(cutout.getchannel("A"))
    return painted


def _hooded(cutout: Image.Image, rng: random.Random) -> Image.Image:
    """With a hood in its own colours above the neck, dark or of another colour inside."""
    width, height = cutout.size
    tall, half = round(height * rng.uniform(0.14, 0.26)), width * rng.uniform(0.12, 0.2)
    colours = np.asarray(cutout.convert("RGB"))[np.asarray(cutout.getchannel("A")) > 128]
    outside = np.median(colours, axis=0) if len(colours) else np.zeros(3)
    inside = outside * rng.uniform(0.3, 0.8) if rng.random() < 0.7 else cloth_colour(rng).clip(0, 255)
    hooded = Image.new("RGBA", (width, height + tall))
    draw = ImageDraw.Draw(hooded)
    middle, thick = width / 2, rng.uniform(0.15, 0.5)
    box = (middle - half, 0, middle + half, 2.4 * tall)
    draw.ellipse(box, (*(int(value) for value in outside), 255))
    inner = (box[0] + thick * half, thick * tall, box[2] - thick * half, box[3])
    draw.ellipse(inner, (*(int(value) for value in inside), 255))
    hooded.alpha_composite(cutout, (0, tall))
    return hooded


def _with_handle(cutout: Image.Image, rng: random.Random) -> Image.Image:
    """With a thin handle or strap above: at 28x28 pixels it is what tells a bag from a shirt."""
    width, height = cutout.size
    tall, half = round(height * rng.uniform(0.15, 0.8)), width * rng.uniform(0.15, 0.5)
    colours = np.asarray(cutout.convert("RGB"))[np.asarray(cutout.getchannel("A")) > 128]
    colour = np.median(colours, axis=0) * rng.uniform(0.5, 1.1) if len(colours) else np.zeros(3)
    handled = Image.new("RGBA", (width, height + tall))
    thick = max(2, round(width * rng.uniform(0.02, 0.09)))
    box = (width / 2 - half, 0, width / 2 + half, 2 * tall + 0.2 * height)
    outline = (*(int(value) for value in colour.clip(0, 255)), 255)
    ImageDraw.Draw(handled).arc(box, 180, 360, outline, thick)
    handled.alpha_composite(cutout, (0, tall))
    return handled
