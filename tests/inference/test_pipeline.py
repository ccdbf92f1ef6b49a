"""The pipeline: what an image takes from the budget that it shares with others."""

from typing import Any

import pytest

from handler.errors import BrokenImage, OutOfTime, TooManyPixels
from handler.inference.budget import Budget
from handler.inference.pipeline import PreparedImage, prepare_or_error
from tests.support.images import encoded, png_that_claims, trousers
from tests.support.shipped import SHIPPED


class RecordingBudget(Budget):
    """Remembers what each image took."""

    def __init__(self) -> None:
        super().__init__(10**9, 60)
        self.taken: list[tuple[int, bool]] = []

    def spend(self, pixels: int, *, trusted: bool = True) -> None:
        super().spend(pixels, trusted=trusted)
        self.taken.append((pixels, trusted))


@pytest.mark.parametrize(
    ("side", "options", "trusted"),
    [
        pytest.param(280, {"format": "PNG"}, True, id="PNG"),
        pytest.param(2400, {"format": "JPEG"}, True, id="JPEG"),
        pytest.param(1000, {"format": "JPEG", "progressive": True}, True, id="progressive JPEG"),
        pytest.param(2400, {"format": "JPEG", "progressive": True}, False, id="large progressive JPEG"),
        pytest.param(280, {"format": "AVIF"}, False, id="AVIF"),
    ],
)
def test_image_spends_its_pixels_and_time(side: int, options: dict[str, Any], trusted: bool) -> None:
    budget = RecordingBudget()
    assert isinstance(prepare_or_error(SHIPPED, encoded(trousers(side), **options), 10**8, budget), PreparedImage)
    assert budget.taken == [(side * side, trusted)]
    assert budget.worked > 0


def test_broken_image_spends_its_time_alone() -> None:
    budget = RecordingBudget()
    assert isinstance(prepare_or_error(SHIPPED, png_that_claims(100, 100), 10**8, budget), BrokenImage)
    assert budget.spent == 0
    assert budget.worked > 0


def test_image_that_is_refused_by_its_header_spends_nothing() -> None:
    budget = RecordingBudget()
    assert isinstance(prepare_or_error(SHIPPED, png_that_claims(100, 100), 9_999, budget), TooManyPixels)
    assert (budget.taken, budget.worked) == ([], 0)


def test_image_beyond_the_budget_is_not_decoded() -> None:
    budget = Budget(1, 60)
    budget.spend(1)
    assert isinstance(prepare_or_error(SHIPPED, png_that_claims(100, 100), 10**8, budget), OutOfTime)
