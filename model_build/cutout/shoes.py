"""Shoes of shops, drawn from the side: low shoes with laces or without, boots, clogs, and sandals of several straps.

At 28x28 pixels Fashion-MNIST shows their outlines; seams, laces, soles and leather, which photos show, are drawn here.
"""

import random
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from model_build.cutout.bodies import Colour, Point, ellipse, rgb
from model_build.cutout.fabrics import fabric
from model_build.cutout.garments import Garment, cloth_colour

_SIDE: Final = 384  # pixels that a shoe is drawn in
_GROUND: Final = 320
_SANDAL, _SNEAKER, _BOOT = 5, 7, 9
_ROUNDING: Final = 5  # pixels that corners are blurred by
_DARK: Final = (0, 0, 0, 120)


def shoe(rng: random.Random) -> Garment:
    """One shoe, trimmed, its toe to the left."""
    class_id = rng.choices([_SANDAL, _SNEAKER, _BOOT], [0.35, 0.45, 0.2])[0]
    return _Shoe(rng, class_id).drawn()


class _Shoe:
    """`_upper` is where leather or cloth is, `_below` the sole, `_lines` what lies upon both."""

    def __init__(self, rng: random.Random, class_id: int) -> None:
        self._rng, self._class_id = rng, class_id
        self._upper, self._below = (Image.new("L", (_SIDE, _SIDE)) for _ in range(2))
        self._lines = Image.new("RGBA", (_SIDE, _SIDE))
        self._toe, self._heel = rng.uniform(30, 60), rng.uniform(325, 355)
        self._sole = rng.uniform(10, 34)
        self._floor = _GROUND - self._sole
        self._trim = (*(rgb(cloth_colour(rng))), 255)

    def drawn(self) -> Garment:
        self._draw_sole()
        if self._class_id == _SANDAL and self._rng.random() < 0.65:
            self._draw_straps()
        else:
            self._draw_closed()
        return Garment(self._painted(), self._class_id)

    def _draw_sole(self) -> None:
        """Flat, or with a heel; thicker in front or behind."""
        rng, draw = self._rng, ImageDraw.Draw(self._below)
        lift = rng.uniform(0, 12)
        edge = [(self._toe - 6, self._floor - lift), (self._heel + 4, self._floor - rng.uniform(0, 8)),
                (self._heel + 2, _GROUND), (self._toe + 20, _GROUND)]  # fmt: skip
        draw.polygon([*edge, (self._toe - 4, _GROUND - lift)], 255)
        if rng.random() < 0.25:
            arch = (self._toe + 130, _GROUND - self._sole * 0.4, self._heel - 85, _GROUND + 8)
            draw.rectangle(arch, 0)

    def _draw_closed(self) -> None:
        """The outline of a low shoe, of a boot, or of a clog, whose heel is open."""
        rng, floor, toe, heel = self._rng, self._floor, self._toe, self._heel
        tall = {_SNEAKER: rng.uniform(72, 125), _BOOT: rng.uniform(135, 250), _SANDAL: rng.uniform(60, 100)}
        height, thick = tall[self._class_id], rng.uniform(32, 66)
        instep, tongue = toe + rng.uniform(105, 150), toe + rng.uniform(155, 200)
        front = [(toe, floor), (toe - 4, floor - thick * 0.6), (toe + 32, floor - thick),
                 (instep, floor - thick - 0.35 * (height - thick))]  # fmt: skip
        top = floor - height
        if self._class_id == _SANDAL:
            back = [(tongue, top), (tongue + 40, top + 25), (tongue + rng.uniform(35, 80), floor)]
        else:
            dip = rng.uniform(0, 0.25) * height
            back = [(tongue, top - rng.uniform(0, 18)), ((tongue + heel) / 2, top + dip),
                    (heel - 8, top + rng.uniform(-8, 12)), (heel + 3, floor - height / 2), (heel, floor)]  # fmt: skip
        ImageDraw.Draw(self._upper).polygon([*front, *back], 255)
        self._draw_seams(front, (tongue, top), height)

    def _draw_seams(self, front: list[Point], tongue: Point, height: float) -> None:
        rng, draw, floor = self._rng, ImageDraw.Draw(self._lines), self._floor
        instep = front[-1]
        if rng.random() < 0.6:
            draw.arc((self._toe - 30, floor - 75, self._toe + rng.uniform(50, 90), floor + 40), 270, 360, _DARK, 3)
        if rng.random() < 0.5:
            seam = [(instep[0] + 15, instep[1] + 20), (instep[0] + 60, floor - 8)]
            draw.line([*seam, (self._heel, floor - height * rng.uniform(0.3, 0.7))], _DARK, 3)
        if self._class_id == _SANDAL:
            for _ in range(rng.choice([0, 5, 9])):
                ellipse(draw, (rng.uniform(self._toe + 20, tongue[0]), floor - rng.uniform(15, 50)), (5, 4), _DARK[:3])
            return
        fastening = rng.choice(["laces", "laces", "laces", "none", "elastic", "strap"])
        if fastening == "laces":
            self._draw_laces(draw, instep, tongue)
        elif fastening == "elastic":
            draw.polygon(
                [(tongue[0] + 15, tongue[1] + 8), (tongue[0] + 60, tongue[1] + 12), (tongue[0] + 40, floor - 30)], _DARK
            )
        elif fastening == "strap":
            end = (tongue[0] + rng.uniform(10, 50), floor - rng.uniform(20, 40))
            draw.line([(instep[0] + 25, instep[1] - 8), end], self._trim, round(rng.uniform(14, 34)))
        for _ in range(rng.choice([0, 0, 1, 2, 3])):  # stripes and patches
            x = rng.uniform(instep[0], self._heel - 40)
            draw.line(
                [(x, floor - 5), (x + rng.uniform(-20, 60), floor - height * 0.7)], self._trim, rng.randint(4, 18)
            )
        ellipse(
            draw,
            ((tongue[0] + self._heel) / 2, tongue[1] + 8),
            ((self._heel - tongue[0]) * 0.36, rng.uniform(4, 14)),
            (30, 26, 24),
        )

    def _draw_laces(self, draw: ImageDraw.ImageDraw, instep: Point, tongue: Point) -> None:
        rng, count = self._rng, self._rng.randint(3, 7)
        colour = self._trim if rng.random() < 0.6 else (240, 240, 238, 255)
        for number in range(count):
            share = (number + 0.5) / count
            x, y = (start + share * (end - start) for start, end in zip(instep, tongue, strict=True))
            draw.line([(x - 8, y + 6), (x + rng.uniform(18, 34), y + rng.uniform(8, 20))], colour, rng.randint(3, 6))

    def _draw_straps(self) -> None:
        """Bands over toes and instep, and often around the heel."""
        rng, floor, draw = self._rng, self._floor, ImageDraw.Draw(self._upper)
        width, height = rng.uniform(10, 40), rng.uniform(55, 115)
        top = (self._toe + rng.uniform(140, 190), floor - height)
        for _ in range(rng.randint(1, 4)):
            start = (rng.uniform(self._toe + 25, top[0] + 50), floor)
            end = (start[0] + rng.uniform(-30, 60), floor - rng.uniform(0.4, 0.9) * height)
            draw.line([start, end, (top[0] + rng.uniform(-40, 30), top[1])], 255, round(width), joint="curve")
        if rng.random() < 0.6:
            back = (self._heel - 5, floor - height * rng.uniform(0.6, 1))
            draw.line([(top[0], top[1]), back, (self._heel, floor)], 255, round(width * 0.7), joint="curve")
        inner = (self._toe + 10, floor - 9, self._heel - 5, floor + 6)
        ImageDraw.Draw(self._below).ellipse(inner, 255)

    def _painted(self) -> Image.Image:
        rng = self._rng
        upper, below = (
            part.filter(ImageFilter.GaussianBlur(_ROUNDING)).point(_crisp) for part in (self._upper, self._below)
        )
        cloth = Image.new("RGB", upper.size, _leather(rng)) if rng.random() < 0.7 else fabric(rng, upper.size)
        light = np.asarray(upper.filter(ImageFilter.GaussianBlur(rng.uniform(10, 30))), np.float32) / 255
        rows = np.linspace(1.15, 0.75, _SIDE, dtype=np.float32)[:, None]  # light comes from above
        shade = (1 - rng.uniform(0.2, 0.7) * (1 - light)) * rows
        leather = Image.fromarray((np.asarray(cloth, np.float32) * shade[..., None]).clip(0, 255).astype(np.uint8))
        sole = rng.choice([(235, 235, 230), (35, 32, 30), _leather(rng), self._trim[:3]])
        drawn = Image.new("RGBA", upper.size)
        drawn.paste((*sole, 255), mask=below)
        drawn.paste(leather.convert("RGBA"), mask=upper)
        lines = self._lines.copy()
        lines.putalpha(Image.fromarray(np.minimum(np.asarray(lines.getchannel("A")), np.asarray(upper))))
        drawn = Image.alpha_composite(drawn, lines)
        return drawn.crop(drawn.getchannel("A").getbbox())


def _crisp(alpha: int) -> int:
    return min(max((alpha - 100) * 5, 0), 255)


def _leather(rng: random.Random) -> Colour:
    """Black, white, any colour, or brown from sand to nearly black."""
    if rng.random() < 0.45:
        return rgb(cloth_colour(rng))
    return rgb(np.array([1, rng.uniform(0.6, 0.9), rng.uniform(0.35, 0.75)]) * rng.uniform(35, 200))
