"""results.sql on the documents of the emulated results bucket."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.settings import Settings
from handler.worker.worker import Worker
from infra.operations.results import documents
from tests.support.aws import RESULTS, UPLOADS, Cloud, new_cloud, work_through
from tests.support.images import encoded, trousers
from tests.support.machine import PROJECT

QUERIES = (PROJECT / "infra" / "operations" / "results.sql").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def cloud(aws_port: int, classifier: Classifier, card: ModelCard, drawing: bytes) -> Cloud:
    """Results of four objects: one was overwritten, and one is not an image."""
    cloud = new_cloud(aws_port)
    contents = {"a.png": encoded(trousers()), "b c.png": encoded(trousers()), "t.jpg": drawing, "no.png": b"no image"}
    for key, content in contents.items():
        cloud.s3.put_object(Bucket=UPLOADS, Key=key, Body=content)
    worker = Worker(cloud.s3, classifier, card, Settings(results_bucket=RESULTS))
    work_through(cloud, worker)
    cloud.s3.put_object(Bucket=UPLOADS, Key="b c.png", Body=drawing)
    work_through(cloud, worker)
    return cloud


@pytest.fixture(scope="module")
def lines(cloud: Cloud) -> list[str]:
    """The documents, as JSON lines."""
    return list(documents(cloud.s3, RESULTS))


@pytest.fixture
def query_results(lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[Any, ...]]]:
    """Rows of both queries of results.sql."""
    monkeypatch.chdir(tmp_path)
    Path("results.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with duckdb.connect() as database:
        database.execute("set timezone = 'UTC'")
        rows = [database.execute(each).fetchall() for each in duckdb.extract_statements(QUERIES)]
    return rows[2:]  # after the two views


def test_each_document_is_one_line(lines: list[str]) -> None:
    assert sorted(json.loads(line)["key"] for line in lines) == ["a.png", "b c.png", "b c.png", "no.png", "t.jpg"]


def test_since_limits_documents_to_new_ones(cloud: Cloud, lines: list[str]) -> None:
    now = datetime.now(UTC)
    assert len(list(documents(cloud.s3, RESULTS, now - timedelta(hours=1)))) == len(lines)
    assert list(documents(cloud.s3, RESULTS, now + timedelta(hours=1))) == []


def test_label_counts_use_the_newest_version(query_results: list[list[tuple[Any, ...]]]) -> None:
    counts = {label: objects for label, objects, _ in query_results[0]}
    assert counts == {"T-shirt/top": 2, "Trouser": 1, "rejected": 1}  # "b c.png" counts with its newest version


def test_unknown_rate_is_computed_by_day(query_results: list[list[tuple[Any, ...]]], lines: list[str]) -> None:
    newest = {document["key"]: document for document in map(json.loads, lines) if document["status"] == "done"}
    assert {str(day) for day, _, _ in query_results[1]} == {document["classified"][:10] for document in newest.values()}
    assert sum(images for _, images, _ in query_results[1]) == len(newest)
    unknown = sum(images * rate for _, images, rate in query_results[1])
    assert unknown == pytest.approx(sum(not document["known"] for document in newest.values()))


def test_athena_table_has_the_same_columns() -> None:
    def columns(text: str) -> list[str]:
        return re.findall(r"(\w+):? '?(?:varchar|string|bigint|int|integer|double|boolean|timestamptz|struct)\b", text)

    athena = (PROJECT / "infra" / "operations" / "athena.sql").read_text(encoding="utf-8")
    names = columns(QUERIES.partition("});")[0])
    assert columns(athena.partition("row format")[0]) == names
    assert len(names) == 19
