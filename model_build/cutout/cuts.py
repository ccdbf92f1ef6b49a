"""Cuts of tops and dresses: what makes them a T-shirt, a pullover, a dress, a coat or a shirt, at random."""

import random
from dataclasses import dataclass
from typing import Final

T_SHIRT, PULLOVER, DRESS, COAT, SHIRT = 0, 2, 3, 4, 6
WRIST: Final = 2.0  # how far a sleeve reaches: 0 is the shoulder, 1 the elbow


@dataclass(frozen=True)
class Cut:
    """How a garment is made; lengths in widths of the shoulders."""

    class_id: int
    sleeve: float  # its end between shoulder (0), elbow (1) and wrist (2); 0 without sleeves
    hem: float
    neck: str  # round, pointed, high, collar or hood
    front: str  # closed, short, buttons, zip or open
    loose: float  # its width at the hem, beside that of the shoulders
    vest: bool = False  # worn over a shirt, whose sleeves and collar show


def random_cut(rng: random.Random) -> Cut:
    class_id = rng.choices([T_SHIRT, PULLOVER, DRESS, COAT, SHIRT], [0.25, 0.21, 0.2, 0.13, 0.21])[0]
    short, long = rng.uniform(0.4, 0.85), rng.uniform(1.85, WRIST)
    hem, loose = rng.uniform(1.1, 1.6), rng.uniform(0.68, 1.0)
    if class_id == T_SHIRT:
        hem = rng.choice([hem, hem, hem, rng.uniform(1.45, 1.8)])
        neck, front = rng.choice([("round", "closed"), ("round", "closed"), ("pointed", "closed"), ("collar", "short")])
        return Cut(class_id, 0.0 if neck != "collar" and rng.random() < 0.2 else short, hem, neck, front, loose)
    if class_id == PULLOVER and rng.random() < 0.12:
        return Cut(class_id, 0.0, hem, "pointed", "closed", loose, vest=True)
    if class_id == PULLOVER:
        neck = rng.choice(["round", "round", "pointed", "high", "hood", "hood"])
        front = rng.choice(["closed", "zip", "zip"]) if neck == "hood" else "closed"
        return Cut(class_id, rng.choice([long, long, long, 1.4]), hem, neck, front, loose)
    if class_id == DRESS:
        sleeve, neck = rng.choice([0.0, 0.0, short, short, rng.uniform(1.2, WRIST)]), rng.choice(["round", "pointed"])
        return Cut(class_id, sleeve, rng.uniform(1.75, 3.2), neck, "closed", rng.uniform(0.65, 1.5))
    if class_id == COAT:
        neck, front = rng.choice(
            [
                ("collar", "open"),
                ("high", "zip"),
                ("high", "open"),
                ("pointed", "open"),
                ("collar", "buttons"),
                ("hood", "zip"),
            ]
        )
        return Cut(class_id, 0.0 if rng.random() < 0.1 else long, rng.uniform(1.2, 2.3), neck, front, loose + 0.1)
    return Cut(class_id, rng.choice([short, long, long, rng.uniform(1.0, 1.4)]), hem, "collar", "buttons", loose)
