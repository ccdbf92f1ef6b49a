"""Composites: pictures with the exact outline of their main garment, to train networks that see photos.

The method is that of D. Dwibedi, I. Misra and M. Hebert, "Cut, Paste and Learn" (ICCV 2017): garments are cut out,
altered, and pasted on grounds and people that they were not photographed with.
"""

import io
import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

from model_build.cutout.everyday import everyday
from model_build.cutout.garments import Garment, garment, outlines
from model_build.cutout.goods import goods
from model_build.cutout.grounds import home_ground, shop_ground
from model_build.cutout.people import worn
from model_build.cutout.shoes import shoe
from model_build.cutout.tailored import tailored
from model_build.cutout.trusted import trusted_photos
from model_build.datasets.everyday_things import Thing
from model_build.datasets.mnist import DATA_DIR

WORN: Final = 0.45  # shares of the composites; the rest are trusted photos, where there are any
FLAT: Final = 0.35
_SHOP_WORN: Final = 0.5  # shares of the shop composites; the rest are goods
_SHOP_SHOES: Final = 0.15
_DRAWN: Final = 2  # drawn so much larger, so that edges are smooth


Drawn = tuple[Image.Image, Image.Image, int | None]  # a picture, the outline of its garment, the garment's class


@dataclass(frozen=True)
class Composite:
    """`image` (RGB, side x side); `mask` (side, side): the main garment alone; `class_id` None: none of the ten."""

    image: Image.Image
    mask: NDArray[np.bool_]
    class_id: int | None


def composite(rng: random.Random, side: int) -> Composite:
    """A garment worn by a drawn person, one laid flat or photographed alone, or a photo whose outline is trusted."""
    kind = rng.random()
    if kind < WORN:
        drawn = _worn(rng, _DRAWN * side)
    elif kind < WORN + FLAT or not len(trusted_photos()):
        drawn = _flat(rng, _DRAWN * side)
    else:
        drawn = _photo(rng)
    return _composite(drawn, rng, side, crop=0.25 if kind < WORN else 0.1)


def _composite(drawn: Drawn, rng: random.Random, side: int, *, crop: float) -> Composite:
    picture, mask, class_id = drawn
    picture, mask = _framed(picture, mask, rng, crop)
    small = picture.resize((side, side), Image.Resampling.BOX)
    outline = np.asarray(mask.resize((side, side), Image.Resampling.BOX)) >= 128
    return Composite(_photographed(small, rng), outline, class_id)


def shop_composite(rng: random.Random, side: int) -> Composite:
    """A top or dress drawn as it is worn, shoes or other goods: what photos and Fashion-MNIST do not show."""
    kind = rng.random()
    is_worn = kind < _SHOP_WORN
    ground = shop_ground(rng, _DRAWN * side) if rng.random() < 0.8 else home_ground(rng, _DRAWN * side)
    if is_worn:
        person = tailored(rng, ground)
        drawn = person.picture, person.mask, person.class_id
    else:
        found = shoe(rng) if kind < _SHOP_WORN + _SHOP_SHOES else goods(rng)
        drawn = _laid(found, ground, rng, in_shop=rng.random() < 0.8)
    return _composite(drawn, rng, side, crop=0.25 if is_worn else 0.1)


def everyday_composite(rng: random.Random, side: int, things: Sequence[Thing]) -> Composite:
    """One of `things` or, less often, several, which are none of the classes."""
    in_shop = rng.random() < 0.5
    picture = (shop_ground if in_shop else home_ground)(rng, _DRAWN * side)
    covered = Image.new("L", picture.size)
    for _ in range(1 if rng.random() < 0.75 else rng.randint(2, 4)):
        _, mask, _ = _laid(everyday(rng, things), picture, rng, in_shop=in_shop)
        covered = ImageChops.lighter(covered, mask)
    return _composite((picture, covered, None), rng, side, crop=0.1)


def composing_processes() -> ProcessPoolExecutor:
    """Processes that make composites. The files that they read are made before, since each would write them."""
    trusted_photos()
    outlines(DATA_DIR)
    return ProcessPoolExecutor()


def _worn(rng: random.Random, side: int) -> Drawn:
    ground = shop_ground(rng, side) if rng.random() < 0.75 else home_ground(rng, side)
    person = worn(rng, ground)
    return person.picture, person.mask, person.class_id


