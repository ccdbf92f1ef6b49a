"""Write CloudWatch metrics: lines of JSON in its Embedded Metric Format, which CloudWatch extracts from the log.

metric           dimensions                      values
Latency          Function                        milliseconds of a request with images, or of a worker invocation
ColdStart        Function                        milliseconds, of the first request or invocation of a process
ServerErrors     Function, and with its Version  1 for a request that ends with a status of 500 or more, else 0
MessagesFailed   Function, and with its Version  messages of a worker invocation that are to be delivered again
Unknown          Function, ModelVersion          1 for each image that shows none of the classes, else 0: the average
                                                 is their share, the sample count is the number of images
Score            Function, ModelVersion          score of each image's likeliest class
Rejected         Function, ModelVersion          images that cannot be classified
T-shirt/top, ... Function, ModelVersion          images of each class: "class 3" if its label is no name of a metric

CloudWatch charges $0.30 a month for a metric with values in every hour. For ten classes, there are 17 metrics for each
function; classes from number 50 on have none of their own.
"""

import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from handler.contract import Classification, Prediction
from handler.telemetry.reports import InvocationReport, RequestReport

_MAX_CLASSES: Final = 50
_MAX_VALUES: Final = 100  # of one metric in one line, CloudWatch's own limit

_FUNCTION: Final = (("Function",),)
_FUNCTION_AND_VERSION: Final = (("Function",), ("Function", "Version"))
_MODEL: Final = (("Function", "ModelVersion"),)

DimensionSets = tuple[tuple[str, ...], ...]
Values = Mapping[str, Sequence[float]]


class Metrics:
    """Writes the metrics of one function; nothing, if `namespace` is empty."""

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

    def record_request(self, report: RequestReport) -> None:
        """Requests without images are quick: they count only if they fail or are the first of a process."""
        failed = report.status >= 500
        if not (self._namespace and (report.outcomes or failed or report.cold_start_seconds is not None)):
            return
        classifications = [outcome for outcome in report.outcomes if isinstance(outcome, Classification)]
        latency = {"Latency": [_milliseconds(report.seconds)]} if report.outcomes else {}
        self._put(
            {
                _FUNCTION: {**latency, **_cold_start(report.cold_start_seconds)},
                _FUNCTION_AND_VERSION: {"ServerErrors": [int(failed)]},
                _MODEL: _image_metrics(classifications, len(report.outcomes) - len(classifications)),
            },
            {"request_id": report.request_id},
        )

    def record_invocation(self, report: InvocationReport, cold_start_seconds: float | None) -> None:
        self._put(
            {
                _FUNCTION: {"Latency": [_milliseconds(report.seconds)], **_cold_start(cold_start_seconds)},
                _FUNCTION_AND_VERSION: {"MessagesFailed": [report.messages_failed]},
                _MODEL: _image_metrics(report.classifications, report.rejected),
            },
            {},
        )

    def _put(self, metrics: Mapping[DimensionSets, Values], properties: Mapping[str, str]) -> None:
        if not self._namespace:
            return
        for part in _parts(metrics):
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


# CloudWatch takes printable ASCII; members of a line that are no metrics of classes keep their names.
_METRIC_NAME: Final = re.compile(
    r"(?!class |(?:_aws|request_id|Function|Version|ModelVersion|Latency|ColdStart|ServerErrors|MessagesFailed|Unknown"
    r"|Score|Rejected)$)[ -~]+"
)

_UNITS: Final = {"Latency": "Milliseconds", "ColdStart": "Milliseconds", "Score": "None", "Unknown": "None"}


def _image_metrics(classifications: Sequence[Classification], rejected: int) -> dict[str, list[float]]:
    if not classifications and not rejected:
        return {}
    best = [classification.predictions[0] for classification in classifications]
    classes = Counter(_metric_name(prediction) for prediction in best if prediction.class_id < _MAX_CLASSES)
    return {
        "Unknown": [float(not classification.known) for classification in classifications],
        "Score": [round(prediction.score, 4) for prediction in best],
        "Rejected": [rejected],
        **{name: [count] for name, count in classes.items()},
    }


def _metric_name(prediction: Prediction) -> str:
    return prediction.label if _METRIC_NAME.fullmatch(prediction.label) else f"class {prediction.class_id}"


def _cold_start(seconds: float | None) -> dict[str, list[float]]:
    return {} if seconds is None else {"ColdStart": [_milliseconds(seconds)]}


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _parts(metrics: Mapping[DimensionSets, Values]) -> Iterator[dict[DimensionSets, dict[str, Sequence[float]]]]:
    """Split the metrics over several lines, since one line takes at most `_MAX_VALUES` values of a metric."""
    longest = max(len(some) for values in metrics.values() for some in values.values())
    for start in range(0, longest, _MAX_VALUES):
        cut = {
            dimension_sets: {name: some[start : start + _MAX_VALUES] for name, some in values.items() if some[start:]}
            for dimension_sets, values in metrics.items()
        }
        yield {dimension_sets: values for dimension_sets, values in cut.items() if values}
