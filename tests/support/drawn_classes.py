"""A small folder of classes, drawn: disks, squares, crosses and stripes in many colours, for tests of training."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

CLASSES: Final = ("disk", "große Kreuze", "方块", "stripes")


def draw_classes(folder: Path, classes: Sequence[str] = CLASSES, count: int = 12, side: int = 64) -> Path:
    """Write `count` images of each class into `folder`, one folder per class; returns it."""
    for place, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            drawn(place, random.Random(f"{place} {number}"), side).save(folder / name / f"{number}.png")
    return folder


def drawn(class_id: int, rng: random.Random, side: int) -> Image.Image:
    """An image of the class: one of four shapes; further classes are the same shapes, more than once."""
    ground, colour = (tuple(rng.randrange(low, low + 100) for _ in range(3)) for low in (0, 150))
    image = Image.new("RGB", (side, round(side * rng.uniform(0.7, 1))), ground)
    draw = ImageDraw.Draw(image)
    for _ in range(1 + class_id // 4):
        size = side * rng.uniform(0.25, 0.45)
        left, top = (rng.uniform(0, side * 0.4) for _ in range(2))
        _shape(draw, class_id % 4, (left, top, left + size, top + size), colour)
    return image


def _shape(
    draw: ImageDraw.ImageDraw, kind: int, box: tuple[float, float, float, float], colour: tuple[int, ...]
) -> None:
    left, top, right, bottom = box
    middle, width = (left + right) / 2, max(3, round((right - left) / 4))
    if kind == 0:
        draw.ellipse(box, fill=colour)
    elif kind == 1:
        draw.line((middle, top, middle, bottom), fill=colour, width=width)
        draw.line((left, (top + bottom) / 2, right, (top + bottom) / 2), fill=colour, width=width)
    elif kind == 2:
        draw.rectangle(box, fill=colour)
    else:
        for y in (top, (top + bottom) / 2, bottom):
            draw.line((left, y, right, y), fill=colour, width=max(2, width // 2))
