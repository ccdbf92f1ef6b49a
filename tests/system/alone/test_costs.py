"""Computing time and memory of hostile requests, measured in processes of their own: `tests.support.costs`."""

import json
import subprocess
import sys

import pytest

from tests.support.cost_cases import CASES
from tests.support.costs import MAX_CPU_SECONDS, MAX_MEBIBYTES, Cost
from tests.support.machine import PROJECT

BUSY = 1.3  # a busy machine's computing time, in multiples of a quiet one's

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="macOS does not hold a process to its limit of memory"),
]


@pytest.fixture(scope="module")
def costs() -> dict[str, Cost]:
    """All cases, measured."""
    command = [sys.executable, "-m", "tests.support.costs", "--json"]
    ended = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True)
    found = [Cost(**json.loads(line)) for line in ended.stdout.splitlines()]
    return {cost.name: cost for cost in found}


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_hostile_request_is_answered_at_a_bounded_cost(costs: dict[str, Cost], name: str) -> None:
    cost = costs[name]
    assert cost.status == cost.expected
    assert cost.cpu_seconds < BUSY * MAX_CPU_SECONDS
    assert cost.mebibytes < MAX_MEBIBYTES
