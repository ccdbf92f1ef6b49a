"""Corrections are downloaded as one folder per class; again, only new ones; foreign keys are left."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.settings import Settings
from infra.operations.corrections import Count, download_corrections
from tests.support.aws import RESULTS, Cloud
from tests.support.large_uploads import settings_at


@pytest.fixture
def correcting(aws: Cloud, classifier: Classifier, card: ModelCard) -> TestClient:
    settings = Settings(**{**vars(settings_at(aws.port)), "corrections": "s3"})
    return TestClient(create_app(classifier, card, settings))


def test_download_is_complete_and_idempotent(
    aws: Cloud, correcting: TestClient, png: bytes, drawing: bytes, tmp_path: Path
) -> None:
    first = correcting.post("/corrections?class_id=1", content=png).json()["id"]
    second = correcting.post("/corrections?class_id=none", content=drawing).json()["id"]
    assert download_corrections(aws.s3, RESULTS, tmp_path) == Count(stored=2, downloaded=2)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*")} == {
        *(f"trouser/{first}.{end}" for end in ("jpg", "json")),
        *(f"none/{second}.{end}" for end in ("jpg", "json")),
    }
    stored = aws.s3.get_object(Bucket=RESULTS, Key=f"corrections/trouser/{first}.jpg")["Body"].read()
    assert (tmp_path / "trouser" / f"{first}.jpg").read_bytes() == stored

    (tmp_path / "none" / f"{second}.jpg").unlink()
    assert download_corrections(aws.s3, RESULTS, tmp_path) == Count(stored=2, downloaded=1)
    assert download_corrections(aws.s3, RESULTS, tmp_path) == Count(stored=2, downloaded=0)


@pytest.mark.parametrize("name", ["../escaped.jpg", "dress/../../escaped.jpg", "dress/notes.txt", "dress/"])
def test_foreign_keys_are_left(aws: Cloud, tmp_path: Path, name: str) -> None:
    aws.s3.put_object(Bucket=RESULTS, Key=f"corrections/{name}", Body=b"foreign")
    assert download_corrections(aws.s3, RESULTS, tmp_path / "corrections") == Count(0, 0)
    assert list(tmp_path.iterdir()) == []
