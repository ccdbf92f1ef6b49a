"""Parse CloudWatch's Embedded Metric Format: the metrics in log lines, validated as CloudWatch does."""

import json
from collections import defaultdict
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator

NAME = {"type": "string", "minLength": 1, "maxLength": 255}

# From the CloudWatch User Guide, "Specification: Embedded metric format".
SCHEMA = Draft202012Validator(
    {
        "type": "object",
        "required": ["_aws"],
        "properties": {
            "_aws": {
                "type": "object",
                "required": ["Timestamp", "CloudWatchMetrics"],
                "additionalProperties": False,
                "properties": {
                    "Timestamp": {"type": "integer", "minimum": 1_000_000_000_000},  # milliseconds
                    "CloudWatchMetrics": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/directive"}},
                },
            }
        },
        "$defs": {
            "directive": {
                "type": "object",
                "required": ["Namespace", "Dimensions", "Metrics"],
                "additionalProperties": False,
                "properties": {
                    "Namespace": {"type": "string", "pattern": "^(?!AWS/)[0-9A-Za-z_./#:-]{1,255}$"},
                    "Dimensions": {
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "array", "maxItems": 30, "items": NAME},
                    },
                    "Metrics": {"type": "array", "minItems": 1, "maxItems": 100, "items": {"$ref": "#/$defs/metric"}},
                },
            },
            "metric": {
                "type": "object",
                "required": ["Name"],
                "additionalProperties": False,
                "properties": {
                    "Name": NAME,
                    "Unit": {"enum": ["Milliseconds", "Count", "None"]},  # the units in use
                    "StorageResolution": {"enum": [1, 60]},
                },
            },
        },
    }
)
VALUES = Draft202012Validator(
    {"oneOf": [{"type": "number"}, {"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "number"}}]}
)


class Metric(NamedTuple):
    """The identity of a metric, by which CloudWatch bills."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


def metrics_in(log: str) -> dict[Metric, list[float]]:
    """All values of each metric in the lines of `log`."""
    found: defaultdict[Metric, list[float]] = defaultdict(list)
    for line in log.splitlines():
        document = json.loads(line)
        if "_aws" in document:
            SCHEMA.validate(document)
            for directive in document["_aws"]["CloudWatchMetrics"]:
                _add(directive, document, found)
    return dict(found)


def _add(directive: dict[str, Any], document: dict[str, Any], found: defaultdict[Metric, list[float]]) -> None:
    for names in directive["Dimensions"]:
        dimensions = frozenset((name, document[name]) for name in names)
        assert all(isinstance(value, str) and 0 < len(value) <= 1024 for _, value in dimensions)
        for metric in directive["Metrics"]:
            values = document[metric["Name"]]
            VALUES.validate(values)
            found[Metric(directive["Namespace"], metric["Name"], dimensions)] += (
                values if isinstance(values, list) else [values]
            )
