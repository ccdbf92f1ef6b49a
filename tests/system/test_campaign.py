"""Uploads through every trouble that S3 and SQS can make: nothing is lost, nothing is done twice, nothing is wrong."""

import os
import re
import subprocess
import sys

import pytest

from tests.support.machine import PROJECT

EVENTS = int(os.environ.get("CAMPAIGN_EVENTS", "1000"))  # 10,000 take some minutes
FAULTS = 11  # kinds of trouble that so many events meet at the least


def printed(*arguments: str) -> str:
    """What the command prints; it fails if anything was lost, doubled or wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.system.campaign", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, done.stderr)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def numbers_of(section: str) -> dict[str, int]:
    lines = re.findall(r"^  (.+?) +([\d,]+)$", section, re.MULTILINE)
    return {name: int(number.replace(",", "")) for name, number in lines}


@pytest.mark.timeout(1800)
def test_nothing_is_lost_doubled_or_wrong() -> None:
    service, first, last, faults = map(
        numbers_of, re.split(r"^\w.*\n", printed("--events", str(EVENTS)), flags=re.M)[1:]
    )
    for results in (first, last):
        assert (results["lost"], results["doubled"], results["wrong"]) == (0, 0, 0)
        assert min(results["done"], results["rejected"], results["unknown"]) > 0
    assert first["dead lettered"] > last["dead lettered"] == last["unknown"]
    assert min(service["gone"], service["crashes"]) > 0
    assert len(faults) >= FAULTS


def test_the_same_seed_has_the_same_fate() -> None:
    first, again, other = (printed("--events", "100", "--seed", seed) for seed in ("7", "7", "8"))
    assert first == again != other
