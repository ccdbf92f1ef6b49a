"""CloudWatch metrics of requests and uploads, in the Embedded Metric Format."""

import base64
from typing import Any

import pytest
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import Classification, ModelCard, Prediction
from handler.inference.classifier import MODEL_PATH, Classifier
from handler.settings import Settings
from handler.telemetry.metrics import Metrics
from handler.telemetry.reports import RequestReport
from handler.worker.worker import Worker
from tests.support.aws import RESULTS, UPLOADS, Cloud, work_through
from tests.support.broken_classifier import BrokenClassifier
from tests.support.cloudwatch import Metric, metrics_in

LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "shop-http", "AWS_LAMBDA_FUNCTION_VERSION": "7"}
FUNCTION = {"Function": "shop-http"}
VERSION = FUNCTION | {"Version": "7"}
MODEL = FUNCTION | {"ModelVersion": "1"}


def metric(name: str, dimensions: dict[str, str]) -> Metric:
    return Metric("shop", name, frozenset(dimensions.items()))


class Console:
    """The metrics that a function prints."""

    def __init__(self, namespace: str = "shop") -> None:
        self.text = ""
        self.metrics = Metrics(namespace, "1", LAMBDA, self._write)

    def _write(self, line: str) -> None:
        self.text += line + "\n"

    def values(self) -> dict[Metric, list[float]]:
        return metrics_in(self.text)


@pytest.fixture
def console() -> Console:
    return Console()


@pytest.fixture
def client(classifier: Classifier, card: ModelCard, console: Console) -> TestClient:
    return TestClient(create_app(classifier, card, Settings(), console.metrics.record_request))


def test_image_is_counted_once_with_its_score_and_label(client: TestClient, console: Console, png: bytes) -> None:
    answer = client.post("/classify", content=png).json()
    values = console.values()
    assert values.pop(metric("Latency", FUNCTION))[0] > 0
    assert values.pop(metric("ColdStart", FUNCTION))[0] > 0
    assert values == {
        metric("ServerErrors", FUNCTION): [0],
        metric("ServerErrors", VERSION): [0],
        metric("Unknown", MODEL): [0],
        metric("Score", MODEL): [pytest.approx(answer["score"], abs=1e-3)],
        metric("Rejected", MODEL): [0],
        metric(answer["label"], MODEL): [1],
    }
    assert '"request_id"' in console.text


def requests_with_one_image(png: bytes) -> dict[str, dict[str, Any]]:
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


@pytest.mark.parametrize("path", requests_with_one_image(b""))
def test_image_is_counted_in_every_protocol(client: TestClient, console: Console, png: bytes, path: str) -> None:
    reply = client.post(path, **requests_with_one_image(png)[path])
    assert reply.status_code == 200, reply.text
    values = console.values()
    assert values[metric("Unknown", MODEL)] == [0]
    assert values[metric("Trouser", MODEL)] == [1]


def test_rejected_images_are_counted(client: TestClient, console: Console, png: bytes) -> None:
    files = [("file", ("a.png", png)), ("file", ("b.txt", b"no image")), ("file", ("c.png", png[:60]))]
    assert client.post("/classify/batch", files=files).status_code == 200
    assert client.post("/classify", content=b"no image").status_code == 415
    values = console.values()
    assert values[metric("Rejected", MODEL)] == [2, 1]
    assert values[metric("Trouser", MODEL)] == [1]
    assert values[metric("ServerErrors", FUNCTION)] == [0, 0]


def test_request_without_an_image_adds_no_metrics(client: TestClient, console: Console) -> None:
    client.get("/health")
    assert {found.name for found in console.values()} == {"ColdStart", "ServerErrors"}
    first = console.text
    for path in ("/health", "/nowhere", "/docs"):
        client.get(path)
    assert console.text == first


def test_server_errors_are_counted(card: ModelCard, console: Console, png: bytes) -> None:
    app = create_app(BrokenClassifier(MODEL_PATH, card.labels), card, Settings(), console.metrics.record_request)
    client = TestClient(app, raise_server_exceptions=False)
    client.post("/classify", content=png)
    client.post("/uploads")  # 503: no buckets
    values = console.values()
    assert values[metric("ServerErrors", FUNCTION)] == values[metric("ServerErrors", VERSION)] == [1, 1]


def test_more_than_100_values_are_split_over_lines(console: Console) -> None:
    outcomes = tuple(Classification((Prediction("Bag", 8, i / 250),), i % 2 == 0, 0.5) for i in range(250))
    console.metrics.record_request(RequestReport("POST", "/classify/batch", 200, 1.5, 10, "id", None, outcomes))
    assert len(console.text.splitlines()) == 3
    values = console.values()
    assert values[metric("Score", MODEL)] == pytest.approx([i / 250 for i in range(250)])
    assert sum(values[metric("Unknown", MODEL)]) == 125
    assert values[metric("Bag", MODEL)] == [250]
    assert values[metric("Latency", FUNCTION)] == [1500]


def test_metrics_without_a_namespace_write_nothing(classifier: Classifier, card: ModelCard, png: bytes) -> None:
    console = Console(namespace="")
    TestClient(create_app(classifier, card, Settings(), console.metrics.record_request)).post("/classify", content=png)
    assert console.text == ""


def test_worker_counts_results_and_failed_messages(
    aws: Cloud, classifier: Classifier, card: ModelCard, console: Console, png: bytes
) -> None:
    cold_starts = iter([0.8])
    worker = Worker(
        aws.s3,
        classifier,
        card,
        Settings(results_bucket=RESULTS),
        report=lambda report: console.metrics.record_invocation(report, next(cold_starts, None)),
    )
    for key, body in {"a.png": png, "b.png": png, "c.txt": b"no image"}.items():
        aws.s3.put_object(Bucket=UPLOADS, Key=key, Body=body)
    work_through(aws, worker)
    worker.handle({"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": "unknown event"}]})
    values = console.values()
    assert values[metric("ColdStart", FUNCTION)] == [800]
    assert len(values[metric("Latency", FUNCTION)]) == 2
    assert values[metric("MessagesFailed", FUNCTION)] == values[metric("MessagesFailed", VERSION)] == [0, 1]
    assert values[metric("Unknown", MODEL)] == [0, 0]
    assert values[metric("Trouser", MODEL)] == [2]
    assert values[metric("Rejected", MODEL)] == [1]


@pytest.mark.parametrize(
    ("label", "name"),
    [("T-shirt/top", "T-shirt/top"), ("große Kreuze", "class 7"), ("方块", "class 7"), ("Score", "class 7")],
)
def test_class_whose_label_is_no_metric_name_is_counted_by_its_number(console: Console, label: str, name: str) -> None:
    classification = Classification((Prediction(label, 7, 0.5),), known=True, known_score=1.0)
    console.metrics.record_request(RequestReport("POST", "/classify", 200, 1.5, 10, "id", None, (classification,)))
    assert console.values()[metric(name, MODEL)] == [1]
    assert console.values()[metric("Score", MODEL)] == [0.5]
