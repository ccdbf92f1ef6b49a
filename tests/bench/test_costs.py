"""What a million pictures cost is what comes out by hand; and the benchmark runs, in Lambda's image."""

import pytest

from bench.costs import fargate_month, measure
from bench.lambda_image import NoDocker
from bench.price_list import read_price_list
from bench.request_usage import Spent
from bench.timing import Spread
from infra.capacity.prices import read_prices
from tests.support.machine import missing

TEN_MS = Spent(bytes=1, cpu=Spread(0.0099, 0.0099, 0.0099, 2), cold_cpu_seconds=0.3, reply_bytes=300, peak_mb=100)


def test_a_request_costs_what_it_costs_by_hand() -> None:
    """10 ms of a whole processor are 20 ms of the half that 885 MB get: 0.01729 GB-s, and 2 % of 600 ms cold."""
    prices = read_prices()
    warm = TEN_MS.lambda_dollars(885, "x86_64", prices)
    assert warm == pytest.approx(0.2e-6 + 0.020 * 885 / 1024 * 0.0000166667)
    assert TEN_MS.lambda_dollars(885, "x86_64", prices, cold_share=0.02) - warm == pytest.approx(
        0.02 * 0.600 * 885 / 1024 * 0.0000166667
    )


def test_more_memory_than_a_processor_takes_costs_only() -> None:
    prices = read_prices()
    whole, more = (TEN_MS.lambda_dollars(size, "arm64", prices) for size in (1769, 3538))
    assert more - prices.lambda_request == pytest.approx(2 * (whole - prices.lambda_request))


def test_memory_that_a_request_does_not_fit_into_is_too_small() -> None:
    assert [TEN_MS.fits(size) for size in (104, 105)] == [False, True]


def test_a_month_of_a_processor_costs_what_it_costs_by_hand() -> None:
    """730 hours of 0.04048 dollars, and of two gigabytes of 0.004445."""
    assert fargate_month(read_price_list(), "x86_64") == pytest.approx(730 * (0.04048 + 0.00889))


def test_the_benchmark_runs() -> None:
    try:
        section = measure(quick=True)
    except NoDocker as error:
        missing(str(error))
    memory, doors, beside = section.tables
    assert len(memory.rows) == 8
    for _, _, _, *cells in memory.rows:
        assert all(cell == "too small" or (isinstance(cell, float) and cell > 0) for cell in cells)
    by_door = {row[1]: row[3] for row in doors.rows if row[0] == "28x28 PNG"}
    assert by_door["Function URL"] < by_door["HTTP API"] < by_door["REST API"]  # type: ignore[operator]
    assert len(beside.rows) == 4
