"""Targets benchmark: a quick run in Lambda's image gives plausible values."""

import pytest

from bench.lambda_image import NoDocker
from bench.targets import measure
from tests.support.machine import missing

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def test_quick_run_gives_a_value_for_every_target() -> None:
    try:
        section = measure(quick=True)
    except NoDocker as error:
        missing(str(error))
    (table,) = section.tables
    values = {str(row[0]): row[3] for row in table.rows if isinstance(row[3], float)}
    assert len(values) == len(table.rows) == 11
    assert 50 < values["package, unpacked, MB"] < 101
    assert 0.1 < values["worker function, cold: import and first image"] < 2
