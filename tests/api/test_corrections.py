"""Corrections: on in a folder or in S3, off, of hostile images, repeated; nothing but pixels is kept."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.api.corrections import MAX_BYTES, SIDE, pixels_alone
from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.result_keys import NO_CLASS, class_folders
from handler.settings import Settings
from tests.support.aws import RESULTS, Cloud
from tests.support.hostile_inputs import HOSTILE
from tests.support.images import encoded, trousers
from tests.support.large_uploads import settings_at

ClientOf = Callable[[Settings], TestClient]


@pytest.fixture(scope="module")
def client_of(classifier: Classifier, card: ModelCard) -> ClientOf:
    return lambda settings: TestClient(create_app(classifier, card, settings))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "corrections"  # which does not exist yet


@pytest.fixture
def correcting(client_of: ClientOf, folder: Path) -> TestClient:
    return client_of(Settings(corrections=str(folder)))


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corrections")


@pytest.fixture(scope="module")
def shared(client_of: ClientOf, shared_folder: Path) -> Iterator[TestClient]:
    with client_of(Settings(corrections=str(shared_folder))) as client:
        yield client


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        pytest.param("&explain=true", {}, id="explain in the query"),
        pytest.param("&top_k=3", {}, id="top_k in the query"),
        pytest.param("", {"explain": "on"}, id="explain in a form"),
        pytest.param("", {"top_k": "3"}, id="top_k in a form"),
    ],
)
def test_options_of_a_classification_are_refused(
    correcting: TestClient, folder: Path, drawing: bytes, query: str, fields: dict[str, str]
) -> None:
    reply = correcting.post(f"/corrections?class_id=3{query}", files={"file": drawing}, data=fields)
    assert (reply.status_code, reply.json()["type"]) == (422, "urn:problem:wrong-parameter"), reply.text
    assert not files_in(folder)


def test_correction_is_stored_in_the_folder_of_its_class(correcting: TestClient, folder: Path, drawing: bytes) -> None:
    reply = correcting.post("/corrections?class_id=0", content=drawing)
    stored = reply.json()
    assert reply.status_code == 201
    assert (stored["class_id"], stored["label"]) == (0, "T-shirt/top")
    files = files_in(folder)
    assert set(files) == {f"t-shirt-top/{stored['id']}.jpg", f"t-shirt-top/{stored['id']}.json"}


def test_document_has_what_the_model_says_of_the_stored_picture(
    correcting: TestClient, folder: Path, card: ModelCard, drawing: bytes
) -> None:
    stored = correcting.post("/corrections?class_id=none", content=drawing).json()
    assert (stored["class_id"], stored["label"]) == (None, None)
    files = files_in(folder)
    document = json.loads(files[f"none/{stored['id']}.json"])
    answer = correcting.post("/classify", content=files[f"none/{stored['id']}.jpg"]).json()
    assert document == {
        "label": None,
        "class_id": None,
        "guess": {name: answer[name] for name in ("label", "class_id", "score", "known", "known_score")},
        "model": {"version": card.document["version"]},
    }


def test_repeated_correction_is_one(correcting: TestClient, folder: Path, png: bytes) -> None:
    first, again = (correcting.post("/corrections?class_id=1", content=png) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len(files_in(folder)) == 2


@pytest.mark.parametrize(
    "sending",
    [
        pytest.param(lambda image: {"content": image}, id="raw"),
        pytest.param(lambda image: {"files": {"file": ("me.png", image)}}, id="form"),
        pytest.param(lambda image: {"json": {"image": base64.b64encode(image).decode()}}, id="base64"),
    ],
)
def test_image_may_be_sent_as_to_classify(
    shared: TestClient, png: bytes, sending: Callable[[bytes], dict[str, Any]]
) -> None:
    reply = shared.post("/corrections?class_id=1", **sending(png))
    assert reply.json()["id"] == shared.post("/corrections?class_id=1", content=png).json()["id"]


def test_nothing_but_pixels_is_kept(correcting: TestClient, folder: Path) -> None:
    exif = Image.Exif()
    exif[0x013B] = "Somebody"  # Artist
    exif[0x0112] = 6  # Orientation: turn right
    photo = encoded(
        trousers(1200).crop((0, 0, 1200, 900)), "JPEG", exif=exif, comment=b"Somebody", icc_profile=b"Somebody"
    )
    assert photo.count(b"Somebody") == 3
    headers = {"User-Agent": "Somebody", "X-Forwarded-For": "Somebody", "X-Request-Id": "Somebody"}
    correcting.post("/corrections?class_id=1", files={"file": ("Somebody.jpg", photo)}, headers=headers)
    files = files_in(folder)
    assert len(files) == 2
    assert not [name for name, content in files.items() if b"Somebody" in content or "Somebody" in name]
    (picture,) = (Image.open(io.BytesIO(content)) for name, content in files.items() if name.endswith(".jpg"))
    assert (picture.format, picture.size) == ("JPEG", (384, 512))  # upright
    assert not picture.getexif()
    assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_transparent_places_become_white() -> None:
    image = Image.new("LA", (40, 40), (0, 0))
    assert Image.open(io.BytesIO(pixels_alone(image))).getpixel((20, 20)) == (255, 255, 255)


def test_noise_fits_into_the_bytes_of_a_correction() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    assert len(pixels_alone(Image.fromarray(noise))) <= MAX_BYTES


def test_off_is_404_with_a_sentence_and_undocumented(client: TestClient, png: bytes) -> None:
    for query in ("?class_id=1", ""):
        reply = client.post(f"/corrections{query}", content=png)
        assert (reply.status_code, reply.json()["type"]) == (404, "urn:problem:not-found")
        assert "takes no corrections" in reply.json()["detail"]
    assert "/corrections" not in client.get("/openapi.json").json()["paths"]
    assert client.get("/labels").json()["corrections"] is False


def test_on_is_documented_and_in_the_labels(shared: TestClient) -> None:
    operation = shared.get("/openapi.json").json()["paths"]["/corrections"]["post"]
    (parameter,) = operation["parameters"]
    assert parameter["schema"]["enum"] == [*map(str, range(10)), "none"]
    assert {"201", "413", "415", "422", "503"} <= set(operation["responses"])
    assert shared.get("/labels").json()["corrections"] is True


@pytest.mark.parametrize("class_id", ["10", "-1", "dress", "", "1.0", "٣", "9" * 5000, "../x", "NONE"])
def test_unknown_class_is_422(shared: TestClient, png: bytes, class_id: str) -> None:
    reply = shared.post("/corrections", params={"class_id": class_id}, content=png)
    assert (reply.status_code, reply.json()["type"]) == (422, "urn:problem:wrong-parameter")
    assert "from 0 to 9, or 'none'" in reply.json()["detail"]
    assert len(reply.json()["detail"]) < 200


def test_missing_class_is_422(shared: TestClient, png: bytes) -> None:
    reply = shared.post("/corrections", content=png)
    assert (reply.status_code, reply.json()["detail"]) == (422, "class_id: it is missing")


@pytest.mark.parametrize(
    "sending", [pytest.param(case.values[1], id=case.id) for case in HOSTILE if not case.values[0]]
)
def test_hostile_image_gets_the_status_of_classify_and_is_not_stored(
    shared: TestClient, shared_folder: Path, sending: dict[str, Any]
) -> None:
    before = files_in(shared_folder)
    reply, classified = (shared.post(path, **sending) for path in ("/corrections?class_id=1", "/classify"))
    if classified.status_code == 200:
        assert reply.status_code == 201, reply.text
    else:
        assert (reply.status_code, reply.json()) == (classified.status_code, classified.json())
        assert files_in(shared_folder) == before


def test_too_large_a_body_is_413(client_of: ClientOf, folder: Path, png: bytes) -> None:
    client = client_of(Settings(corrections=str(folder), max_body_bytes=len(png) - 1))
    assert client.post("/corrections?class_id=1", content=png).status_code == 413
    assert not folder.exists()


def test_folder_that_cannot_be_written_to_is_503(client_of: ClientOf, tmp_path: Path, png: bytes) -> None:
    (tmp_path / "file").write_text("no folder")
    client = client_of(Settings(corrections=str(tmp_path / "file" / "below")))
    reply = client.post("/corrections?class_id=1", content=png)
    assert (reply.status_code, reply.json()["title"]) == (503, "Unavailable")


def test_s3_keeps_one_version_of_a_repeated_correction(aws: Cloud, client_of: ClientOf, png: bytes) -> None:
    settings = replace(settings_at(aws.port), corrections="s3")
    with client_of(settings) as client:
        ids = {client.post("/corrections?class_id=9", content=png).json()["id"] for _ in range(2)}
    (name,) = ids
    versions = aws.s3.list_object_versions(Bucket=RESULTS)["Versions"]
    assert [each["Key"] for each in versions] == [f"corrections/ankle-boot/{name}.{end}" for end in ("jpg", "json")]
    picture = aws.s3.head_object(Bucket=RESULTS, Key=f"corrections/ankle-boot/{name}.jpg")
    assert picture["ContentType"] == "image/jpeg"
    assert picture["Metadata"] == {}


@pytest.mark.usefixtures("aws")
def test_missing_bucket_is_503(aws_port: int, client_of: ClientOf, png: bytes) -> None:
    settings = replace(settings_at(aws_port), corrections="s3", results_bucket="no-such-bucket")
    reply = client_of(settings).post("/corrections?class_id=1", content=png)
    assert (reply.status_code, reply.json()["detail"]) == (503, "S3 is not available; try again in a moment")


def test_folders_of_classes_differ_whatever_the_labels_are() -> None:
    labels = ["T-shirt/top", "a b", "A-b", "None", "???", "方块", "große Kreuze", "x" * 200, "x" * 199]
    folders = class_folders(labels)
    assert folders[0] == "t-shirt-top"
    assert folders[5:7] == ("方块", "große-kreuze")
    assert len({*folders, NO_CLASS}) == len(labels) + 1