def _flat(rng: random.Random, side: int) -> Drawn:
    """One garment on a ground; a shop's picture has less tilt."""
    in_shop = rng.random() < 0.45
    picture = shop_ground(rng, side) if in_shop else home_ground(rng, side)
    classes = rng.choice([None, None, (5, 7, 9), (8,), (2, 4)])
    return _laid(garment(rng, classes), picture, rng, in_shop=in_shop)


def _laid(found: Garment, picture: Image.Image, rng: random.Random, *, in_shop: bool) -> Drawn:
    cutout, place = _placed(found, rng, picture.width, in_shop=in_shop)
    _cast_shadow(picture, cutout, place, rng)
    picture.paste(cutout, place, cutout)
    mask = Image.new("L", picture.size)
    mask.paste(cutout.getchannel("A"), place)
    return picture, mask, found.class_id


def _placed(found: Garment, rng: random.Random, side: int, *, in_shop: bool) -> tuple[Image.Image, tuple[int, int]]:
    cutout = found.cutout
    longer = side * rng.uniform(0.4, 1.0)
    stretch = rng.uniform(0.75, 1.33)  # photos of any shape become squares
    width, height = cutout.width * stretch, float(cutout.height)
    scale = longer / max(width, height)
    cutout = cutout.resize((max(4, round(width * scale)), max(4, round(height * scale))), Image.Resampling.BICUBIC)
    angle = rng.gauss(0, 2) if in_shop else rng.choice([rng.gauss(0, 8), rng.gauss(0, 8), rng.uniform(0, 360)])
    cutout = cutout.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    left, top = (round((side - size) * min(max(rng.gauss(0.5, 0.2), -0.1), 1.1)) for size in cutout.size)
    return cutout, (left, top)


def _cast_shadow(picture: Image.Image, cutout: Image.Image, place: tuple[int, int], rng: random.Random) -> None:
    if rng.random() < 0.35:
        return
    strength, far = rng.uniform(0.05, 0.5), picture.width / 40
    shadow = Image.new("L", picture.size)
    offset = (round(place[0] + rng.uniform(-far, far)), round(place[1] + rng.uniform(-far / 2, far)))
    shadow.paste(cutout.getchannel("A").point(lambda alpha: round(alpha * strength)), offset)
    picture.paste((0, 0, 0), mask=shadow.filter(ImageFilter.GaussianBlur(rng.uniform(1, far))))


def _photo(rng: random.Random) -> Drawn:
    photos = trusted_photos()
    place = rng.randrange(len(photos))
    mask = Image.fromarray(np.array(photos.masks[place]).astype(np.uint8) * 255)
    class_id = int(photos.classes[place])
    picture = Image.fromarray(np.array(photos.images[place]))
    if rng.random() < 0.12:
        turn = rng.choice([Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270])
        picture, mask = picture.transpose(turn), mask.transpose(turn)
    return picture, mask, None if class_id < 0 else class_id


def _framed(
    picture: Image.Image, mask: Image.Image, rng: random.Random, crop: float
) -> tuple[Image.Image, Image.Image]:
    """Mirrored or not, and cut at its sides, as long as most of the garment stays."""
    if rng.random() < 0.5:
        picture, mask = ImageOps.mirror(picture), ImageOps.mirror(mask)
    width, height = picture.size
    left, top, right, bottom = (max(0.0, rng.uniform(-crop, crop)) for _ in range(4))
    box = (round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height))
    whole, kept = (np.asarray(each, np.float64).sum() for each in (mask, mask.crop(box)))
    if kept < 0.8 * whole:
        return picture, mask
    return picture.crop(box).resize(picture.size, Image.Resampling.BILINEAR), mask.crop(box).resize(mask.size)


def _photographed(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Light, colour, blur, noise and compression of a camera."""
    if rng.random() < 0.7:
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            picture = enhance(picture).enhance(rng.uniform(0.8, 1.2))
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.012) * picture.width))
    if rng.random() < 0.4:
        grain = np.random.default_rng(rng.getrandbits(32)).normal(
            0, rng.uniform(1, 10), (picture.height, picture.width, 3)
        )
        picture = Image.fromarray((np.asarray(picture) + grain).clip(0, 255).astype(np.uint8))
    if rng.random() < 0.4:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=rng.randint(25, 90))
        picture = Image.open(stream).convert("RGB")
    return picture
