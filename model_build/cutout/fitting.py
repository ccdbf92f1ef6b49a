"""A person whom a garment is drawn on: where shoulders, arms and waist are, with the picture and the garment's outline.

Places are in widths of the shoulders, right and down from the neck, so that people of any size and stretch are alike.
"""

import random
from dataclasses import replace

from PIL import Image, ImageDraw

from model_build.cutout.bodies import Body, Colour, Point, body_around, ellipse
from model_build.cutout.cuts import DRESS, WRIST, random_cut


class Fitting:
    """One person with one garment: `picture` grows from back to front, `mask` is what is seen of the garment."""

    def __init__(self, rng: random.Random, ground: Image.Image) -> None:
        self.rng, self.picture, self.cut = rng, ground.copy(), random_cut(rng)
        side = ground.width
        self.mask = Image.new("L", ground.size)
        length = 3.4 if self.cut.class_id == DRESS else 2.1
        self.unit = side * rng.uniform(0.55, 1.1) / length
        self.stretch = rng.uniform(0.75, 1.2)
        self.neck = (side * rng.gauss(0.5, 0.06), side * rng.uniform(0.12, 0.34))
        self.body = self._fitted_body()
        self.arms = [self._arm(sign) for sign in (-1, 1)]

    def _fitted_body(self) -> Body:
        (x, y), wide = self.neck, self.unit * self.stretch
        body = body_around(
            Image.new("L", (max(1, round(wide)), max(1, round(self.unit * self.cut.hem)))), (0, 0), self.rng
        )
        return replace(body, left=x - wide / 2, top=y, right=x + wide / 2, bottom=y + self.unit * self.cut.hem)

    def at(self, x: float, y: float) -> Point:
        """From widths of the shoulders, right and down from the neck, to pixels."""
        return self.neck[0] + x * self.unit * self.stretch, self.neck[1] + y * self.unit

    def _arm(self, sign: int) -> list[Point]:
        """Shoulder, elbow and hand: hanging, at the hip, or in a pocket."""
        rng = self.rng
        elbow, hand = rng.choice(
            [
                ((0.56, 0.8), (0.56, 1.4)),
                ((0.6, 0.8), (0.6, 1.35)),
                ((0.85, 0.8), (0.45, 1.15)),
                ((0.68, 0.8), (0.44, 1.3)),
            ]
        )
        points = [(0.42, 0.17), elbow, hand]
        return [self.at(sign * x + rng.gauss(0, 0.02), y + rng.gauss(0, 0.03)) for x, y in points]

    def draw_limb(
        self, draw: ImageDraw.ImageDraw, arm: list[Point], end: float, thick: float, colour: Colour | int
    ) -> None:
        """Along `arm` up to `end`, as thick as a share of the shoulders."""
        points = [arm[0], between(arm[0], arm[1], min(end, 1))]
        if end > 1:
            points.append(between(arm[1], arm[2], end - 1))
        width = max(2, round(thick * self.unit * self.stretch))
        draw.line(points, colour, width, joint="curve")
        for point in points[: -1 if end < WRIST else None]:
            ellipse(draw, point, (width / 2, width / 2), colour)

    def draw_torso(self, torso: Image.Image) -> None:
        cut, rng = self.cut, self.rng
        shoulder = 0.36 if cut.sleeve == 0 and rng.random() < 0.7 else 0.5
        waist, half = rng.uniform(0.33, 0.45), cut.loose / 2
        if cut.class_id != DRESS:
            waist = max(waist, half - 0.08)
        right = [(0.16, -0.03), (shoulder, 0.1), (min(shoulder, 0.44), 0.42), (waist, 0.95), (half, cut.hem)]
        points = [self.at(x, y) for x, y in right] + [self.at(-x, y) for x, y in reversed(right)]
        ImageDraw.Draw(torso).polygon(points, 255)

    def hide(self, polygon: list[Point], colour: Colour) -> None:
        ImageDraw.Draw(self.picture).polygon(polygon, colour)
        ImageDraw.Draw(self.mask).polygon(polygon, 0)


def between(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
