"""Images of the dataset in, what the model will see of shop pictures of the same things out.

People's photos show seven of the ten classes only. So that the others are known in pictures, too, each image is
enlarged, coloured, laid on a ground, mostly white, sometimes worn, and sent through the very conversion that ships.
"""

import hashlib
import random
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

import handler.inference.preprocessing
from handler.contract import IMAGE_SIDE
from handler.inference.preprocessing import conversions
from model_build.datasets.mnist import DATA_DIR, LabelledImages
from model_build.progress import track

SIDE: Final = 128  # of a picture, in pixels
CUT_RANGE: Final = (0.55, 1.5)  # as for photos
_OPEN: Final = (5, 8)  # sandals and bags, through which the ground is seen; where others are black they are white
_WORN: Final = (0, 1, 2, 3, 4, 6)  # classes that hide most of who wears them
_SMALLEST_CONTRAST: Final = 40.0  # between garment and ground, as a distance in RGB

Colour = tuple[int, int, int]
Grey = NDArray[np.float32]


def load_renderings(given: LabelledImages, seed: int, root: Path = DATA_DIR) -> Tensor:
    """uint8 (N, 28, 28): each of N images rendered once and cut out again; kept below `root`."""
    cache = root / f"renderings-{_fingerprint(given, seed)}.npz"
    if not cache.exists():
        with ProcessPoolExecutor() as pool:
            numbered = zip(given.images.numpy(), given.labels.tolist(), range(len(given)), strict=True)
            converted = pool.map(partial(_converted, seed), numbered, chunksize=500)
            pixels = np.array(list(track(converted, "rendering images as pictures", total=len(given))), np.uint8)
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(cache, images=pixels.reshape(-1, IMAGE_SIDE, IMAGE_SIDE))
    with np.load(cache) as stored:
        return torch.from_numpy(stored["images"])


def rendered(image: NDArray[np.uint8], class_id: int, chance: random.Random) -> Image.Image:
    """A picture, RGB, of what `image` (28, 28) of the dataset shows."""
    cutout = _cutout(image, _silhouette(image, has_openings=class_id in _OPEN), chance)
    scale = chance.uniform(0.45, 0.92) * SIDE / max(cutout.size)
    cutout = cutout.resize(
        (max(1, round(cutout.width * scale)), max(1, round(cutout.height * scale))), Image.Resampling.BICUBIC
    ).rotate(chance.gauss(0, 4), Image.Resampling.BICUBIC, expand=True)
    picture = ground(_mean_colour(cutout), chance)
    place = _place(cutout.size, chance)
    if class_id in _WORN and chance.random() < 0.12:
        _draw_wearer(picture, (*place, place[0] + cutout.width, place[1] + cutout.height), chance)
    elif chance.random() < 0.4:
        _cast_shadow(picture, cutout, place, chance)
    picture.paste(cutout, place, cutout)
    return picture.filter(ImageFilter.GaussianBlur(chance.uniform(0, 0.8)))


def _converted(seed: int, numbered: tuple[NDArray[np.uint8], int, int]) -> NDArray[np.uint8]:
    image, class_id, number = numbered
    chance = random.Random(f"{seed} {number}")
    picture = rendered(image, class_id, chance)
    return conversions(picture, [chance.uniform(*CUT_RANGE)])[0].pixels


def _cutout(image: NDArray[np.uint8], silhouette: NDArray[np.bool_], chance: random.Random) -> Image.Image:
    """The thing alone, RGBA, eight times as large: the dataset's images are negated photos, made grey."""
    lightness: Grey = (1 - image / 255).astype(np.float32)
    colours = _coloured(lightness, silhouette, chance)
    cutout = Image.merge("RGBA", [Image.fromarray(channel) for channel in (*colours, silhouette * np.uint8(255))])
    large = cutout.crop(Image.fromarray(silhouette).getbbox()).convert("RGBa")
    large = large.resize((large.width * 8, large.height * 8), Image.Resampling.BICUBIC).convert("RGBA")
    large.putalpha(large.getchannel("A").point(lambda alpha: min(max((alpha - 140) * 5, 0), 255)))
    return large


def _silhouette(image: NDArray[np.uint8], *, has_openings: bool) -> NDArray[np.bool_]:
    """(28, 28): all but the black, or only the black that reaches the border."""
    if has_openings:
        return image > 12
    framed = Image.fromarray(np.pad(np.where(image > 6, 255, 0).astype(np.uint8), 1)).copy()
    ImageDraw.floodfill(framed, (0, 0), 128)
    silhouette: NDArray[np.bool_] = np.asarray(framed)[1:-1, 1:-1] != 128
    return silhouette


