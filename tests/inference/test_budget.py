"""The budget of a request: how many pixels and seconds its images share."""

import pytest

from handler.errors import OutOfTime
from handler.inference.budget import Budget


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def accepted(budget: Budget, *images: int) -> list[bool]:
    """Which of the images, given by their pixels, fit the budget."""
    return [_fits(budget, pixels) for pixels in images]


def _fits(budget: Budget, pixels: int) -> bool:
    try:
        budget.spend(pixels)
    except OutOfTime:
        return False
    return True


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        pytest.param([60, 40], [True, True], id="exactly the budget"),
        pytest.param([60, 41], [True, False], id="one pixel more"),
        pytest.param([500], [True], id="a first image over the budget"),
        pytest.param([500, 1], [True, False], id="nothing after such an image"),
        pytest.param([0, 500, 1], [True, True, False], id="an image over the budget after one of no pixels"),
        pytest.param([60, 50, 40], [True, False, True], id="a smaller image after one that does not fit"),
    ],
)
def test_images_share_the_pixels(images: list[int], expected: list[bool]) -> None:
    assert accepted(Budget(100, 60), *images) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(19.9, True), (20, False), (1000, False)])
def test_no_image_is_begun_after_the_deadline(seconds: float, expected: bool) -> None:
    clock = Clock()
    budget = Budget(100, 20, clock=clock)
    clock.seconds += seconds
    assert accepted(budget, 1) == [expected]


@pytest.mark.parametrize(("seconds", "expected"), [(0.9, True), (1, False), (5, False)])
def test_no_image_is_begun_after_the_time_for_work_is_used_up(seconds: float, expected: bool) -> None:
    budget = Budget(100, 60, work_seconds=1)
    budget.spend(1)
    budget.charge(seconds)
    assert accepted(budget, 1) == [expected]


def test_pixels_that_are_given_back_fit_again() -> None:
    budget = Budget(100, 60)
    budget.spend(60)
    budget.give_back(60)
    assert accepted(budget, 100) == [True]


def test_error_asks_to_send_the_image_again() -> None:
    budget = Budget(100, 60)
    budget.spend(100)
    with pytest.raises(OutOfTime, match="send this one again"):
        budget.spend(1)
