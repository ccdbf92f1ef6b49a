"""Parse template.yaml: parameters, resources, and a function's default environment."""

import re
from typing import Any

import yaml

from tests.support.machine import PROJECT


class Loader(yaml.SafeLoader):
    """YAML loader with CloudFormation's tags: `!Ref X` becomes {"Ref": "X"}, `!Sub X` {"Sub": "X"}."""


def _intrinsic(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    match node:
        case yaml.ScalarNode():
            return {name: loader.construct_scalar(node)}
        case yaml.SequenceNode():
            return {name: loader.construct_sequence(node, deep=True)}
    raise TypeError(node)


Loader.add_multi_constructor("!", _intrinsic)

TEMPLATE = yaml.load((PROJECT / "template.yaml").read_text(encoding="utf-8"), Loader)
PARAMETERS = TEMPLATE["Parameters"]
RESOURCES = TEMPLATE["Resources"]
FUNCTIONS = ("HttpFunction", "WorkerFunction")


def statements_of(role: str) -> list[dict[str, Any]]:
    """Statements of the only policy in `role`, as written."""
    (policy,) = RESOURCES[role]["Properties"]["Policies"]
    return list(policy["PolicyDocument"]["Statement"])


def environment(function: str) -> dict[str, str]:
    """Environment variables of `function`, with default parameters; UploadsBucket has the name uploads-bucket."""
    variables = RESOURCES[function]["Properties"]["Environment"]["Variables"]
    return {name: _resolved(value) for name, value in variables.items()}


def _resolved(value: Any) -> str:
    value = first_branch(value)
    name = value.get("Ref") if isinstance(value, dict) else None
    if name is not None and name in RESOURCES:
        return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
    return str(PARAMETERS[name]["Default"] if name in PARAMETERS else name or value)


def first_branch(value: Any) -> Any:
    """`value` with the default parameters, where each `If` takes the branch of its condition."""
    while isinstance(value, dict) and "If" in value:
        condition, then, otherwise = value["If"]
        value = otherwise if condition in _OFF_BY_DEFAULT else then
    return value


def of_door(value: Any, door: str) -> Any:
    """`value` for the `FrontDoor` `door`: RestApi or FunctionUrl."""
    match value:
        case {"If": ["HasRestApi", then, otherwise]}:
            return of_door(then if door == "RestApi" else otherwise, door)
        case dict():
            return {key: of_door(each, door) for key, each in value.items()}
        case list():
            return [of_door(each, door) for each in value]
    return value


_OFF_BY_DEFAULT = {
    "HasKey",
    "UsesTracing",
    "UsesExistingBuckets",
    "ListensToApiUploads",
    "TagsUploads",
    "TakesCorrections",
    "HasEventBus",
}
