"""Synthetic shop pictures: images of the dataset, enlarged, coloured, on a background, and preprocessed again.

The photo dataset shows seven of the ten classes only. Shop pictures teach the model how the other three look in images
from outside of the dataset: on a background that is mostly white, sometimes worn by somebody.
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

import handler.inference.foreground
import handler.inference.preprocessing
from handler.contract import IMAGE_SIDE
from handler.inference.preprocessing import preprocessed_views
from model_build.datasets import randomness
from model_build.datasets.mnist import DATA_DIR, LabelledImages
from model_build.datasets.randomness import random_colour, random_threshold
from model_build.progress import track
from model_build.run_files import save_arrays

SIDE: Final = 128  # of a shop picture, in pixels
_WITH_OPENINGS: Final = (5, 8)  # sandals and bags show the background through them; black in other classes is white
_WORN: Final = (0, 1, 2, 3, 4, 6)  # classes that hide most of their wearer
_SMALLEST_CONTRAST: Final = 40.0  # between garment and background, as a distance in RGB

Grey = NDArray[np.float32]


def load_shop_pictures(given: LabelledImages, seed: int, root: Path = DATA_DIR) -> Tensor:
    """uint8 (N, 28, 28): a shop picture of each of N images, preprocessed; cached below `root`."""
    cache = root / f"shop-pictures-{_fingerprint(given, seed)}.npz"
    if not cache.exists():
        with ProcessPoolExecutor() as pool:
            numbered = zip(given.images.numpy(), given.labels.tolist(), range(len(given)), strict=True)
            preprocessed = pool.map(partial(_preprocessed, seed), numbered, chunksize=500)
            pixels = np.array(list(track(preprocessed, "synthesizing shop pictures", total=len(given))), np.uint8)
        save_arrays(cache, images=pixels.reshape(-1, IMAGE_SIDE, IMAGE_SIDE))
    with np.load(cache) as stored:
        return torch.from_numpy(stored["images"])


def shop_picture(image: NDArray[np.uint8], class_id: int, rng: random.Random) -> Image.Image:
    """A shop picture (RGB) of the object in `image` (28, 28) of the dataset."""
    cutout = _cutout(image, _silhouette(image, has_openings=class_id in _WITH_OPENINGS), rng)
    scale = rng.uniform(0.45, 0.92) * SIDE / max(cutout.size)
    cutout = cutout.resize(
        (max(1, round(cutout.width * scale)), max(1, round(cutout.height * scale))), Image.Resampling.BICUBIC
    ).rotate(rng.gauss(0, 4), Image.Resampling.BICUBIC, expand=True)
    picture = background(_mean_colour(cutout), rng)
    place = _place(cutout.size, rng)
    if class_id in _WORN and rng.random() < 0.12:
        _draw_wearer(picture, (*place, place[0] + cutout.width, place[1] + cutout.height), rng)
    elif rng.random() < 0.4:
        _cast_shadow(picture, cutout, place, rng)
    picture.paste(cutout, place, cutout)
    return picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.8)))


def _preprocessed(seed: int, numbered: tuple[NDArray[np.uint8], int, int]) -> NDArray[np.uint8]:
    image, class_id, number = numbered
    rng = random.Random(f"{seed} {number}")
    picture = shop_picture(image, class_id, rng)
    return preprocessed_views(picture, [random_threshold(rng)])[0].pixels


def _cutout(image: NDArray[np.uint8], silhouette: NDArray[np.bool_], rng: random.Random) -> Image.Image:
    """The object alone, RGBA, eight times as large: the dataset's images are negated photos, converted to grey."""
    lightness: Grey = (1 - image / 255).astype(np.float32)
    colours = _coloured(lightness, silhouette, rng)
    cutout = Image.merge("RGBA", [Image.fromarray(channel) for channel in (*colours, silhouette * np.uint8(255))])
    large = cutout.crop(Image.fromarray(silhouette).getbbox()).convert("RGBa")
    large = large.resize((large.width * 8, large.height * 8), Image.Resampling.BICUBIC).convert("RGBA")
    large.putalpha(large.getchannel("A").point(lambda alpha: min(max((alpha - 140) * 5, 0), 255)))
    return large


