"""What the results bucket holds can be asked in SQL: results.sql on the documents of the emulated bucket."""

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
from tests.support.aws import RESULTS, UPLOADS, Cloud, work_through
from tests.support.machine import PROJECT
from tests.support.pictures import encoded, trousers

QUERIES = (PROJECT / "infra" / "operations" / "results.sql").read_text(encoding="utf-8")


@pytest.fixture
def lines(aws: Cloud, classifier: Classifier, card: ModelCard, drawing: bytes) -> list[str]:
    """The documents of four objects, one of which was overwritten, and one is no picture."""
    contents = {"a.png": encoded(trousers()), "b c.png": encoded(trousers()), "t.jpg": drawing, "no.png": b"no picture"}
    for key, content in contents.items():
        aws.s3.put_object(Bucket=UPLOADS, Key=key, Body=content)
    worker = Worker(aws.s3, classifier, card, Settings(results_bucket=RESULTS))
    work_through(aws, worker)
    aws.s3.put_object(Bucket=UPLOADS, Key="b c.png", Body=drawing)
    work_through(aws, worker)
    return list(documents(aws.s3, RESULTS))


@pytest.fixture
def answers(lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[Any, ...]]]:
    """What both questions of results.sql are answered."""
    monkeypatch.chdir(tmp_path)
    Path("results.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with duckdb.connect() as database:
        database.execute("set timezone = 'UTC'")
        replies = [database.execute(each).fetchall() for each in duckdb.extract_statements(QUERIES)]
    return replies[2:]  # after the two views


def test_a_document_is_a_line(lines: list[str]) -> None:
    assert sorted(json.loads(line)["key"] for line in lines) == ["a.png", "b c.png", "b c.png", "no.png", "t.jpg"]


def test_only_what_is_new_is_read_again(aws: Cloud, lines: list[str]) -> None:
    now = datetime.now(UTC)
    assert len(list(documents(aws.s3, RESULTS, now - timedelta(hours=1)))) == len(lines)
    assert list(documents(aws.s3, RESULTS, now + timedelta(hours=1))) == []


def test_labels_are_counted_once_for_each_object(answers: list[list[tuple[Any, ...]]]) -> None:
    counts = {label: objects for label, objects, _ in answers[0]}
    assert counts == {"T-shirt/top": 2, "Trouser": 1, "rejected": 1}  # "b c.png" counts as what it is now


def test_the_share_of_unknown_pictures_is_told_by_day(answers: list[list[tuple[Any, ...]]], lines: list[str]) -> None:
    newest = {document["key"]: document for document in map(json.loads, lines) if document["status"] == "done"}
    assert {str(day) for day, _, _ in answers[1]} == {document["classified"][:10] for document in newest.values()}
    assert sum(pictures for _, pictures, _ in answers[1]) == len(newest)
    unknown = sum(pictures * share for _, pictures, share in answers[1])
    assert unknown == pytest.approx(sum(not document["known"] for document in newest.values()))


def test_athena_reads_the_same_columns() -> None:
    def columns(text: str) -> list[str]:
        return re.findall(r"(\w+):? '?(?:varchar|string|bigint|int|integer|double|boolean|timestamptz|struct)\b", text)

    athena = (PROJECT / "infra" / "operations" / "athena.sql").read_text(encoding="utf-8")
    names = columns(QUERIES.partition("});")[0])
    assert columns(athena.partition("row format")[0]) == names
    assert len(names) == 18
