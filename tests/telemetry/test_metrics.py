"""Requests and uploads leave figures that CloudWatch understands, and not one more than it must be paid for."""

import base64
from typing import Any

import pytest
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import ModelCard
from handler.inference.classifier import MODEL_PATH, Classifier
from handler.settings import Settings
from handler.telemetry.metrics import Metrics
from handler.telemetry.reports import RequestReport
from handler.telemetry.request_trace import Sighting
from handler.worker.worker import Worker
from tests.support.aws import RESULTS, UPLOADS, Cloud, work_through
from tests.support.broken_classifier import BrokenClassifier
from tests.support.cloudwatch import Metric, figures_in

LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "shop-http", "AWS_LAMBDA_FUNCTION_VERSION": "7"}
FUNCTION = {"Function": "shop-http"}
VERSION = FUNCTION | {"Version": "7"}
MODEL = FUNCTION | {"ModelVersion": "1"}


def metric(name: str, dimensions: dict[str, str]) -> Metric:
    return Metric("shop", name, frozenset(dimensions.items()))


class Console:
    """What a function prints."""

    def __init__(self, namespace: str = "shop") -> None:
        self.text = ""
        self.metrics = Metrics(namespace, "1", LAMBDA, self._write)

    def _write(self, line: str) -> None:
        self.text += line + "\n"

    def figures(self) -> dict[Metric, list[float]]:
        return figures_in(self.text)


@pytest.fixture
def console() -> Console:
    return Console()


@pytest.fixture
def client(classifier: Classifier, card: ModelCard, console: Console) -> TestClient:
    return TestClient(create_app(classifier, card, Settings(), console.metrics.of_request))


def test_a_picture_is_counted_once_with_its_score_and_label(client: TestClient, console: Console, png: bytes) -> None:
    answer = client.post("/classify", content=png).json()
    figures = console.figures()
    assert figures.pop(metric("Latency", FUNCTION))[0] > 0
    assert figures.pop(metric("ColdStart", FUNCTION))[0] > 0
    assert figures == {
        metric("ServerErrors", FUNCTION): [0],
        metric("ServerErrors", VERSION): [0],
        metric("Unknown", MODEL): [0],
        metric("Score", MODEL): [pytest.approx(answer["score"], abs=1e-3)],
        metric("Rejected", MODEL): [0],
        metric(answer["label"], MODEL): [1],
    }
    assert '"request_id"' in console.text


def requests_with_one_picture(png: bytes) -> dict[str, dict[str, Any]]:
    text = base64.b64encode(png).decode()
    tensor = {"name": "encoded", "datatype": "BYTES", "shape": [1], "data": [text]}
    return {
        "/classify": {"content": png},
        "/classify?explain=true": {"content": png},
        "/classify/batch": {"json": [{"image": text}]},
        "/v2/models/fashion-mnist/infer": {"json": {"inputs": [tensor]}},
        "/v1/models/fashion-mnist:predict": {"json": {"instances": [{"b64": text}]}},
        "/huggingface": {"content": png},
    }


@pytest.mark.parametrize("path", requests_with_one_picture(b""))
def test_every_dialect_is_counted(client: TestClient, console: Console, png: bytes, path: str) -> None:
    reply = client.post(path, **requests_with_one_picture(png)[path])
    assert reply.status_code == 200, reply.text
    figures = console.figures()
    assert figures[metric("Unknown", MODEL)] == [0]
    assert figures[metric("Trouser", MODEL)] == [1]


def test_what_is_rejected_is_counted_as_such(client: TestClient, console: Console, png: bytes) -> None:
    files = [("file", ("a.png", png)), ("file", ("b.txt", b"no picture")), ("file", ("c.png", png[:60]))]
    assert client.post("/classify/batch", files=files).status_code == 200
    assert client.post("/classify", content=b"no picture").status_code == 415
    figures = console.figures()
    assert figures[metric("Rejected", MODEL)] == [2, 1]
    assert figures[metric("Trouser", MODEL)] == [1]
    assert figures[metric("ServerErrors", FUNCTION)] == [0, 0]


def test_requests_without_pictures_cost_nothing(client: TestClient, console: Console) -> None:
    client.get("/health")
    assert {found.name for found in console.figures()} == {"ColdStart", "ServerErrors"}
    first = console.text
    for path in ("/health", "/nowhere", "/docs"):
        client.get(path)
    assert console.text == first


def test_an_error_that_is_answered_is_still_seen(card: ModelCard, console: Console, png: bytes) -> None:
    app = create_app(BrokenClassifier(MODEL_PATH, card.labels), card, Settings(), console.metrics.of_request)
    client = TestClient(app, raise_server_exceptions=False)
    client.post("/classify", content=png)
    client.post("/uploads")  # 503: there are none
    figures = console.figures()
    assert figures[metric("ServerErrors", FUNCTION)] == figures[metric("ServerErrors", VERSION)] == [1, 1]


def test_more_values_than_a_line_may_have_are_spread_over_lines(console: Console) -> None:
    noted = tuple(Sighting("Bag", i / 250, known=i % 2 == 0) for i in range(250))
    console.metrics.of_request(RequestReport("POST", "/classify/batch", 200, 1.5, 10, "id", None, noted))
    assert len(console.text.splitlines()) == 3
    figures = console.figures()
    assert figures[metric("Score", MODEL)] == pytest.approx([i / 250 for i in range(250)])
    assert sum(figures[metric("Unknown", MODEL)]) == 125
    assert figures[metric("Bag", MODEL)] == [250]
    assert figures[metric("Latency", FUNCTION)] == [1500]


def test_without_a_namespace_nothing_is_written(classifier: Classifier, card: ModelCard, png: bytes) -> None:
    console = Console(namespace="")
    TestClient(create_app(classifier, card, Settings(), console.metrics.of_request)).post("/classify", content=png)
    assert console.text == ""


def test_the_worker_counts_what_it_did_and_what_comes_again(
    aws: Cloud, classifier: Classifier, card: ModelCard, console: Console, png: bytes
) -> None:
    cold_starts = iter([0.8])
    worker = Worker(
        aws.s3,
        classifier,
        card,
        Settings(results_bucket=RESULTS),
        report=lambda report: console.metrics.of_work(report, next(cold_starts, None)),
    )
    for key, body in {"a.png": png, "b.png": png, "c.txt": b"no picture"}.items():
        aws.s3.put_object(Bucket=UPLOADS, Key=key, Body=body)
    work_through(aws, worker)
    worker.handle({"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": "what is this"}]})
    figures = console.figures()
    assert figures[metric("ColdStart", FUNCTION)] == [800]
    assert len(figures[metric("Latency", FUNCTION)]) == 2
    assert figures[metric("MessagesFailed", FUNCTION)] == figures[metric("MessagesFailed", VERSION)] == [0, 1]
    assert figures[metric("Unknown", MODEL)] == [0, 0]
    assert figures[metric("Trouser", MODEL)] == [2]
    assert figures[metric("Rejected", MODEL)] == [1]
