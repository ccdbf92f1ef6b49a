"""Growth benchmark: a quick run; larger images have larger files."""

import pytest

from bench.growth import measure, megapixels
from bench.lambda_image import NoDocker
from bench.load import NoWrk
from tests.support.machine import missing

pytestmark = pytest.mark.slow


def test_megapixels_follow_the_aspect_ratio() -> None:
    assert megapixels(4000) == 12
    assert megapixels(28) == 28 * 28 / 1e6


@pytest.mark.docker
def test_quick_run_fills_all_tables() -> None:
    try:
        section = measure(quick=True)
    except (NoDocker, NoWrk) as error:
        missing(str(error))
    sizes, batches, clients = section.tables
    files = [row[3] for row in sizes.rows if row[0] == "PNG"]
    assert files == sorted(files)  # type: ignore[type-var]
    assert [row[0] for row in batches.rows] == [1, 2, 4]
    assert all(row[5] == 0 for row in clients.rows)
