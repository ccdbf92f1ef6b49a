"""Cost benchmark: prices against computation by hand, and a quick run in Lambda's image."""

import pytest

from bench.costs import Usage, fargate_month, measure
from bench.lambda_image import NoDocker
from bench.results import Figure
from infra.capacity.prices import read_prices
from tests.support.machine import missing

TEN_MS = Usage(bytes=1, cpu=Figure("", "ms", (9.9,)), cold_cpu_seconds=0.3, response_bytes=300, peak_mb=100)


def test_request_price_equals_computation_by_hand() -> None:
    """10 ms of a processor take 20 ms with 885 MB, which get half of one: 0.01729 GB-s, and 2% of 600 ms cold."""
    prices = read_prices()
    warm = TEN_MS.lambda_dollars(885, prices, 0)
    assert warm == pytest.approx(0.2e-6 + 0.020 * 885 / 1024 * 0.0000166667)
    assert TEN_MS.lambda_dollars(885, prices, 0.02) - warm == pytest.approx(0.02 * 0.600 * 885 / 1024 * 0.0000166667)


def test_memory_above_one_processor_only_raises_the_price() -> None:
    prices = read_prices()
    whole, more = (TEN_MS.lambda_dollars(size, prices, 0) for size in (1769, 3538))
    assert more - prices.lambda_request == pytest.approx(2 * (whole - prices.lambda_request))


def test_fargate_month_price_equals_computation_by_hand() -> None:
    """730 hours of one vCPU at 0.04048 dollars, and of two gigabytes at 0.004445."""
    listed = {"fargate_vcpu_hour": {"x86_64": 0.04048}, "fargate_gb_hour": {"x86_64": 0.004445}}
    assert fargate_month(listed) == pytest.approx(730 * (0.04048 + 0.00889))


@pytest.mark.docker
@pytest.mark.slow
def test_quick_run_fills_all_tables() -> None:
    try:
        section = measure(quick=True, against=None)
    except NoDocker as error:
        missing(str(error))
    sizes, endpoints, services = section.tables
    assert all(isinstance(row[-1], float) and row[-1] > 50 for row in sizes.rows)
    by_endpoint = dict(zip(endpoints.columns, endpoints.rows[0], strict=True))
    assert by_endpoint["Function URL, $"] < by_endpoint["HTTP API, $"] < by_endpoint["REST API, $"]  # type: ignore[operator]
    assert len(services.rows) == 3
