"""The cost of an attack in the threat model matches an example calculated by hand, and is generated from its data."""

import re
from dataclasses import replace
from typing import Final

import pytest

from infra.capacity.bill import THREAT_MODEL, Attack, TrafficPrices, with_bill
from infra.capacity.defaults import read_defaults
from infra.capacity.prices import read_prices
from tests.support.template import PARAMETERS, RESOURCES

ATTACK: Final = Attack(read_defaults(), read_prices(), TrafficPrices.read())


def cost_of(attack: Attack, name: str) -> float:
    (found,) = [way.dollars for way in attack.ways() if way.name.startswith(name)]
    return found


def changed(**defaults: str) -> Attack:
    assert defaults.keys() <= ATTACK.defaults.keys()
    return replace(ATTACK, defaults={**ATTACK.defaults, **defaults})


def test_defaults_equal_those_of_a_yaml_parser() -> None:
    assert read_defaults() == {name: str(parameter["Default"]) for name, parameter in PARAMETERS.items()}


def test_table_in_the_threat_model_is_generated_from_template_and_prices() -> None:
    document = THREAT_MODEL.read_text(encoding="utf-8")
    assert document == with_bill(document)


def test_document_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks"):
        with_bill("no table\n")


@pytest.mark.parametrize(
    ("way", "dollars"),
    [
        # 8,640,000 requests at $3.50 a million.
        pytest.param("CORS preflights", 30.24, id="preflights"),
        # As many, and for Lambda $1.728, 172,800 GB-s for $2.88, 21.6 GB of logs for $11.448.
        pytest.param("Small images", 46.296, id="small images"),
        # 1,000 at once are 86,400,000 GB-s for $1,440; the requests and logs as before.
        pytest.param("Batches of the slowest", 1483.42, id="batches"),
        # 3,862 GB out for $347.59, beside what small images cost.
        pytest.param("The largest file, of", 393.88, id="documentation"),
        # 432,000 tickets: 21,600 GB for 8 days are $132.48; requests, logs and PUTs are $4.77.
        pytest.param("Tickets", 137.24, id="tickets"),
        # 432,000 GB-s are $7.20.
        pytest.param("Workers", 10.62, id="workers"),
    ],
)
def test_cost_of_a_way_in_equals_manual_calculation(way: str, dollars: float) -> None:
    assert cost_of(ATTACK, way) == pytest.approx(dollars, abs=0.03)


@pytest.mark.parametrize(
    ("parameter", "value", "way", "factor"),
    [
        ("RequestsPerSecond", "10", "CORS preflights", 0.1),
        ("TicketsPerSecond", "10", "Tickets", 2),
        ("RequestsPerAddress", "100", "CORS preflights", 1),
    ],
)
def test_cost_changes_with_its_parameter(parameter: str, value: str, way: str, factor: float) -> None:
    assert cost_of(changed(**{parameter: value}), way) == pytest.approx(factor * cost_of(ATTACK, way))


def test_every_parameter_that_bounds_a_way_exists() -> None:
    named = {name for way in ATTACK.ways() for name in re.findall(r"`([A-Z]\w+)`", way.bound + way.name)}
    assert named <= PARAMETERS.keys()
    assert {"RequestsPerSecond", "TicketsPerSecond", "Docs"} <= named


def test_deleted_uploads_are_kept_as_long_as_assumed() -> None:
    rules = RESOURCES["UploadsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (uploads,) = [rule for rule in rules if rule.get("Prefix") == "api/"]
    assert uploads["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def test_traffic_prices_have_date_and_sources() -> None:
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", ATTACK.traffic.looked_up)
    assert ATTACK.traffic.region == ATTACK.prices.region
    assert all(source.startswith("https://aws.amazon.com/") for source in ATTACK.traffic.sources)
