"""The benchmark of the targets runs, in Lambda's image, and finds figures that can be."""

from bench.lambda_image import NoDocker
from bench.targets import measure
from tests.support.machine import missing


def test_every_target_gets_a_figure() -> None:
    try:
        section = measure(quick=True)
    except NoDocker as error:
        missing(str(error))
    (table,) = section.tables
    figures = {str(row[0]): row[3] for row in table.rows if isinstance(row[3], float)}
    assert len(figures) == len(table.rows) == 11
    assert 50 < figures["package, unpacked, MB"] < 101
    assert 0.1 < figures["worker function, cold, the same"] < 2
