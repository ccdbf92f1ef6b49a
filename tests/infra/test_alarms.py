"""Alarms and dashboard refer to metrics that exist: those of the functions, or AWS's own."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import Classification, ModelCard, Prediction
from handler.inference.classifier import Classifier
from handler.settings import Settings
from handler.telemetry.metrics import Metrics
from handler.telemetry.reports import InvocationReport
from tests.support.cloudwatch import Metric, metrics_in
from tests.support.emulated_stack import transformed
from tests.support.template import FUNCTIONS, PARAMETERS, RESOURCES, TEMPLATE, of_door

STACK: Final = "AWS::StackName"  # resolved() replaces references by their names
DOORS: Final = PARAMETERS["FrontDoor"]["AllowedValues"]
ALARMS_OF: Final = {
    door: {
        name: of_door(each["Properties"], door)
        for name, each in RESOURCES.items()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    }
    for door in DOORS
}
ALARMS: Final = ALARMS_OF["RestApi"]

# Metrics of AWS services by namespace and dimensions, from their documentation.
AWS_METRICS: Final = {
    ("AWS/ApiGateway", ("ApiName", "Stage")): {"4XXError", "5XXError", "Count", "IntegrationLatency", "Latency"},
    ("AWS/Lambda", ("ExecutedVersion", "FunctionName", "Resource")): {"Duration", "Errors", "Invocations", "Throttles"},
    ("AWS/Lambda", ("FunctionName",)): {
        "ConcurrentExecutions",
        "Duration",
        "Errors",
        "Invocations",
        "Throttles",
        "Url4xxCount",
        "Url5xxCount",
        "UrlRequestCount",
        "UrlRequestLatency",
    },
    ("AWS/SQS", ("QueueName",)): {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"},
}


def resolved(value: Any) -> str:
    """The name that a property refers to: X for {"Ref": X}, "X:live" for "${X}:live"; values of mappings."""
    match value:
        case {"Ref": str(name)} | {"GetAtt": str(name)}:
            return name
        case {"Sub": str(text)}:
            return re.sub(r"\$\{([\w.:]+)\}", r"\1", text)
        case {"Sub": [str(text), dict(variables)]}:
            for name, each in variables.items():
                text = text.replace(f"${{{name}}}", resolved(each))
            return resolved({"Sub": text})
        case {"FindInMap": [str(mapping), str(key), str(attribute)]}:
            return str(TEMPLATE["Mappings"][mapping][key][attribute])
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"{name}.{attribute}"
    return str(value)


def metric(properties: dict[str, Any]) -> Metric:
    dimensions = frozenset((each["Name"], resolved(each["Value"])) for each in properties["Dimensions"])
    return Metric(resolved(properties["Namespace"]), properties["MetricName"], dimensions)


def metrics_of(alarm: dict[str, Any]) -> list[Metric]:
    if "MetricName" in alarm:
        return [metric(alarm)]
    return [metric(query["MetricStat"]["Metric"]) for query in alarm["Metrics"] if "MetricStat" in query]


def widgets(door: str = "RestApi") -> list[dict[str, Any]]:
    body = resolved(of_door(RESOURCES["Dashboard"]["Properties"]["DashboardBody"], door))
    shown: list[dict[str, Any]] = json.loads(body.replace("UnknownRateThreshold", "0.3"))["widgets"]
    return shown


def dashboard_metrics(door: str) -> Iterator[Metric]:
    for widget in widgets(door):
        for namespace, name, *rest in (row for row in widget["properties"].get("metrics", ()) if len(row) > 1):
            words = [word for word in rest if isinstance(word, str)]
            yield Metric(namespace, name, frozenset(zip(words[::2], words[1::2], strict=True)))


@pytest.fixture(scope="module")
def emitted(classifier: Classifier, card: ModelCard, png: bytes) -> set[Metric]:
    """All metrics of the functions: of a successful and a failed request, and of uploads of every class."""
    lines: list[str] = []
    http, worker = (
        Metrics(
            STACK,
            str(card.document["version"]),
            {"AWS_LAMBDA_FUNCTION_NAME": function, "AWS_LAMBDA_FUNCTION_VERSION": f"{function}.Version.Version"},
            lines.append,
        )
        for function in FUNCTIONS
    )
    client = TestClient(create_app(classifier, card, Settings(), http.record_request))
    assert client.post("/classify", content=png).status_code == 200
    assert client.post("/uploads").status_code == 503
    classifications = tuple(
        Classification((Prediction(each.english, each.class_id, 0.9),), True, 0.9) for each in card.labels
    )
    report = InvocationReport(1, 0, len(classifications), 0, 0, 0, classifications, 1.0, str(card.document["version"]))
    worker.record_invocation(report, cold_start_seconds=1.0)
    return set(metrics_in("\n".join(lines)))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_logs_json_and_emits_metrics_in_stack_namespace(function: str) -> None:
    properties = RESOURCES[function]["Properties"]
    assert properties["LoggingConfig"]["LogFormat"] == "JSON"
    namespace = properties["Environment"]["Variables"]["METRICS_NAMESPACE"]
    assert namespace == {"If": ["EmitsMetrics", {"Ref": STACK}, ""]}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("alarm", ALARMS)
def test_alarm_watches_existing_metrics(alarm: str, door: str, emitted: set[Metric]) -> None:
    for watched in metrics_of(ALARMS_OF[door][alarm]):
        assert door == "RestApi" or watched.namespace != "AWS/ApiGateway"
        assert watched in emitted or _is_of_aws(watched)


@pytest.mark.parametrize(("door", "of_gateway"), [("RestApi", {"AWS/ApiGateway"}), ("FunctionUrl", set())])
def test_dashboard_shows_existing_metrics(door: str, of_gateway: set[str], emitted: set[Metric]) -> None:
    shown = list(dashboard_metrics(door))
    assert [each for each in shown if each not in emitted and not _is_of_aws(each)] == []
    assert {each.namespace for each in shown} == {STACK, "AWS/Lambda", "AWS/SQS"} | of_gateway


def test_dashboard_finds_the_metrics_of_classes_whatever_they_are_called(emitted: set[Metric], card: ModelCard) -> None:
    """The search excludes the metrics by model that are not of classes, so that it fits any model."""
    rows = [row for widget in widgets() for row in widget["properties"].get("metrics", ()) if len(row) == 1]
    (expression,) = (row[0]["expression"] for row in rows)
    parts = re.fullmatch(
        r"SEARCH\('{\"(.+)\",(.+),(.+)} \2=\"(.+)\" \3=\"(.+?)\"((?: NOT MetricName=\".+?\")+)', .+\)", expression
    )
    assert parts
    namespace, function, version, *values, excluded = parts.groups()
    dimensions = frozenset(zip((function, version), values, strict=True))
    names = {each.name for each in emitted if (each.namespace, each.dimensions) == (namespace, dimensions)}
    assert names - set(re.findall(r'"(.+?)"', excluded)) == {label.english for label in card.labels}


def _is_of_aws(watched: Metric) -> bool:
    names = tuple(sorted(name for name, _ in watched.dimensions))
    return watched.name in AWS_METRICS.get((watched.namespace, names), set())


def test_dashboard_shows_every_alarm_that_notifies_and_the_dead_letters() -> None:
    """Also without AlarmEmail, for which the alarms are otherwise silent."""
    shown = {arn for widget in widgets() if widget["type"] == "alarm" for arn in widget["properties"]["alarms"]}
    always = {name for name in ALARMS if "AlarmActions" in ALARMS[name] and "Condition" not in RESOURCES[name]}
    assert shown == {f"{name}.Arn" for name in always}
    numbers = [each for each in widgets() if each["properties"].get("view") == "singleValue"]
    assert "DeadLetterQueue.QueueName" in json.dumps(numbers)


@pytest.mark.parametrize(
    ("calls", "failures", "rolls_back"),
    [(1, 1, False), (1000, 1, False), (4, 2, False), (1000, 50, False), (3, 3, True), (30, 3, True), (1000, 100, True)],
)
@pytest.mark.parametrize("alarm", sorted(name for name in ALARMS if "Version" in name))
def test_only_a_share_of_several_calls_rolls_a_deployment_back(
    alarm: str, calls: int, failures: int, rolls_back: bool
) -> None:
    properties = ALARMS[alarm]
    expression = properties["Metrics"][-1]["Expression"]
    values = {"calls": calls, "failed": failures, "failing": 100 * failures / calls}
    found = re.fullmatch(r"IF\((.+), (.+), 0\)", expression)
    assert found
    percent = eval(found[2], {}, values) if eval(found[1], {}, values) else 0
    assert (percent >= properties["Threshold"]) == rolls_back


def test_template_model_version_equals_model_card(card: ModelCard) -> None:
    assert TEMPLATE["Mappings"]["ModelCard"]["Version"]["Value"] == card.document["version"]


def test_metrics_description_states_count_and_price(emitted: set[Metric]) -> None:
    of_worker = [each for each in emitted if ("Function", "WorkerFunction") in each.dimensions]
    both = 2 * len(of_worker)  # the API has as many: ServerErrors in place of MessagesFailed
    description = PARAMETERS["Metrics"]["Description"]
    assert f"{both} custom metrics, ${both * 0.30:.2f} a month" in description


def test_alarms_ignore_missing_data_and_all_but_deployment_alarms_notify() -> None:
    deployments = {name for name in ALARMS if "Version" in name}
    assert {name for name, alarm in ALARMS.items() if "AlarmActions" not in alarm} == deployments
    assert all(alarm["TreatMissingData"] == "notBreaching" for alarm in ALARMS.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "error"), [("HttpFunction", "ServerErrors"), ("WorkerFunction", "MessagesFailed")]
)
def test_deployment_rolls_back_on_crash_or_error_of_new_version(function: str, error: str) -> None:
    group = transformed()["Resources"][f"{function}DeploymentGroup"]["Properties"]
    assert group["AutoRollbackConfiguration"]["Enabled"]
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    names = [alarm["Name"] for alarm in group["AlarmConfiguration"]["Alarms"]]
    watched = [ALARMS[name.get("Fn::If", [None, name])[1]["Ref"]] for name in names]
    new_version = f"{function}.Version.Version"
    of_version = {each.name: set(each.dimensions) for alarm in watched for each in metrics_of(alarm)}
    assert ("ExecutedVersion", new_version) in of_version["Errors"]
    assert ("Resource", f"{function}:live") in of_version["Errors"]
    assert ("Version", new_version) in of_version[error]
