"""Bombs among innocents: every innocent has its result in its first delivery, stored before a bomb is decoded."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from handler.contract import Classification, Label, ModelCard
from handler.inference.classifier import MODEL_PATH, Classifier
from handler.settings import Settings
from handler.worker.cost import is_costly
from handler.worker.downloads import without_memory
from handler.worker.worker import Worker
from tests.support.aws import RESULTS, UPLOADS, Cloud, WorkerOf
from tests.support.decoder_inputs import jpeg_with_scans
from tests.support.hostile_images import tiff_of_strips
from tests.support.images import encoded, png_that_claims, trousers

SETTINGS = Settings(results_bucket=RESULTS)
MAX_PIXELS = SETTINGS.max_pixels

BOMBS = {
    "scans.jpg": jpeg_with_scans(2_000, 400),
    "strips.tiff": tiff_of_strips(200_000),
    "claim.png": png_that_claims(60_000, 60_000),
    "large.png": encoded(Image.new("L", (5_500, 5_500))),
}


@pytest.fixture
def event(aws: Cloud, png: bytes) -> dict[str, Any]:
    """Ten messages: four bombs, two of poison, and four innocents behind and between them."""
    aws.receive()  # S3's test event
    innocents = {f"innocent-{number}.png": png for number in range(4)}
    for key, body in {**BOMBS, **innocents}.items():
        aws.s3.put_object(Bucket=UPLOADS, Key=key, Body=body)
    messages = aws.receive()["Records"]
    poison = [
        {"messageId": "1", "body": '{"Records": [{"eventName": []}]}', "eventSource": "aws:sqs"},
        {"messageId": "2", "body": "[" * 100_000, "eventSource": "aws:sqs"},
    ]
    return {"Records": poison + messages}


def statuses(aws: Cloud) -> dict[str, str]:
    return {result["key"]: result.get("title", result["status"]) for result in aws.results().values()}


def test_innocents_among_bombs_have_results_in_their_first_delivery(
    aws: Cloud, worker_of: WorkerOf, event: dict[str, Any]
) -> None:
    response = worker_of(SETTINGS).handle(event, seconds=45)
    assert response == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]}
    found = statuses(aws)
    assert [found[f"innocent-{number}.png"] for number in range(4)] == ["done"] * 4
    assert found["scans.jpg"] == found["strips.tiff"] == "Too complex"
    assert found["claim.png"] == "Too many pixels"
    assert found["large.png"] == "done"


def test_results_of_innocents_are_stored_before_a_costly_image_is_decoded(
    aws: Cloud, card: ModelCard, event: dict[str, Any]
) -> None:
    seen: list[int] = []

    class Observed(Classifier):
        """Records the number of stored results at each call."""

        def classify(self, images: Sequence[Any], top_k: int) -> list[Classification]:
            seen.append(len(aws.results()))
            return super().classify(images, top_k)

    Worker(aws.s3, Observed(MODEL_PATH, card.labels), card, SETTINGS).handle(event)
    assert (seen[0], min(seen[1:], default=7)) == (0, 7)  # four innocents, three refused by their headers


def test_costly_image_without_time_left_comes_again_alone(aws: Cloud, card: ModelCard, event: dict[str, Any]) -> None:
    (large,) = [each["messageId"] for each in event["Records"] if "large.png" in each["body"]]
    worker = Worker(aws.s3, _SlowClassifier(MODEL_PATH, card.labels), card, SETTINGS)
    failures = worker.handle(event, seconds=_INVOCATION_SECONDS)["batchItemFailures"]
    assert [each["itemIdentifier"] for each in failures] == ["1", "2", large]
    assert len(statuses(aws)) == len(event["Records"]) - 3
    assert worker.handle(event)["batchItemFailures"] == failures[:2]


_INVOCATION_SECONDS = 8.0  # a share of it has to do for downloads from an emulated S3 on a busy machine


class _SlowClassifier(Classifier):
    """Takes all the time that the test's first invocation has."""

    def __init__(self, model_path: Path, labels: Sequence[Label]) -> None:
        super().__init__(model_path, labels)
        self._pauses = iter([_INVOCATION_SECONDS])

    def classify(self, images: Sequence[Any], top_k: int) -> list[Classification]:
        time.sleep(next(self._pauses, 0))
        return super().classify(images, top_k)


class _ShortOfMemory(Classifier):
    """Has no memory for more than two images at once, and none at all while `is_empty`."""

    is_empty = False

    def classify(self, images: Sequence[Any], top_k: int) -> list[Classification]:
        if self.is_empty or len(images) > 2:
            np.empty(2**62, np.uint8)  # raises a MemoryError
        return super().classify(images, top_k)


def test_batch_too_large_for_the_memory_is_classified_one_by_one(aws: Cloud, card: ModelCard, png: bytes) -> None:
    for number in range(4):
        aws.s3.put_object(Bucket=UPLOADS, Key=f"{number}.png", Body=png)
    worker = Worker(aws.s3, _ShortOfMemory(MODEL_PATH, card.labels), card, SETTINGS)
    assert worker.handle(aws.receive()) == {"batchItemFailures": []}
    assert list(statuses(aws).values()) == ["done"] * 4


def test_image_without_memory_comes_again_and_has_no_result(aws: Cloud, card: ModelCard, png: bytes) -> None:
    aws.receive()
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=png)
    classifier = _ShortOfMemory(MODEL_PATH, card.labels)
    classifier.is_empty = True
    worker, event = Worker(aws.s3, classifier, card, SETTINGS), aws.receive()
    assert len(worker.handle(event)["batchItemFailures"]) == 1
    assert aws.results() == {}
    classifier.is_empty = False
    assert worker.handle(event) == {"batchItemFailures": []}
    assert statuses(aws) == {"a.png": "done"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(encoded(trousers()), False, id="small PNG"),
        pytest.param(encoded(trousers(2_000), "JPEG"), False, id="JPEG of 4 megapixels"),
        pytest.param(png_that_claims(7_000, 7_000), True, id="PNG of 49 megapixels"),
        pytest.param(png_that_claims(60_000, 60_000), False, id="too many pixels, refused at once"),
        pytest.param(BOMBS["scans.jpg"], False, id="too many scans, refused at once"),
        pytest.param(BOMBS["large.png"], True, id="PNG of 30 megapixels"),
        pytest.param(b"hello", False, id="no image"),
        pytest.param(encoded(trousers()) + bytes(11_000_000), True, id="large file"),
    ],
)
def test_cost_of_an_image_follows_from_its_header(content: bytes, expected: bool) -> None:
    assert is_costly(content, MAX_PIXELS) is expected


def test_kept_error_does_not_keep_the_image() -> None:
    def fail(image: bytearray) -> None:
        raise ZeroDivisionError(len(image))

    try:
        fail(bytearray(10))
    except ZeroDivisionError as error:
        kept = without_memory(error)
    assert kept.__traceback__ is not None
    assert kept.__traceback__.tb_next is not None
    assert "image" not in kept.__traceback__.tb_next.tb_frame.f_locals
