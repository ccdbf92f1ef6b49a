"""Reports in, figures for CloudWatch out: lines of JSON in its Embedded Metric Format, which it picks out of the log.

metric           dimensions                      values
Latency          Function                        milliseconds of a request with pictures, or of a worker's invocation
ColdStart        Function                        milliseconds, of the first of a process
ServerErrors     Function, and with its Version  1 for a request that ends with a status of 500 or more, else 0
MessagesFailed   Function, and with its Version  of a worker's invocation: how many come again
Unknown          Function, ModelVersion          1 for each picture that shows none of the classes, else 0: the average
                                                 is their share, the sample count is the number of pictures
Score            Function, ModelVersion          of each picture's likeliest class
Rejected         Function, ModelVersion          pictures that cannot be classified
T-shirt/top, ... Function, ModelVersion          pictures of each class

CloudWatch takes $0.30 a month for a metric that has values in each of its hours. These are 17 of each function.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from handler.telemetry.reports import RequestReport
from handler.telemetry.request_trace import Sighting
from handler.telemetry.work_reports import WorkReport

_MAX_VALUES: Final = 100  # of one metric in one line

_FUNCTION: Final = (("Function",),)
_FUNCTION_AND_VERSION: Final = (("Function",), ("Function", "Version"))
_MODEL: Final = (("Function", "ModelVersion"),)

DimensionSets = tuple[tuple[str, ...], ...]
Values = Mapping[str, Sequence[float]]


class Metrics:
    """What writes the figures of one function; nothing, if `namespace` is empty."""

    def __init__(
        self,
        namespace: str,
        model_version: str,
        environment: Mapping[str, str] = os.environ,
        write: Callable[[str], Any] = print,
    ) -> None:
        self._namespace, self._write = namespace, write
        self._dimensions = {
            "Function": environment.get("AWS_LAMBDA_FUNCTION_NAME", "local"),
            "Version": environment.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            "ModelVersion": model_version,
        }

    def of_request(self, report: RequestReport) -> None:
        """Requests without pictures, which are quick, count only if they fail or come first."""
        failed = report.status >= 500
        if not (report.noted or failed or report.cold_start_seconds is not None):
            return
        sightings = [each for each in report.noted if isinstance(each, Sighting)]
        latency = {"Latency": [_milliseconds(report.seconds)]} if report.noted else {}
        self._put(
            {
                _FUNCTION: {**latency, **_cold_start(report.cold_start_seconds)},
                _FUNCTION_AND_VERSION: {"ServerErrors": [int(failed)]},
                _MODEL: _of_pictures(sightings, len(report.noted) - len(sightings)),
            },
            {"request_id": report.request_id},
        )

    def of_work(self, report: WorkReport, cold_start_seconds: float | None) -> None:
        best = [(each.predictions[0], each.known) for each in report.classifications]
        sightings = [Sighting(prediction.label, prediction.score, known) for prediction, known in best]
        self._put(
            {
                _FUNCTION: {"Latency": [_milliseconds(report.seconds)], **_cold_start(cold_start_seconds)},
                _FUNCTION_AND_VERSION: {"MessagesFailed": [report.messages_failed]},
                _MODEL: _of_pictures(sightings, report.rejected),
            },
            {},
        )

    def _put(self, figures: Mapping[DimensionSets, Values], properties: Mapping[str, str]) -> None:
        if not self._namespace:
            return
        for part in _parts(figures):
            directives = [
                {
                    "Namespace": self._namespace,
                    "Dimensions": dimension_sets,
                    "Metrics": [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in values],
                }
                for dimension_sets, values in part.items()
            ]
            metadata = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": directives}
            all_values = {name: some for values in part.values() for name, some in values.items()}
            self._write(json.dumps({"_aws": metadata, **self._dimensions, **properties, **all_values}))


_UNITS: Final = {"Latency": "Milliseconds", "ColdStart": "Milliseconds", "Score": "None", "Unknown": "None"}


def _of_pictures(sightings: Sequence[Sighting], rejected: int) -> dict[str, list[float]]:
    if not sightings and not rejected:
        return {}
    each = {"Unknown": [float(not one.known) for one in sightings], "Score": [round(one.score, 4) for one in sightings]}
    labels = Counter(one.label for one in sightings)
    return {**each, "Rejected": [rejected], **{label: [count] for label, count in labels.items()}}


def _cold_start(seconds: float | None) -> dict[str, list[float]]:
    return {} if seconds is None else {"ColdStart": [_milliseconds(seconds)]}


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _parts(figures: Mapping[DimensionSets, Values]) -> Iterator[dict[DimensionSets, dict[str, Sequence[float]]]]:
    """The same figures, spread over lines, since a metric may have only so many values in a line."""
    longest = max(len(some) for values in figures.values() for some in values.values())
    for start in range(0, longest, _MAX_VALUES):
        cut = {
            dimension_sets: {name: some[start : start + _MAX_VALUES] for name, some in values.items() if some[start:]}
            for dimension_sets, values in figures.items()
        }
        yield {dimension_sets: values for dimension_sets, values in cut.items() if values}
