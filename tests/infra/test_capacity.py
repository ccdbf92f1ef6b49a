"""The capacity report matches an example calculated by hand, and is generated from its data."""

import re
from dataclasses import replace

import pytest

from infra.capacity.costs import Worker, dollars, hours
from infra.capacity.measure import KINDS, measure
from infra.capacity.measurements import Measurement, Measurements, read_measurements
from infra.capacity.prices import Prices, read_prices
from infra.capacity.report import REPORT, report
from infra.emulation.names import CREDENTIALS

PRICES = Prices(
    region="us-east-1",
    looked_up="2026-11-23",
    sources=(),
    lambda_request=0.20e-6,
    lambda_gb_second={"x86_64": 0.0000166667, "arm64": 0.0000133334},
    s3_put_or_list=0.005e-3,
    s3_get=0.0004e-3,
    sqs_request=0.40e-6,
    transition=0.025e-3,
    express_request=1e-6,
    express_gb_second=0.00001667,
)


def test_cost_of_a_million_images_equals_manual_calculation() -> None:
    """20 ms on one vCPU are 40 ms on the half that 884.5 MB get; with 8.75 ms for S3, 48.75 ms."""
    worker = Worker(memory_mb=1769 // 2 + 1)
    assert worker.seconds(0.020) == pytest.approx(0.04872, abs=0.00003)
    cost = dollars(1_000_000, 0.020, worker, PRICES)
    # 100,000 invocations are $0.02; 48,727 s of 0.8643 GB are 42,114 GB-s, $0.7019.
    assert cost.lambda_ == pytest.approx(0.02 + 0.7019, abs=0.0005)
    # A million GETs are $0.40, a million PUTs $5; both buckets listed twice are 4,000 pages, $0.02.
    assert cost.s3 == pytest.approx(5.42)
    # 100,000 requests each to send, receive and delete.
    assert cost.sqs == pytest.approx(0.12)
    # 10,000 children: $0.25 to start, $0.01 for requests, $0.0107 for 10,000 s of 0.064 GB.
    assert cost.step_functions == pytest.approx(0.2707, abs=0.0001)
    assert cost.total == pytest.approx(6.5326, abs=0.0005)
    assert hours(1_000_000, 0.020, worker, workers=5) == pytest.approx(48727 / 5 / 3600, abs=0.001)


def test_memory_above_one_vcpu_costs_more_and_is_not_faster() -> None:
    one, more = Worker(1769), Worker(3008)
    assert one.seconds(0.02) == more.seconds(0.02)
    assert dollars(1e6, 0.02, one, PRICES).lambda_ < dollars(1e6, 0.02, more, PRICES).lambda_


def test_arm64_costs_a_fifth_less_for_the_same_duration() -> None:
    intel, arm = (dollars(1e6, 0.02, Worker(1024, each), PRICES) for each in ("x86_64", "arm64"))
    assert (arm.lambda_ - 0.02) / (intel.lambda_ - 0.02) == pytest.approx(0.8, abs=0.001)
    assert (arm.s3, arm.sqs, arm.step_functions) == (intel.s3, intel.sqs, intel.step_functions)


def test_report_is_generated_from_its_data() -> None:
    assert REPORT.read_text(encoding="utf-8") == report(read_measurements(), read_prices())


def test_report_marks_memory_that_is_too_small() -> None:
    photo = Measurement("photo", bytes=1, images=1, cpu_seconds=0.02, peak_mb=300)
    rows = re.findall(r"^\| (?:128|256|512) MB .*", report(Measurements("m", "v", "d", (photo,)), PRICES), re.MULTILINE)
    assert ["too small" in row for row in rows] == [True, True, False] * 2


def test_prices_have_date_and_sources() -> None:
    prices = read_prices()
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", prices.looked_up)
    assert all(source.startswith("https://aws.amazon.com/") for source in prices.sources)
    assert replace(prices, sources=()) == replace(PRICES, looked_up=prices.looked_up)


@pytest.mark.slow
def test_measure_returns_processor_time_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    (small,) = measure({"28x28 PNG": 1}).kinds
    assert small.kind in KINDS
    assert 0.0005 < small.cpu_seconds < 0.5
    assert 50 < small.peak_mb < 1000
    assert small.images == 10
