"""Versions of the functions: callers use the alias of the newest, and each parameter that changes one publishes it."""

import json
import re
from typing import Any

import pytest

from tests.support.emulated_stack import transformed
from tests.support.template import FUNCTIONS, PARAMETERS, RESOURCES, TEMPLATE


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS)
def test_callers_use_alias_of_a_version_that_the_stack_deletes(function: str) -> None:
    resources = transformed()["Resources"]
    alias = resources[f"{function}Aliaslive"]
    assert alias["Properties"]["Name"] == "live"
    assert alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    version, _ = alias["Properties"]["FunctionVersion"]["Fn::GetAtt"]
    assert resources[version]["DeletionPolicy"] == "Delete"
    assert resources[function]["Properties"]["SnapStart"]["ApplyOn"]["Fn::If"][0] == "UsesSnapStart"
    to_alias = {"Ref": f"{function}Aliaslive"}
    callers = ("AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping")
    called = [each["Properties"]["FunctionName"] for each in resources.values() if each["Type"] in callers]
    assert [each for each in called if function in str(each)] == [to_alias for each in called if function in str(each)]
    assert "HttpFunction.Arn}:live/invocations" in json.dumps(resources["Api"])


def _parameters_in(value: Any) -> set[str]:
    """The parameters that a property depends on, directly or through conditions."""
    found = set(re.findall(r"'(?:Ref|If|Equals|FindInMap|Sub|Condition)': \[?'([\w ${}:,.]+)'", str(value)))
    found |= set(re.findall(r"\$\{(\w+)\}", str(value)))
    for condition in found & set(TEMPLATE["Conditions"]):
        found |= _parameters_in(TEMPLATE["Conditions"][condition])
    if "NetworkAccess" in found:  # whose name changes with its description
        found |= _parameters_in(RESOURCES["NetworkAccess"]["Properties"]["Description"])
    return found & set(PARAMETERS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_changed_parameter_publishes_a_new_version(function: str) -> None:
    properties = {**TEMPLATE["Globals"]["Function"], **RESOURCES[function]["Properties"]}
    unversioned = {
        "DeploymentPreference",
        "Events",
        "ReservedConcurrentExecutions",
        "Role",
        "VersionDescription",
    }
    decisive = {name: value for name, value in properties.items() if name not in unversioned}
    description = properties["VersionDescription"]
    assert _parameters_in(description) == _parameters_in(decisive)
    text, variables = description["Sub"] if isinstance(description["Sub"], list) else (description["Sub"], {})
    lengths = {"Bucket": "x" * 63, "Network": "x" * 13}  # the longest name; the part that CloudFormation adds to one
    assert variables.keys() <= lengths.keys()
    lengths |= {name: str(_longest(PARAMETERS[name])) for name in _parameters_in(text)}
    assert len(re.sub(r"\$\{(\w+)\}", lambda match: lengths[match[1]], text)) <= 256


def _longest(parameter: dict[str, Any]) -> str:
    values = [*parameter.get("AllowedValues", ()), parameter.get("MaxValue", ""), "x" * parameter.get("MaxLength", 0)]
    return max(map(str, values), key=len)
