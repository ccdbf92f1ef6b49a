"""Resources and outputs that CloudFormation makes of the translated template for given parameters."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.emulated_stack import transformed


def stack_of(**parameters: str) -> dict[str, dict[str, Any]]:
    """Resources and outputs that are made, the other parameters at their defaults; pseudo parameters as in `aws`."""
    document = transformed()
    defaults = {name: str(each["Default"]) for name, each in document["Parameters"].items()}
    given = {"AWS::Partition": "aws", "AWS::Region": "eu-central-1", **defaults, **parameters}
    conditions = document["Conditions"]
    return {
        section: {
            name: _resolved(each, conditions, given)
            for name, each in document[section].items()
            if "Condition" not in each or holds(conditions[each["Condition"]], conditions, given)
        }
        for section in ("Resources", "Outputs")
    }


def references(section: Any) -> Iterator[str]:
    """Logical ids and parameters that `section` refers to."""
    text = json.dumps(section)
    yield from re.findall(r'"Ref": "([\w:]+)"', text)
    yield from re.findall(r'"Fn::GetAtt": \["(\w+)"', text)
    yield from re.findall(r"\$\{(\w+)[.}]", text)


def holds(expression: Mapping[str, Any], conditions: Mapping[str, Any], given: Mapping[str, str]) -> bool:
    """Whether a condition or the assertion of a rule holds, of the translated template or of the one before."""
    ((function, arguments),) = expression.items()
    match function.removeprefix("Fn::"), arguments:
        case "Condition", str(name):
            return holds(conditions[name], conditions, given)
        case "Not", [negated]:
            return not holds(negated, conditions, given)
        case "And", list():
            return all(holds(each, conditions, given) for each in arguments)
        case "Or", list():
            return any(holds(each, conditions, given) for each in arguments)
        case "Equals", [left, right]:
            return _text(left, given) == _text(right, given)
        case "Contains", [values, value]:
            return _text(value, given) in values
    raise TypeError(function)


def _text(value: Any, given: Mapping[str, str]) -> str:
    return given[value["Ref"]] if isinstance(value, Mapping) else str(value)


def _resolved(value: Any, conditions: Mapping[str, Any], given: Mapping[str, str]) -> Any:
    match value:
        case {"Fn::If": [str(name), then, otherwise]}:
            return _resolved(then if holds(conditions[name], conditions, given) else otherwise, conditions, given)
        case dict():
            return {key: _resolved(each, conditions, given) for key, each in value.items()}
        case list():
            return [_resolved(each, conditions, given) for each in value]
    return value
