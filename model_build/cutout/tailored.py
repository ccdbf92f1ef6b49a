"""Tops and dresses drawn on people as they are worn: sleeves along arms, collars, buttons, zips, hoods, open fronts.

A garment laid flat has its sleeves spread out. Bare arms tell a worn T-shirt from a pullover, a collar and buttons tell
a shirt from both: they are drawn here, in fabrics of photos or in any colours.
"""

import random
from dataclasses import replace

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from model_build.cutout.bodies import Body, Colour, Point, body_around, draw_head, draw_legs, ellipse, rgb
from model_build.cutout.cuts import COAT, DRESS, PULLOVER, SHIRT, T_SHIRT, WRIST, random_cut
from model_build.cutout.fabrics import darker, fabric, in_parts, shaded
from model_build.cutout.garments import cloth_colour
from model_build.cutout.people import Worn


def tailored(rng: random.Random, ground: Image.Image) -> Worn:
    """A top or a dress on a person, drawn onto a copy of `ground`."""
    return _Fitting(rng, ground).worn()


class _Fitting:
    """One person with one garment: `_picture` grows from back to front, `_mask` is what is seen of the garment."""

    def __init__(self, rng: random.Random, ground: Image.Image) -> None:
        self._rng, self._picture, self._cut = rng, ground.copy(), random_cut(rng)
        side = ground.width
        self._mask = Image.new("L", ground.size)
        length = 3.4 if self._cut.class_id == DRESS else 2.1
        self._unit = side * rng.uniform(0.55, 1.1) / length
        self._stretch = rng.uniform(0.75, 1.2)
        self._neck = (side * rng.gauss(0.5, 0.06), side * rng.uniform(0.12, 0.34))
        self._body = self._fitted_body()
        self._arms = [self._arm(sign) for sign in (-1, 1)]

    def worn(self) -> Worn:
        rng, draw, cut = self._rng, ImageDraw.Draw(self._picture), self._cut
        bare = cut.class_id == DRESS and rng.random() < 0.85
        draw_legs(self._picture, self._body, self._unit * self._stretch, rng, bare=bare)
        if cut.neck == "hood":
            self._draw_hood()
        for arm in self._arms:
            self._draw_limb(draw, arm, WRIST, rng.uniform(0.13, 0.17), self._body.skin)
            ellipse(draw, arm[2], (self._unit * 0.08, self._unit * 0.1), self._body.skin)
        draw_head(draw, self._body, self._unit * self._stretch, rng)
        self._draw_garment()
        return Worn(self._picture, self._mask, cut.class_id)

    def _fitted_body(self) -> Body:
        (x, y), wide = self._neck, self._unit * self._stretch
        body = body_around(
            Image.new("L", (max(1, round(wide)), max(1, round(self._unit * self._cut.hem)))), (0, 0), self._rng
        )
        return replace(body, left=x - wide / 2, top=y, right=x + wide / 2, bottom=y + self._unit * self._cut.hem)

    def _at(self, x: float, y: float) -> Point:
        """From widths of the shoulders, right and down from the neck, to pixels."""
        return self._neck[0] + x * self._unit * self._stretch, self._neck[1] + y * self._unit

    def _arm(self, sign: int) -> list[Point]:
        """Shoulder, elbow and hand: hanging, at the hip, or in a pocket."""
        rng = self._rng
        elbow, hand = rng.choice(
            [
                ((0.56, 0.8), (0.56, 1.4)),
                ((0.6, 0.8), (0.6, 1.35)),
                ((0.85, 0.8), (0.45, 1.15)),
                ((0.68, 0.8), (0.44, 1.3)),
            ]
        )
        points = [(0.42, 0.17), elbow, hand]
        return [self._at(sign * x + rng.gauss(0, 0.02), y + rng.gauss(0, 0.03)) for x, y in points]

    def _draw_limb(
        self, draw: ImageDraw.ImageDraw, arm: list[Point], end: float, thick: float, colour: Colour | int
    ) -> None:
        """Along `arm` up to `end`, as thick as a share of the shoulders."""
        points = [arm[0], _between(arm[0], arm[1], min(end, 1))]
        if end > 1:
            points.append(_between(arm[1], arm[2], end - 1))
        width = max(2, round(thick * self._unit * self._stretch))
        draw.line(points, colour, width, joint="curve")
        for point in points[: -1 if end < WRIST else None]:
            ellipse(draw, point, (width / 2, width / 2), colour)

    def _draw_garment(self) -> None:
        sleeves, torso = Image.new("L", self._mask.size), Image.new("L", self._mask.size)
        cut, rng = self._cut, self._rng
        thick = rng.uniform(0.19, 0.27) + (0.05 if cut.class_id == COAT else 0)
        if cut.sleeve:
            for arm in self._arms:
                self._draw_limb(ImageDraw.Draw(sleeves), arm, cut.sleeve, thick, 255)
        self._draw_torso(torso)
        cloth = self._cloth()
        for part in (sleeves, torso):
            self._picture.paste(shaded(cloth, part, rng), mask=part)
        self._mask = ImageChops.lighter(sleeves, torso)
        self._draw_neck(cloth)
        self._draw_front(cloth)
        self._draw_details(cloth)

    def _cloth(self) -> Image.Image:
        """One fabric; some dresses have another one for the skirt, or for each of three parts."""
        rng, cloth = self._rng, fabric(self._rng, self._picture.size)
        if self._cut.class_id != DRESS or rng.random() < 0.6:
            return cloth
        seams = rng.choice([(0.95,), (rng.uniform(0.4, 0.8), rng.uniform(1.1, 1.5))])
        return in_parts(cloth, [self._at(0, seam)[1] for seam in seams], rng)

    def _draw_torso(self, torso: Image.Image) -> None:
        cut, rng = self._cut, self._rng
        shoulder = 0.36 if cut.sleeve == 0 and rng.random() < 0.7 else 0.5
        waist, half = rng.uniform(0.33, 0.45), cut.loose / 2
        if cut.class_id != DRESS:
            waist = max(waist, half - 0.08)
        right = [(0.16, -0.03), (shoulder, 0.1), (min(shoulder, 0.44), 0.42), (waist, 0.95), (half, cut.hem)]
        points = [self._at(x, y) for x, y in right] + [self._at(-x, y) for x, y in reversed(right)]
        ImageDraw.Draw(torso).polygon(points, 255)

    def _hide(self, polygon: list[Point], colour: Colour) -> None:
        ImageDraw.Draw(self._picture).polygon(polygon, colour)
        ImageDraw.Draw(self._mask).polygon(polygon, 0)

    def _draw_neck(self, cloth: Image.Image) -> None:
        rng, draw, unit = self._rng, ImageDraw.Draw(self._picture), self._unit
        wide, deep = rng.uniform(0.12, 0.2), rng.uniform(0.06, 0.2)
        left, right, bottom = self._at(-wide, -0.04), self._at(wide, -0.04), self._at(0, deep)
        if self._cut.neck == "round":
            box = (left[0], self._at(0, -deep)[1], right[0], bottom[1])
            ImageDraw.Draw(self._mask).chord(box, 0, 180, 0)
            draw.chord(box, 0, 180, self._body.skin)
            draw.arc(box, 0, 180, darker(cloth, rng.uniform(0.5, 0.9)), max(1, round(0.03 * unit)))
        elif self._cut.neck in ("pointed", "collar", "hood"):
            self._hide([left, right, self._at(0, deep * (2 if self._cut.neck == "pointed" else 1))], self._body.skin)
        else:
            top = rng.uniform(0.1, 0.25)
            box = (left[0], self._at(0, -top)[1], right[0], bottom[1])
            draw.rounded_rectangle(box, unit * 0.05, darker(cloth, rng.uniform(0.75, 1)))
            ImageDraw.Draw(self._mask).rounded_rectangle(box, unit * 0.05, 255)
        if self._cut.neck == "collar":
            self._draw_collar(cloth, wide, deep)

    def _draw_collar(self, cloth: Image.Image, wide: float, deep: float) -> None:
        """Two flaps, each from the neck to a point on the chest, with an edge of shadow."""
        rng = self._rng
        same = rng.random() < 0.8
        colour = darker(cloth, rng.uniform(0.85, 1.1)) if same else rgb(cloth_colour(rng))
        edge = tuple(int(0.6 * value) for value in colour)
        long = rng.uniform(0.12, 0.28)
        for sign in (-1, 1):
            flap = [self._at(sign * wide, -0.08), self._at(sign * (wide + 0.04), 0.05),
                    self._at(sign * (wide * 0.75), deep + long), self._at(sign * 0.01, deep)]  # fmt: skip
            draw = ImageDraw.Draw(self._picture)
            draw.polygon(flap, colour)
            draw.line([*flap, flap[0]], edge, max(1, round(self._unit * 0.012)))
            ImageDraw.Draw(self._mask).polygon(flap, 255)

    def _draw_front(self, cloth: Image.Image) -> None:
        rng, cut, draw = self._rng, self._cut, ImageDraw.Draw(self._picture)
        thin = max(1, round(self._unit * 0.012))
        dark = darker(cloth, rng.uniform(0.4, 0.8))
        end = {"short": rng.uniform(0.25, 0.4)}.get(cut.front, cut.hem)
        if cut.front == "open":
            self._draw_opening(dark)
            return
        if cut.front != "closed":
            draw.line([self._at(0.03, 0.08), self._at(0.03, end)], dark, thin * (2 if cut.front == "zip" else 1))
        if cut.front in ("short", "buttons"):
            light = rgb(cloth_colour(rng)) if rng.random() < 0.5 else dark
            for y in np.arange(0.15, end, rng.uniform(0.12, 0.2)):
                ellipse(draw, self._at(0, float(y)), (thin * 1.2, thin * 1.2), light)
            draw.line([self._at(-0.04, 0.1), self._at(-0.04, end)], dark, thin)
        if cut.class_id == SHIRT and rng.random() < 0.25:
            wide, tie = rng.uniform(0.04, 0.06), rgb(cloth_colour(rng) * 0.7)
            self._hide(
                [
                    self._at(-wide / 2, 0.08),
                    self._at(wide / 2, 0.08),
                    self._at(wide, 1),
                    self._at(0, 1.08),
                    self._at(-wide, 1),
                ],
                tie,
            )

    def _draw_opening(self, dark: Colour) -> None:
        """What is worn below shows in the middle; lapels fold back beside it."""
        rng, cut = self._rng, self._cut
        upper, lower = rng.uniform(0.08, 0.2), rng.uniform(0.03, 0.3)
        low = cut.hem if rng.random() < 0.7 else rng.uniform(0.6, 0.9)
        inner = rgb(cloth_colour(rng))
        opening = [self._at(-upper, -0.02), self._at(upper, -0.02), self._at(lower, low), self._at(-lower, low)]
        self._hide(opening, inner)
        self._hide([self._at(-0.1, -0.04), self._at(0.1, -0.04), self._at(0, 0.1)], self._body.skin)
        if rng.random() < 0.5:
            for sign in (-1, 1):
                lapel = [
                    self._at(sign * upper, 0),
                    self._at(sign * (upper + 0.16), 0.3),
                    self._at(sign * lower, min(low, 0.75)),
                ]
                ImageDraw.Draw(self._picture).polygon(lapel, dark)

    def _draw_details(self, cloth: Image.Image) -> None:
        rng, cut, draw = self._rng, self._cut, ImageDraw.Draw(self._picture)
        thin, dark = max(1, round(self._unit * 0.015)), darker(cloth, rng.uniform(0.5, 0.85))
        half = cut.loose / 2
        if cut.class_id == PULLOVER and rng.random() < 0.6:  # ribs
            draw.line([self._at(-half, cut.hem - 0.08), self._at(half, cut.hem - 0.08)], dark, thin)
        if cut.neck == "hood":
            pocket = [self._at(-0.22, 0.8), self._at(0.22, 0.8), self._at(0.32, 1.08), self._at(-0.32, 1.08)]
            draw.line([*pocket, pocket[0]], dark, thin)
            for sign in (-1, 1):
                draw.line([self._at(sign * 0.07, 0.1), self._at(sign * 0.08, rng.uniform(0.3, 0.5))], (235,) * 3, thin)
        if cut.class_id in (COAT, SHIRT) and rng.random() < 0.5:
            corner, far = self._at(0.14, 0.42), self._at(0.3, 0.6)
            draw.rectangle((*corner, *far), outline=dark, width=thin)
        if cut.class_id == DRESS and rng.random() < 0.4:
            y = rng.uniform(0.85, 1.0)
            draw.line([self._at(-0.4, y), self._at(0.4, y)], rgb(cloth_colour(rng)), thin * rng.choice([2, 4]))
        if cut.front == "closed" and cut.class_id in (T_SHIRT, PULLOVER) and rng.random() < 0.45:
            self._draw_print()

    def _draw_print(self) -> None:
        rng, draw = self._rng, ImageDraw.Draw(self._picture)
        for _ in range(rng.randint(1, 9)):
            x, y = rng.gauss(0, 0.1), rng.uniform(0.3, 0.8)
            box = (
                *self._at(x - rng.uniform(0.02, 0.15), y),
                *self._at(x + rng.uniform(0.02, 0.15), y + rng.uniform(0.03, 0.2)),
            )
            rng.choice([draw.rectangle, draw.ellipse])(box, rgb(cloth_colour(rng)))

    def _draw_hood(self) -> None:
        """Behind the neck, or around the head."""
        rng = self._rng
        up = rng.random() < 0.3
        half = (0.27, 0.42) if up else (0.27, rng.uniform(0.12, 0.18))
        centre = self._at(0, -0.35 if up else -0.02)
        size = (half[0] * self._unit, half[1] * self._unit)
        ellipse(ImageDraw.Draw(self._picture), centre, size, rgb(cloth_colour(rng)))


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
