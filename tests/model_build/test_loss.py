"""The training loss, for cases worked out by hand."""

import pytest
import torch

from model_build.config import Config
from model_build.training.loss import loss_of

pytestmark = pytest.mark.slow

ONE, OTHER = torch.eye(10)[:2]


def loss(probabilities: list[float], allowed: list[int], soft_targets: torch.Tensor, config: Config) -> float:
    """The loss of one image, given the probabilities of the first classes; `known` is right."""
    logits = torch.full((1, 11), -30.0)
    logits[0, : len(probabilities)] = torch.tensor(probabilities).log()
    logits[0, -1] = 30 if allowed else -30
    right = torch.zeros(1, 10, dtype=torch.bool)
    right[0, allowed] = True
    return loss_of(logits, right, soft_targets[None], config).item()


@pytest.mark.parametrize(
    ("allowed", "soft_targets", "expected"),
    [
        pytest.param([0], torch.zeros(10), 0.75, id="a label alone"),
        pytest.param([0, 1], torch.zeros(10), 1.0, id="any of two labels"),
        pytest.param([0], ONE, 0.75, id="a teacher who agrees"),
        pytest.param([0], OTHER, 0.75**0.6 * 0.25**0.4, id="a teacher who disagrees"),
        pytest.param([0], (ONE + OTHER) / 2, 0.75**0.8 * 0.25**0.2, id="a teacher in doubt"),
    ],
)
def test_loss_weighs_label_and_soft_targets(allowed: list[int], soft_targets: torch.Tensor, expected: float) -> None:
    config = Config(soft_target_weight=0.4)
    expected_loss = -torch.tensor(expected).log().item()
    assert loss([0.75, 0.25], allowed, soft_targets, config) == pytest.approx(expected_loss, abs=1e-5)


def test_loss_of_negative_is_lowest_for_uniform_probabilities() -> None:
    uniform, certain = (loss(each, [], torch.zeros(10), Config()) for each in ([0.1] * 10, [0.91, *[0.01] * 9]))
    assert uniform < certain
