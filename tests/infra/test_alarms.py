"""What the template's alarms and dashboard look at is what the functions print, or what AWS measures by itself."""

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
from handler.telemetry.work_reports import WorkReport
from tests.support.cloudwatch import Metric, figures_in
from tests.support.emulated_stack import transformed
from tests.support.template import PARAMETERS, RESOURCES, TEMPLATE

STACK: Final = "AWS::StackName"  # a name in the template stands for its value
ALARMS: Final = {
    name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == "AWS::CloudWatch::Alarm"
}
FUNCTIONS: Final = ("HttpFunction", "WorkerFunction")

# The metrics that AWS has of these services, by their dimensions, after the documentation of each.
OF_AWS: Final = {
    ("AWS/ApiGateway", ("ApiName", "Stage")): {"4XXError", "5XXError", "Count", "IntegrationLatency", "Latency"},
    ("AWS/Lambda", ("ExecutedVersion", "FunctionName", "Resource")): {"Duration", "Errors", "Invocations", "Throttles"},
    ("AWS/Lambda", ("FunctionName",)): {"ConcurrentExecutions", "Duration", "Errors", "Invocations", "Throttles"},
    ("AWS/SQS", ("QueueName",)): {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"},
}


def resolved(value: Any) -> str:
    """What a property refers to, by its name: {"Ref": X} is X, "${X}:live" is "X:live"."""
    match value:
        case {"Ref": str(name)} | {"GetAtt": str(name)}:
            return name
        case {"Sub": str(text)}:
            return re.sub(r"\$\{([\w.:]+)\}", r"\1", text)
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


def widgets() -> list[dict[str, Any]]:
    body = resolved(RESOURCES["Dashboard"]["Properties"]["DashboardBody"])
    shown: list[dict[str, Any]] = json.loads(body.replace("UnknownShare", "0.3"))["widgets"]
    return shown


def metrics_shown() -> Iterator[Metric]:
    for widget in widgets():
        for namespace, name, *rest in widget["properties"]["metrics"]:
            words = [word for word in rest if isinstance(word, str)]
            yield Metric(namespace, name, frozenset(zip(words[::2], words[1::2], strict=True)))


@pytest.fixture(scope="module")
def printed(classifier: Classifier, card: ModelCard, png: bytes) -> set[Metric]:
    """All that the functions print: of a request that succeeds, one that fails, and work on pictures of every class."""
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
    client = TestClient(create_app(classifier, card, Settings(), http.of_request))
    assert client.post("/classify", content=png).status_code == 200
    assert client.post("/uploads").status_code == 503
    every = tuple(Classification((Prediction(each.english, each.class_id, 0.9),), True, 0.9) for each in card.labels)
    worker.of_work(WorkReport(1, 0, len(every), 0, 0, 0, every, 1.0, "1"), cold_start_seconds=1.0)
    return set(figures_in("\n".join(lines)))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_logs_objects_and_prints_figures_where_the_alarms_look_for_them(function: str) -> None:
    properties = RESOURCES[function]["Properties"]
    assert properties["LoggingConfig"]["LogFormat"] == "JSON"
    namespace = properties["Environment"]["Variables"]["METRICS_NAMESPACE"]
    assert namespace == {"If": ["CountsFigures", {"Ref": STACK}, ""]}


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_looks_at_what_there_is(alarm: str, printed: set[Metric]) -> None:
    for looked_at in metrics_of(ALARMS[alarm]):
        assert looked_at in printed or _is_of_aws(looked_at)


def test_the_dashboard_shows_what_there_is(printed: set[Metric]) -> None:
    shown = list(metrics_shown())
    assert [each for each in shown if each not in printed and not _is_of_aws(each)] == []
    assert {each.namespace for each in shown} == {STACK, "AWS/ApiGateway", "AWS/Lambda", "AWS/SQS"}


def _is_of_aws(looked_at: Metric) -> bool:
    names = tuple(sorted(name for name, _ in looked_at.dimensions))
    return looked_at.name in OF_AWS.get((looked_at.namespace, names), set())


def test_what_is_said_of_the_price_is_true(printed: set[Metric]) -> None:
    of_worker = [each for each in printed if ("Function", "WorkerFunction") in each.dimensions]
    both = 2 * len(of_worker)  # the API's are as many: it has ServerErrors in place of MessagesFailed
    description = PARAMETERS["Figures"]["Description"]
    assert f"{both} custom metrics, ${both * 0.30:.2f} a month" in description


def test_no_data_is_no_alarm_and_somebody_is_told_of_all_but_those_of_a_deployment() -> None:
    deployments = {name for name in ALARMS if "Version" in name}
    assert {name for name, alarm in ALARMS.items() if "AlarmActions" not in alarm} == deployments
    assert all(alarm["TreatMissingData"] == "notBreaching" for alarm in ALARMS.values())


@pytest.mark.parametrize(
    ("function", "error"), [("HttpFunction", "ServerErrors"), ("WorkerFunction", "MessagesFailed")]
)
def test_a_deployment_ends_if_the_new_version_crashes_or_handles_an_error(function: str, error: str) -> None:
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


@pytest.mark.parametrize("function", FUNCTIONS)
def test_callers_come_to_the_alias_and_the_alias_to_a_version_that_the_stack_deletes(function: str) -> None:
    resources = transformed()["Resources"]
    alias = resources[f"{function}Aliaslive"]
    assert alias["Properties"]["Name"] == "live"
    assert alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    version, _ = alias["Properties"]["FunctionVersion"]["Fn::GetAtt"]
    assert resources[version]["DeletionPolicy"] == "Delete"
    assert resources[function]["Properties"]["SnapStart"]["ApplyOn"]["Fn::If"][0] == "TakesSnapshots"
    to_alias = {"Ref": f"{function}Aliaslive"}
    callers = ("AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping")
    called = [each["Properties"]["FunctionName"] for each in resources.values() if each["Type"] in callers]
    assert [each for each in called if function in str(each)] == [to_alias for each in called if function in str(each)]
    assert "HttpFunction.Arn}:live/invocations" in json.dumps(resources["Api"])


def _parameters_in(value: Any) -> set[str]:
    """The parameters that decide a property, by themselves or by a condition."""
    found = set(re.findall(r"'(?:Ref|If|Equals|FindInMap|Sub)': \[?'([\w ${}:,.]+)'", str(value)))
    found |= set(re.findall(r"\$\{(\w+)\}", str(value)))
    for condition in found & set(TEMPLATE["Conditions"]):
        found |= _parameters_in(TEMPLATE["Conditions"][condition])
    return found & set(PARAMETERS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_changed_parameter_is_published_as_a_new_version(function: str) -> None:
    properties = {**TEMPLATE["Globals"]["Function"], **RESOURCES[function]["Properties"]}
    not_of_a_version = {
        "DeploymentPreference",
        "Events",
        "Policies",
        "ReservedConcurrentExecutions",
        "VersionDescription",
    }
    decisive = {name: value for name, value in properties.items() if name not in not_of_a_version}
    description = properties["VersionDescription"]
    assert _parameters_in(description) == _parameters_in(decisive)
    lengths = {name: str(_longest(PARAMETERS[name])) for name in _parameters_in(description)}
    assert len(re.sub(r"\$\{(\w+)\}", lambda match: lengths[match[1]], description["Sub"])) <= 256


def _longest(parameter: dict[str, Any]) -> str:
    values = [*parameter.get("AllowedValues", ()), parameter.get("MaxValue", ""), "x" * parameter.get("MaxLength", 0)]
    return max(map(str, values), key=len)
