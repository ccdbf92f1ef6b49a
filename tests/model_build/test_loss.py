"""What training makes smaller."""

import pytest
import torch

from model_build.config import Config
from model_build.training.loss import loss_of

ONE, OTHER = torch.eye(10)[:2]


def loss(probabilities: list[float], allowed: list[int], taught: torch.Tensor, config: Config) -> float:
    """Of one image that is answered by `probabilities` of the first classes, and surely known."""
    logits = torch.full((1, 11), -30.0)
    logits[0, : len(probabilities)] = torch.tensor(probabilities).log()
    logits[0, -1] = 30 if allowed else -30
    right = torch.zeros(1, 10, dtype=torch.bool)
    right[0, allowed] = True
    return loss_of(logits, right, taught[None], config).item()


@pytest.mark.parametrize(
    ("allowed", "taught", "expected"),
    [
        pytest.param([0], torch.zeros(10), 0.75, id="a label alone"),
        pytest.param([0, 1], torch.zeros(10), 1.0, id="any of two labels"),
        pytest.param([0], ONE, 0.75, id="a teacher who agrees"),
        pytest.param([0], OTHER, 0.75**0.6 * 0.25**0.4, id="a teacher who does not"),
        pytest.param([0], (ONE + OTHER) / 2, 0.75**0.8 * 0.25**0.2, id="a teacher in doubt"),
    ],
)
def test_the_label_and_the_teacher_share_it(allowed: list[int], taught: torch.Tensor, expected: float) -> None:
    config = Config(taught_weight=0.4)
    assert loss([0.75, 0.25], allowed, taught, config) == pytest.approx(-torch.tensor(expected).log().item(), abs=1e-5)


def test_of_what_is_unknown_an_even_answer_costs_least() -> None:
    even, sure = (loss(each, [], torch.zeros(10), Config()) for each in ([0.1] * 10, [0.91, *[0.01] * 9]))
    assert even < sure
