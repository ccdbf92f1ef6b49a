"""Limits of cost in template.yaml: throttles, budget, rate by address, and memory that fits the largest image."""

import json
from typing import Any, Final

import pytest

from handler.settings import Settings
from infra.capacity.costs import MB_PER_VCPU
from tests.support.emulated_stack import transformed
from tests.support.template import PARAMETERS, RESOURCES, TEMPLATE

CONDITIONS: Final = TEMPLATE["Conditions"]


def throttles() -> dict[tuple[str, str], tuple[Any, Any]]:
    return {
        (each["ResourcePath"], each["HttpMethod"]): (each["ThrottlingRateLimit"], each["ThrottlingBurstLimit"])
        for each in RESOURCES["Api"]["Properties"]["MethodSettings"]
    }


def test_every_method_is_throttled_and_tickets_more_strictly() -> None:
    assert throttles() == {
        ("/*", "*"): ({"Ref": "RequestsPerSecond"}, {"Ref": "RequestBurst"}),
        ("/~1uploads", "POST"): ({"Ref": "TicketsPerSecond"}, {"Ref": "TicketBurst"}),
    }
    assert PARAMETERS["TicketsPerSecond"]["Default"] < PARAMETERS["RequestsPerSecond"]["Default"]


def test_method_with_a_throttle_of_its_own_is_defined() -> None:
    """API Gateway rejects settings of a method that only `x-amazon-apigateway-any-method` covers."""
    paths = RESOURCES["Api"]["Properties"]["DefinitionBody"]["paths"]
    for path, method in throttles().keys() - {("/*", "*")}:
        assert method.lower() in paths["/" + path.removeprefix("/~1")]


@pytest.mark.parametrize(
    ("resource", "condition", "parameter"),
    [("Budget", "HasBudget", "MonthlyBudget"), ("WebAcl", "LimitsAddresses", "RequestsPerAddress")],
)
def test_what_costs_money_is_off_by_default(resource: str, condition: str, parameter: str) -> None:
    assert RESOURCES[resource]["Condition"] == condition
    assert parameter in json.dumps(CONDITIONS[condition])
    assert PARAMETERS[parameter]["Default"] == 0


def test_budget_notifies_the_alarm_address_of_actual_and_forecast_cost() -> None:
    properties = RESOURCES["Budget"]["Properties"]
    assert properties["Budget"]["BudgetLimit"] == {"Amount": {"Ref": "MonthlyBudget"}, "Unit": "USD"}
    notifications = properties["NotificationsWithSubscribers"]
    assert {
        (each["Notification"]["NotificationType"], each["Notification"]["Threshold"]) for each in notifications
    } == {
        ("ACTUAL", 80),
        ("ACTUAL", 100),
        ("FORECASTED", 100),
    }
    for each in notifications:
        assert each["Subscribers"] == [{"SubscriptionType": "EMAIL", "Address": {"Ref": "AlarmEmail"}}]


def test_budget_requires_an_address() -> None:
    (assertion,) = TEMPLATE["Rules"]["EmailForBudget"]["Assertions"]
    assert assertion["Assert"] == {"Not": [{"Equals": [{"Ref": "AlarmEmail"}, ""]}]}
    assert CONDITIONS["HasBudget"]["And"][0] == {"Condition": "HasAlarmEmail"}


def test_web_acl_blocks_an_address_above_the_rate_and_allows_the_rest() -> None:
    properties = RESOURCES["WebAcl"]["Properties"]
    (rule,) = properties["Rules"]
    assert properties["DefaultAction"] == {"Allow": {}}
    assert rule["Action"] == {"Block": {}}
    assert rule["Statement"]["RateBasedStatement"] == {
        "AggregateKeyType": "IP",
        "EvaluationWindowSec": 300,
        "Limit": {"Ref": "RequestsPerAddress"},
    }
    assert "WAF_FILTERED" in RESOURCES["Api"]["Properties"]["GatewayResponses"]


@pytest.mark.slow
def test_web_acl_protects_the_stage() -> None:
    association = transformed()["Resources"]["WebAclAssociation"]
    arn, variables = association["Properties"]["ResourceArn"]["Fn::Sub"]
    assert arn.endswith("/restapis/${Api}/stages/${Stage}")
    assert transformed()["Resources"][variables["Stage"]["Ref"]]["Type"] == "AWS::ApiGateway::Stage"
    assert association["Condition"] == "HasAnyWebAcl"
    assert {"Condition": "LimitsAddresses"} in CONDITIONS["HasAnyWebAcl"]["And"][1]["Or"]


def test_rates_below_the_minimum_of_waf_are_refused() -> None:
    refused = TEMPLATE["Rules"]["AddressLimitOfWaf"]["RuleCondition"]["Contains"][0]
    assert refused == [str(rate) for rate in range(1, 10)]


def test_time_of_a_request_ends_before_that_of_the_gateway() -> None:
    """The last image is begun just before the end, and may take two seconds of a whole processor."""
    gateway = RESOURCES["HttpFunction"]["Properties"]["Timeout"]
    share_of_processor = PARAMETERS["MemorySize"]["MinValue"] / MB_PER_VCPU
    assert PARAMETERS["RequestSeconds"]["MaxValue"] + 2 / share_of_processor + 2 < gateway


def test_one_image_always_fits_the_pixels_of_a_request() -> None:
    assert PARAMETERS["MaxBatchPixels"]["MinValue"] >= Settings().max_pixels