def _coloured(lightness: Grey, silhouette: NDArray[np.bool_], chance: random.Random) -> list[NDArray[np.uint8]]:
    """The three channels: near the image's own lightness, or in any colour, folds and prints kept."""
    mean = float(lightness[silhouette].mean())
    if chance.random() < 0.4:
        base = np.array([255 * mean * chance.uniform(0.85, 1.15) for _ in range(3)])
    else:
        base = np.array(any_colour(chance), float)
    shades = 1 + chance.uniform(0.5, 1.2) * (lightness - mean)
    offset = chance.uniform(0, 25)  # so that black things have folds, too
    pixels = np.clip(base[:, None, None] * shades + offset * (lightness - mean), 0, 255).astype(np.uint8)
    return [*pixels]


def ground(garment: NDArray[np.float64], chance: random.Random) -> Image.Image:
    """White more often than not, else of one colour or of some texture, and never the garment's own colour."""
    while True:
        kind = chance.random()
        colour = (chance.randrange(238, 256),) * 3 if kind < 0.65 else any_colour(chance)
        if np.linalg.norm(garment - np.array(colour)) > _SMALLEST_CONTRAST:
            break
        garment = garment * 0.9  # a white thing on white ground must end somewhere, too
    plain = Image.new("RGB", (SIDE, SIDE), colour)
    if kind < 0.5:
        return plain
    other = tuple(min(max(value + chance.randint(-40, 40), 0), 255) for value in colour)
    return Image.composite(plain, Image.new("RGB", (SIDE, SIDE), other), _texture(chance))


def _texture(chance: random.Random) -> Image.Image:
    """Grey: a shadow across the picture, or the grain of cloth, wood or stone."""
    if chance.random() < 0.4:
        return Image.linear_gradient("L").rotate(chance.uniform(0, 360)).resize((SIDE, SIDE))
    generator = np.random.default_rng(chance.getrandbits(32))
    rows, columns = (chance.choice([4, 16, 40, SIDE]) for _ in range(2))
    noise = Image.fromarray(generator.integers(0, 256, (rows, columns), np.uint8))
    return noise.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def _place(size: tuple[int, int], chance: random.Random) -> tuple[int, int]:
    """Left and top, somewhere near the middle."""
    left, top = ((SIDE - side) * min(max(chance.gauss(0.5, 0.15), 0.02), 0.98) for side in size)
    return round(left), round(top)


def _cast_shadow(picture: Image.Image, cutout: Image.Image, place: tuple[int, int], chance: random.Random) -> None:
    strength = chance.uniform(0.05, 0.3)
    mask = Image.new("L", picture.size)
    offset = (place[0] + chance.randint(-6, 6), place[1] + chance.randint(0, 8))
    mask.paste(cutout.getchannel("A").point(lambda alpha: round(alpha * strength)), offset)
    picture.paste((0, 0, 0), mask=mask.filter(ImageFilter.GaussianBlur(chance.uniform(2, 7))))


def _draw_wearer(picture: Image.Image, box: tuple[int, int, int, int], chance: random.Random) -> None:
    """Head, arms and legs as far as the picture reaches, to be covered by the garment."""
    draw = ImageDraw.Draw(picture)
    left, top, right, bottom = box
    width, middle = right - left, (left + right) / 2
    tone = chance.uniform(0.3, 1.0)
    skin = (round(235 * tone), round(190 * tone), round(160 * tone))
    head, limb = 0.2 * width, max(2, round(0.14 * width))
    draw.rectangle((middle - head / 3, top - head, middle + head / 3, top + head), skin)
    draw.ellipse((middle - head * 0.6, top - 2.4 * head, middle + head * 0.6, top - 0.6 * head), skin)
    for side in (-1, 1):
        hand = (middle + side * 0.5 * width, bottom - 0.1 * width)
        draw.line([(middle + side * 0.3 * width, top + 0.2 * width), hand], skin, limb)
        foot = (middle + side * 0.2 * width, SIDE)
        draw.line([(middle + side * 0.17 * width, bottom - 0.2 * width), foot], skin, limb)


def _mean_colour(cutout: Image.Image) -> NDArray[np.float64]:
    pixels = np.asarray(cutout, float)
    opaque = pixels[..., 3] > 128
    mean: NDArray[np.float64] = pixels[opaque][:, :3].mean(axis=0) if opaque.any() else np.zeros(3)
    return mean


def any_colour(chance: random.Random) -> Colour:
    return (chance.randrange(256), chance.randrange(256), chance.randrange(256))


def _fingerprint(given: LabelledImages, seed: int) -> str:
    """Changes with whatever decides how an image is rendered."""
    digest = hashlib.sha256(str(seed).encode() + given.images.numpy().tobytes() + given.labels.numpy().tobytes())
    for source in (__file__, str(handler.inference.preprocessing.__file__)):
        digest.update(Path(source).read_bytes())
    return digest.hexdigest()[:12]