def _silhouette(image: NDArray[np.uint8], *, has_openings: bool) -> NDArray[np.bool_]:
    """(28, 28): everything but black; without openings, black inside of the object is part of it."""
    if has_openings:
        return image > 12
    framed = Image.fromarray(np.pad(np.where(image > 6, 255, 0).astype(np.uint8), 1)).copy()
    ImageDraw.floodfill(framed, (0, 0), 128)
    silhouette: NDArray[np.bool_] = np.asarray(framed)[1:-1, 1:-1] != 128
    return silhouette


def _coloured(lightness: Grey, silhouette: NDArray[np.bool_], rng: random.Random) -> list[NDArray[np.uint8]]:
    """The three channels: near the image's own lightness, or in a random colour; folds and prints remain."""
    mean = float(lightness[silhouette].mean())
    if rng.random() < 0.4:
        base = np.array([255 * mean * rng.uniform(0.85, 1.15) for _ in range(3)])
    else:
        base = np.array(random_colour(rng), float)
    shades = 1 + rng.uniform(0.5, 1.2) * (lightness - mean)
    offset = rng.uniform(0, 25)  # so that folds of black clothes show, too
    pixels = np.clip(base[:, None, None] * shades + offset * (lightness - mean), 0, 255).astype(np.uint8)
    return [*pixels]


def background(garment: NDArray[np.float64], rng: random.Random) -> Image.Image:
    """White in most cases, else of one colour or of some texture; never of the garment's own mean colour."""
    while True:
        kind = rng.random()
        colour = (rng.randrange(238, 256),) * 3 if kind < 0.65 else random_colour(rng)
        if np.linalg.norm(garment - np.array(colour)) > _SMALLEST_CONTRAST:
            break
        garment = garment * 0.9  # so that a white garment on white ends the loop, too
    plain = Image.new("RGB", (SIDE, SIDE), colour)
    if kind < 0.5:
        return plain
    other = tuple(min(max(value + rng.randint(-40, 40), 0), 255) for value in colour)
    return Image.composite(plain, Image.new("RGB", (SIDE, SIDE), other), _texture(rng))


def _texture(rng: random.Random) -> Image.Image:
    """Grey: a shadow across the whole, or the grain of cloth, wood or stone."""
    if rng.random() < 0.4:
        return Image.linear_gradient("L").rotate(rng.uniform(0, 360)).resize((SIDE, SIDE))
    generator = np.random.default_rng(rng.getrandbits(32))
    rows, columns = (rng.choice([4, 16, 40, SIDE]) for _ in range(2))
    noise = Image.fromarray(generator.integers(0, 256, (rows, columns), np.uint8))
    return noise.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def _place(size: tuple[int, int], rng: random.Random) -> tuple[int, int]:
    """Left and top, near the middle."""
    left, top = ((SIDE - side) * min(max(rng.gauss(0.5, 0.15), 0.02), 0.98) for side in size)
    return round(left), round(top)


def _cast_shadow(picture: Image.Image, cutout: Image.Image, place: tuple[int, int], rng: random.Random) -> None:
    strength = rng.uniform(0.05, 0.3)
    mask = Image.new("L", picture.size)
    offset = (place[0] + rng.randint(-6, 6), place[1] + rng.randint(0, 8))
    mask.paste(cutout.getchannel("A").point(lambda alpha: round(alpha * strength)), offset)
    picture.paste((0, 0, 0), mask=mask.filter(ImageFilter.GaussianBlur(rng.uniform(2, 7))))


def _draw_wearer(picture: Image.Image, box: tuple[int, int, int, int], rng: random.Random) -> None:
    """Head, arms and legs, to be covered by the garment."""
    draw = ImageDraw.Draw(picture)
    left, top, right, bottom = box
    width, middle = right - left, (left + right) / 2
    tone = rng.uniform(0.3, 1.0)
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


def _fingerprint(given: LabelledImages, seed: int) -> str:
    """Hash of the images and of the source code that decides how their shop pictures look."""
    digest = hashlib.sha256(str(seed).encode() + given.images.numpy().tobytes() + given.labels.numpy().tobytes())
    modules = (handler.inference.foreground, handler.inference.preprocessing, randomness)
    for source in (__file__, *(str(module.__file__) for module in modules)):
        digest.update(Path(source).read_bytes())
    return digest.hexdigest()[:12]
