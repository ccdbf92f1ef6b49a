"""Answer one event with each entry, then classify images: a program that runs in the package of any processor.

Standard input: JSON with `http_event`, `sqs_event` and `folder`. Standard output: JSON with the replies, and the scores
of each image in `folder` by its name.
"""

import json
import platform
import sys
from pathlib import Path
from typing import Any

from handler.inference.classifier import Classifier
from handler.inference.pipeline import classify


class Context:
    """The part of Lambda's context that the entries read."""

    aws_request_id = "1"

    def get_remaining_time_in_millis(self) -> int:
        """Emulated, the functions are slow."""
        return 600_000


def labels_in(folder: Path) -> dict[str, Any]:
    classifier = Classifier.shipped()
    return {path.name: predictions_of(classifier, path) for path in sorted(folder.iterdir())}


def predictions_of(classifier: Classifier, path: Path) -> dict[str, float]:
    """Scores by label, the best first."""
    found = classify(classifier, path.read_bytes(), 50_000_000, top_k=10)
    return {each.label: each.score for each in found.predictions}


def main() -> None:
    asked = json.load(sys.stdin)
    from handler import http_entry, s3_entry  # noqa: PLC0415  they load the model, which the test times

    http = http_entry.handler(asked["http_event"], Context())
    sqs = s3_entry.handler(asked["sqs_event"], Context())
    answers = {"machine": platform.machine(), "http": http, "sqs": sqs, "labels": labels_in(Path(asked["folder"]))}
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
