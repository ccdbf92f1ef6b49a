"""Corrupted photos: what careless photographers send, made by code from photos of held-out senders.

As ImageNet-C does it (D. Hendrycks and T. Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations", arXiv 1903.12261), but with one severity and the faults of photos of clothes. Where the garment is, the
learned cut-out says.
"""

import io
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

SIDE: Final = 400  # the longer side of the photos
_QUALITY: Final = 95  # of JPEG, where it is not what is tested
_GARMENT: Final = 0.5  # the probability from which a place is of the garment

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Source:
    """An RGB photo, where its garment is (H, W) 0 to 1, and another photo with the same."""

    photo: Image.Image
    mask: Pixels
    other: "Source | None" = None

    def random(self) -> random.Random:
        """A generator that is the same for the same photo."""
        return random.Random(self.photo.resize((8, 8)).tobytes())


def corrupted(name: str, source: Source) -> bytes:
    """An image file: the photo of `source` with the corruption `name`, a key of CORRUPTIONS."""
    changed = CORRUPTIONS[name](source)
    return changed if isinstance(changed, bytes) else _jpeg(changed, _QUALITY)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _turned(turn: Image.Transpose) -> Callable[[Source], Image.Image]:
    return lambda source: source.photo.transpose(turn)


def _tilted(source: Source) -> Image.Image:
    """Seen from one side, as a garment on the floor from where one stands: the far edge a third shorter."""
    width, height = source.photo.size
    inset = 0.17 * width
    seen = [(inset, 0.12 * height), (width - inset, 0.12 * height), (width, height), (0, height)]
    filled = [(0, 0), (width, 0), (width, height), (0, height)]
    ground = _border_colour(source.photo)
    turned = source.photo.rotate(12, Image.Resampling.BILINEAR, fillcolor=ground)
    coefficients = _perspective(seen, filled)
    return turned.transform(
        turned.size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR, fillcolor=ground
    )


