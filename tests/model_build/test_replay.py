"""Answers of the teachers that a student learns more than once."""

import pytest
import torch
from torch import Tensor, nn

from model_build.config import Config
from model_build.datasets.mnist import DATASETS, normalize
from model_build.distillation import replay
from model_build.distillation.recipe import Distillation, Recipe
from model_build.distillation.replay import Replay
from model_build.distillation.teachers import soft_targets

# Digits are not mirrored, so that an image that is drawn again is the one that was answered.
_CONFIG = Config(dataset="mnist", shift_pixels=0, erasing_probability=0)


class _Counting(nn.Module):
    """A teacher that counts the images that it is asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.asked = nn.Linear(28 * 28, 10), 0

    def forward(self, images: Tensor) -> Tensor:
        self.asked += len(images)
        answers: Tensor = self.layer(images.flatten(1))
        return answers


def _replay(teacher: nn.Module, asked_share: float) -> Replay:
    recipe = Recipe(asked_share=asked_share)
    return Replay(Distillation(_CONFIG, recipe, torch.device("cpu")), [teacher])


def _noise(count: int) -> Tensor:
    return torch.randint(0, 256, (count, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize(("asked_share", "asked"), [(1.0, 32), (0.25, 8), (0.001, 1)])
def test_teachers_answer_their_share_of_each_batch(asked_share: float, asked: int) -> None:
    teacher, generator = _Counting(), torch.Generator().manual_seed(1)
    answers = _replay(teacher, asked_share)
    for _ in range(3):
        images, targets = answers.batch(_noise(32), generator)
        assert (images.shape, targets.shape) == ((32, 1, 28, 28), (32, 10))
    assert teacher.asked == 3 * asked
    expected = soft_targets([teacher], images, Recipe().temperature)
    torch.testing.assert_close(targets, expected, atol=0.02, rtol=0)  # the teacher computes in bfloat16


def test_old_answers_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "_KEPT", 20)
    answers, generator = _replay(_Counting(), 0.5), torch.Generator().manual_seed(1)
    grey = [torch.full((16, 28, 28), 10 * step, dtype=torch.uint8) for step in range(6)]
    for images in grey:
        drawn, _ = answers.batch(images, generator)
    last_three = torch.cat([normalize(images[:1], DATASETS[_CONFIG.dataset]) for images in grey[-3:]])[:, 0, 0, 0]
    found = drawn[:, 0, 0, 0].unique()
    torch.testing.assert_close(found, last_three)
