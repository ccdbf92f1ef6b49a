"""The benchmark of growth runs, and larger pictures cost more."""

from bench.growth import measure, megapixels
from bench.lambda_image import NoDocker
from bench.load import NoWrk
from tests.support.machine import missing


def test_pictures_are_three_by_four() -> None:
    assert megapixels(4000) == 12
    assert megapixels(28) == 28 * 28 / 1e6


def test_the_benchmark_runs() -> None:
    try:
        section = measure(quick=True)
    except (NoDocker, NoWrk) as error:
        missing(str(error))
    sizes, batches, clients = section.tables
    files = [row[3] for row in sizes.rows if row[0] == "PNG"]
    assert files == sorted(files)  # type: ignore[type-var]
    assert [row[0] for row in batches.rows] == [1, 2, 4]
    assert all(row[5] == 0 for row in clients.rows)
