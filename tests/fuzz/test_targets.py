"""Every target passes its seeds, and what fuzzing has found."""

import pytest

from tests.fuzz.__main__ import NAMES
from tests.fuzz.json_mutation import mutated
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

SEEDS = seeds()


@pytest.mark.parametrize(
    ("name", "seed"),
    [pytest.param(name, seed, id=f"{name} {index}") for name in SEEDS for index, seed in enumerate(SEEDS[name])],
)
def test_target_passes_its_seeds_and_their_beginnings(name: str, seed: bytes) -> None:
    for end in (len(seed), len(seed) // 2, 20, 0):
        TARGETS[name](seed[:end])


@pytest.mark.parametrize("name", ["worker_events", "lambda_events"])
def test_target_passes_mutated_events(name: str) -> None:
    for seed in SEEDS[name]:
        for number in range(50):
            TARGETS[name](mutated(seed, number, lambda: b"{"))


def test_every_target_has_a_name_and_seeds() -> None:
    assert set(NAMES) == set(TARGETS) == set(SEEDS)
    assert all(SEEDS.values())
