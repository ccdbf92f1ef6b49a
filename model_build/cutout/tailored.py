"""Tops and dresses drawn on people as they are worn: sleeves along arms, collars, buttons, zips, hoods, open fronts.

A garment laid flat has its sleeves spread out. Bare arms tell a worn T-shirt from a pullover, a collar and buttons tell
a shirt from both: they are drawn here, in fabrics of photos or in any colours.
"""

import random

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from model_build.cutout.bodies import Colour, draw_head, draw_legs, ellipse, rgb
from model_build.cutout.cuts import COAT, DRESS, PULLOVER, SHIRT, T_SHIRT, WRIST
from model_build.cutout.fabrics import darker, fabric, in_parts, shaded
from model_build.cutout.fitting import Fitting
from model_build.cutout.garments import cloth_colour
from model_build.cutout.people import Worn


def tailored(rng: random.Random, ground: Image.Image) -> Worn:
    """A top or a dress on a person, drawn onto a copy of `ground`."""
    return _Tailored(rng, ground).worn()


class _Tailored(Fitting):
    """From the person's back to the details of the garment's front."""

    def __init__(self, rng: random.Random, ground: Image.Image) -> None:
        super().__init__(rng, ground)
        self._below = fabric(rng, ground.size) if self.cut.vest else ground

    def worn(self) -> Worn:
        rng, draw, cut = self.rng, ImageDraw.Draw(self.picture), self.cut
        bare = cut.class_id == DRESS and rng.random() < 0.85
        draw_legs(self.picture, self.body, self.unit * self.stretch, rng, bare=bare)
        if cut.neck == "hood":
            self._draw_hood()
        for arm in self.arms:
            self.draw_limb(draw, arm, WRIST, rng.uniform(0.13, 0.17), self.body.skin)
            ellipse(draw, arm[2], (self.unit * 0.08, self.unit * 0.1), self.body.skin)
        draw_head(draw, self.body, self.unit * self.stretch, rng)
        self._draw_garment()
        return Worn(self.picture, self.mask, cut.class_id)

    def _draw_garment(self) -> None:
        sleeves, torso = Image.new("L", self.mask.size), Image.new("L", self.mask.size)
        cut, rng = self.cut, self.rng
        thick = rng.uniform(0.19, 0.27) + (0.05 if cut.class_id == COAT else 0)
        if cut.sleeve:
            for arm in self.arms:
                self.draw_limb(ImageDraw.Draw(sleeves), arm, cut.sleeve, thick, 255)
        if cut.vest:
            self._draw_shirt_below(thick)
        self.draw_torso(torso)
        cloth = self._cloth()
        for part in (sleeves, torso):
            self.picture.paste(shaded(cloth, part, rng), mask=part)
        self.mask = ImageChops.lighter(sleeves, torso)
        self._draw_neck(cloth)
        self._draw_front(cloth)
        self._draw_details(cloth)

    def _draw_shirt_below(self, thick: float) -> None:
        """Its sleeves; what shows of it in the neck is drawn later."""
        sleeves, end = Image.new("L", self.mask.size), self.rng.choice([0.6, 1.3, WRIST, WRIST])
        for arm in self.arms:
            self.draw_limb(ImageDraw.Draw(sleeves), arm, end, thick, 255)
        self.picture.paste(shaded(self._below, sleeves, self.rng), mask=sleeves)

    def _cloth(self) -> Image.Image:
        """One fabric; some dresses have another one for the skirt, or for each of three parts."""
        rng, cloth = self.rng, fabric(self.rng, self.picture.size)
        if self.cut.class_id != DRESS or rng.random() < 0.6:
            return cloth
        seams = rng.choice([(0.95,), (rng.uniform(0.4, 0.8), rng.uniform(1.1, 1.5))])
        return in_parts(cloth, [self.at(0, seam)[1] for seam in seams], rng)

    def _draw_neck(self, cloth: Image.Image) -> None:
        rng, draw, unit = self.rng, ImageDraw.Draw(self.picture), self.unit
        wide, deep = rng.uniform(0.12, 0.2), rng.uniform(0.06, 0.2)
        left, right, bottom = self.at(-wide, -0.04), self.at(wide, -0.04), self.at(0, deep)
        if self.cut.neck == "round":
            box = (left[0], self.at(0, -deep)[1], right[0], bottom[1])
            ImageDraw.Draw(self.mask).chord(box, 0, 180, 0)
            draw.chord(box, 0, 180, self.body.skin)
            draw.arc(box, 0, 180, darker(cloth, rng.uniform(0.5, 0.9)), max(1, round(0.03 * unit)))
        elif self.cut.neck in ("pointed", "collar", "hood"):
            shown = darker(self._below, 1) if self.cut.vest else self.body.skin
            self.hide([left, right, self.at(0, deep * (2 if self.cut.neck == "pointed" else 1))], shown)
        else:
            top = rng.uniform(0.1, 0.25)
            box = (left[0], self.at(0, -top)[1], right[0], bottom[1])
            draw.rounded_rectangle(box, unit * 0.05, darker(cloth, rng.uniform(0.75, 1)))
            ImageDraw.Draw(self.mask).rounded_rectangle(box, unit * 0.05, 255)
        if self.cut.vest or self.cut.neck == "collar":
            self._draw_collar(self._below if self.cut.vest else cloth, wide, deep)

    def _draw_collar(self, cloth: Image.Image, wide: float, deep: float) -> None:
        """Two flaps, each from the neck to a point on the chest, with an edge of shadow."""
        rng = self.rng
        same = rng.random() < 0.8
        colour = darker(cloth, rng.uniform(0.85, 1.1)) if same else rgb(cloth_colour(rng))
        edge = tuple(int(0.6 * value) for value in colour)
        long = rng.uniform(0.12, 0.28)
        for sign in (-1, 1):
            flap = [self.at(sign * wide, -0.08), self.at(sign * (wide + 0.04), 0.05),
                    self.at(sign * (wide * 0.75), deep + long), self.at(sign * 0.01, deep)]  # fmt: skip
            draw = ImageDraw.Draw(self.picture)
            draw.polygon(flap, colour)
            draw.line([*flap, flap[0]], edge, max(1, round(self.unit * 0.012)))
            ImageDraw.Draw(self.mask).polygon(flap, 0 if self.cut.vest else 255)

    def _draw_front(self, cloth: Image.Image) -> None:
        rng, cut, draw = self.rng, self.cut, ImageDraw.Draw(self.picture)
        thin = max(1, round(self.unit * 0.012))
        dark = darker(cloth, rng.uniform(0.4, 0.8))
        end = {"short": rng.uniform(0.25, 0.4)}.get(cut.front, cut.hem)
        if cut.front == "open":
            self._draw_opening(dark)
            return
        if cut.front != "closed":
            draw.line([self.at(0.03, 0.08), self.at(0.03, end)], dark, thin * (2 if cut.front == "zip" else 1))
        if cut.front in ("short", "buttons"):
            light = rgb(cloth_colour(rng)) if rng.random() < 0.5 else dark
            for y in np.arange(0.15, end, rng.uniform(0.12, 0.2)):
                ellipse(draw, self.at(0, float(y)), (thin * 1.2, thin * 1.2), light)
            draw.line([self.at(-0.04, 0.1), self.at(-0.04, end)], dark, thin)
        if cut.class_id == SHIRT and rng.random() < 0.25:
            wide, tie = rng.uniform(0.04, 0.06), rgb(cloth_colour(rng) * 0.7)
            self.hide(
                [
                    self.at(-wide / 2, 0.08),
                    self.at(wide / 2, 0.08),
                    self.at(wide, 1),
                    self.at(0, 1.08),
                    self.at(-wide, 1),
                ],
                tie,
            )

    def _draw_opening(self, dark: Colour) -> None:
        """What is worn below shows in the middle; lapels fold back beside it."""
        rng, cut = self.rng, self.cut
        upper, lower = rng.uniform(0.08, 0.2), rng.uniform(0.03, 0.3)
        low = cut.hem if rng.random() < 0.7 else rng.uniform(0.6, 0.9)
        inner = rgb(cloth_colour(rng))
        opening = [self.at(-upper, -0.02), self.at(upper, -0.02), self.at(lower, low), self.at(-lower, low)]
        self.hide(opening, inner)
        self.hide([self.at(-0.1, -0.04), self.at(0.1, -0.04), self.at(0, 0.1)], self.body.skin)
        if rng.random() < 0.5:
            for sign in (-1, 1):
                lapel = [
                    self.at(sign * upper, 0),
                    self.at(sign * (upper + 0.16), 0.3),
                    self.at(sign * lower, min(low, 0.75)),
                ]
                ImageDraw.Draw(self.picture).polygon(lapel, dark)

    def _draw_details(self, cloth: Image.Image) -> None:
        rng, cut, draw = self.rng, self.cut, ImageDraw.Draw(self.picture)
        thin, dark = max(1, round(self.unit * 0.015)), darker(cloth, rng.uniform(0.5, 0.85))
        half = cut.loose / 2
        if cut.class_id == PULLOVER and rng.random() < 0.6:  # ribs
            draw.line([self.at(-half, cut.hem - 0.08), self.at(half, cut.hem - 0.08)], dark, thin)
        if cut.neck == "hood":
            pocket = [self.at(-0.22, 0.8), self.at(0.22, 0.8), self.at(0.32, 1.08), self.at(-0.32, 1.08)]
            draw.line([*pocket, pocket[0]], dark, thin)
            for sign in (-1, 1):
                draw.line([self.at(sign * 0.07, 0.1), self.at(sign * 0.08, rng.uniform(0.3, 0.5))], (235,) * 3, thin)
        if cut.class_id in (COAT, SHIRT) and rng.random() < 0.5:
            corner, far = self.at(0.14, 0.42), self.at(0.3, 0.6)
            draw.rectangle((*corner, *far), outline=dark, width=thin)
        if cut.class_id == DRESS and rng.random() < 0.4:
            y = rng.uniform(0.85, 1.0)
            draw.line([self.at(-0.4, y), self.at(0.4, y)], rgb(cloth_colour(rng)), thin * rng.choice([2, 4]))
        if cut.front == "closed" and cut.class_id in (T_SHIRT, PULLOVER) and rng.random() < 0.45:
            self._draw_print()

    def _draw_print(self) -> None:
        rng, draw = self.rng, ImageDraw.Draw(self.picture)
        for _ in range(rng.randint(1, 9)):
            x, y = rng.gauss(0, 0.1), rng.uniform(0.3, 0.8)
            box = (
                *self.at(x - rng.uniform(0.02, 0.15), y),
                *self.at(x + rng.uniform(0.02, 0.15), y + rng.uniform(0.03, 0.2)),
            )
            rng.choice([draw.rectangle, draw.ellipse])(box, rgb(cloth_colour(rng)))

    def _draw_hood(self) -> None:
        """Behind the neck, or around the head."""
        rng = self.rng
        up = rng.random() < 0.3
        half = (0.27, 0.42) if up else (0.27, rng.uniform(0.12, 0.18))
        centre = self.at(0, -0.35 if up else -0.02)
        size = (half[0] * self.unit, half[1] * self.unit)
        ellipse(ImageDraw.Draw(self.picture), centre, size, rgb(cloth_colour(rng)))