def _perspective(seen: Sequence[tuple[float, float]], filled: Sequence[tuple[float, float]]) -> list[float]:
    """Coefficients of the projection from the four corners `seen` back to the corners `filled`."""
    rows, targets = [], []
    for (x, y), (u, v) in zip(seen, filled, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        targets += [u, v]
    solved: list[float] = np.linalg.solve(np.array(rows, float), np.array(targets, float)).tolist()
    return solved


def _touching_the_border(source: Source) -> Image.Image:
    """Cropped so that the garment's outermost twentieth is cut off on all sides."""
    left, top, right, bottom = _box(source.mask)
    inset_x, inset_y = 0.05 * (right - left), 0.05 * (bottom - top)
    return source.photo.crop(
        (round(left + inset_x), round(top + inset_y), round(right - inset_x), round(bottom - inset_y))
    )


def _with_a_smaller_garment(source: Source) -> Image.Image:
    """Another garment beside it, of two fifths of its longer side: the larger one is right."""
    if source.other is None:
        raise ValueError("the corruption needs another photo")
    garment, mask = source.other.photo, source.other.mask
    box = _box(mask)
    cut, outline = garment.crop(box), Image.fromarray((mask * 255).astype(np.uint8)).crop(box)
    left, top, right, bottom = _box(source.mask)
    scale = 0.4 * max(right - left, bottom - top) / max(cut.size)
    size = (max(1, round(cut.width * scale)), max(1, round(cut.height * scale)))
    width, height = source.photo.size
    wide = Image.new("RGB", (width + size[0] + 10, height), _border_colour(source.photo))
    wide.paste(source.photo, (0, 0))
    wide.paste(cut.resize(size), (width, (height - size[1]) // 2), outline.resize(size))
    return wide


def _with_a_hand(source: Source) -> Image.Image:
    """A finger-thick stroke of skin from the lower edge onto the garment."""
    rng, photo = source.random(), source.photo.copy()
    left, top, right, bottom = _box(source.mask)
    skin = rng.choice([(233, 190, 165), (196, 140, 105), (120, 78, 55)])
    thick = round(0.12 * min(photo.size))
    tip = (left + rng.uniform(0.25, 0.75) * (right - left), top + 0.8 * (bottom - top))
    draw = ImageDraw.Draw(photo)
    draw.line([(rng.uniform(0, photo.width), photo.height + thick), tip], skin, thick)
    draw.ellipse([tip[0] - thick / 2, tip[1] - thick / 2, tip[0] + thick / 2, tip[1] + thick / 2], skin)
    return photo


def _relit(garment: float, ground: float, contrast: float) -> Callable[[Source], Image.Image]:
    """Garment and ground with these mean grey levels, each with `contrast` of its own variation."""

    def relit(source: Source) -> Image.Image:
        pixels = np.asarray(source.photo, np.float32)
        inside = source.mask[..., np.newaxis]

        def part(level: float, weight: Pixels) -> Pixels:
            mean = (pixels * weight).sum((0, 1)) / max(float(weight.sum()), 1)
            changed: Pixels = level + contrast * (pixels - mean)
            return changed

        mixed = inside * part(garment, inside) + (1 - inside) * part(ground, 1 - inside)
        return _image(mixed)

    return relit


def _low_light(source: Source) -> Image.Image:
    """A fifth of the light, and the noise that cameras then have."""
    return _noisy(np.asarray(source.photo, np.float32) * 0.2, 8, source)


def _noise(source: Source) -> Image.Image:
    return _noisy(np.asarray(source.photo, np.float32), 25, source)


def _noisy(pixels: Pixels, std: float, source: Source) -> Image.Image:
    generator = np.random.default_rng(source.random().getrandbits(32))
    return _image(pixels + generator.normal(0, std, pixels.shape))


def _thumbnail(source: Source) -> Image.Image:
    small = source.photo.copy()
    small.thumbnail((64, 64))
    return small


def _blurred(source: Source) -> Image.Image:
    return source.photo.filter(ImageFilter.GaussianBlur(0.015 * max(source.photo.size)))


CORRUPTIONS: Final[Mapping[str, Callable[[Source], Image.Image | bytes]]] = {
    "none": lambda source: source.photo,
    "rotated by 90 degrees": _turned(Image.Transpose.ROTATE_90),
    "rotated by 180 degrees": _turned(Image.Transpose.ROTATE_180),
    "rotated by 270 degrees": _turned(Image.Transpose.ROTATE_270),
    "mirrored": _turned(Image.Transpose.FLIP_LEFT_RIGHT),
    "seen at an angle": _tilted,
    "touching the border": _touching_the_border,
    "a smaller garment beside it": _with_a_smaller_garment,
    "a hand in it": _with_a_hand,
    "dark on dark": _relit(48, 28, 0.25),
    "white on white": _relit(222, 243, 0.25),
    "low light": _low_light,
    "noise": _noise,
    "blur": _blurred,
    "JPEG quality 20": lambda source: _jpeg(source.photo, 20),
    "thumbnail of 64 pixels": _thumbnail,
}


def _image(pixels: NDArray[np.floating[Any]]) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _box(mask: Pixels) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the garment; the whole image if there is none."""
    inside = mask >= _GARMENT
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return 0, 0, mask.shape[1], mask.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _border_colour(image: Image.Image) -> tuple[int, int, int]:
    pixels = np.asarray(image)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    red, green, blue = (int(value) for value in np.median(border, axis=0))
    return red, green, blue


def source(photo: Image.Image, garment_mask: Callable[[Image.Image], Pixels]) -> Source:
    """The photo, reduced, with the mask that `garment_mask` finds."""
    reduced = photo.convert("RGB")
    reduced.thumbnail((SIDE, SIDE))
    mask = Image.fromarray(garment_mask(reduced)).resize(reduced.size, Image.Resampling.BILINEAR)
    return Source(reduced, np.asarray(mask, np.float32))
