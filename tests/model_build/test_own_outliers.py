"""Outliers of one's own classes: accessories drawn on the ground of an image, and how strange features are."""

import random

import pytest
import torch

from model_build.own_classes.augmentation import accessory_on_ground
from model_build.own_classes.network import strangeness


@pytest.mark.parametrize("channels", [1, 3])
def test_drawn_accessory_stands_on_the_ground_of_an_image(channels: int) -> None:
    image = torch.zeros((channels, 40, 40), dtype=torch.uint8)
    image[:, 12:28, 12:28] = 255  # its object, which no corner has all of
    placed = accessory_on_ground(image, random.Random(2))
    assert (placed.shape, placed.dtype) == (image.shape, torch.uint8)
    assert torch.equal(placed, accessory_on_ground(image, random.Random(2)))
    assert (placed == 0).any()
    assert len(placed.unique()) > 10


def test_outliers_near_to_a_centre_of_outliers_are_stranger() -> None:
    features = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, -2.0]])
    found = strangeness(features, torch.zeros(1, 2), torch.tensor([[0.0, 2.0]]))
    assert found.tolist() == pytest.approx([1 - 0.5 * 5**0.5, 2, 2 - 0.5 * 4])
