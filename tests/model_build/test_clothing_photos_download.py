"""Download of the further photos, from an archive on a local server."""

import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from model_build.checks import ChecksumError
from model_build.datasets import clothing_photos
from model_build.datasets.clothing_photos import FURTHER, download_further_photos, further_checksum
from model_build.datasets.photos import SPLITS


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a photo that the small data set has; the full one repeats it."""
    monkeypatch.delenv("DATASETS_DIR", raising=False)
    named = clothing_photos._column(clothing_photos._SENDERS_FILE, "label")
    image = next(name for name, label in named.items() if label == "dress")
    (tmp_path / "small" / SPLITS[0] / "dress").mkdir(parents=True)
    (tmp_path / "small" / SPLITS[0] / "dress" / f"{image}.jpg").write_bytes(b"small")
    monkeypatch.setattr(clothing_photos, "download_photos", lambda _: tmp_path / "small")
    return image


@pytest.fixture
def hoodie() -> str:
    named = clothing_photos._column(clothing_photos._SENDERS_FILE, "label")
    return next(name for name, label in named.items() if label == "hoodie")


@pytest.fixture
def archive(tmp_path: Path, small: str, hoodie: str) -> Iterator[str]:
    """The address of an archive with a photo of a hoodie, one of the small set, and one that is not in the list."""
    (tmp_path / "served").mkdir()
    with zipfile.ZipFile(tmp_path / "served" / "master.zip", "w") as file:
        for name in (hoodie, small, "of-the-test-split"):
            file.writestr(f"clothing-dataset-master/images/{name}.jpg", name)
    handler = partial(_Quiet, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/master.zip"
        server.shutdown()


def test_download_keeps_only_further_photos_that_the_list_names(tmp_path: Path, archive: str, hoodie: str) -> None:
    expected = tmp_path / "expected"
    (expected / "hoodie").mkdir(parents=True)
    (expected / "hoodie" / f"{hoodie}.jpg").write_text(hoodie)
    checksum = further_checksum(expected)
    for _ in range(2):  # the second call finds them there
        folder = download_further_photos(tmp_path / "data", archive, checksum)
        assert folder == tmp_path / "data" / FURTHER
        assert [path.relative_to(folder) for path in folder.rglob("*.jpg")] == [Path("hoodie", f"{hoodie}.jpg")]
    assert [path.name for path in (tmp_path / "data").iterdir()] == [FURTHER]


def test_wrong_download_is_refused_and_leaves_nothing(tmp_path: Path, archive: str) -> None:
    with pytest.raises(ChecksumError, match=r"master\.zip have the checksum"):
        download_further_photos(tmp_path / "data", archive, "0" * 64)
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.usefixtures("small")
def test_wrong_photos_on_disk_are_refused(tmp_path: Path) -> None:
    (tmp_path / "data" / FURTHER / "hoodie").mkdir(parents=True)
    with pytest.raises(ChecksumError, match="have the checksum"):
        download_further_photos(tmp_path / "data")


@pytest.mark.usefixtures("datasets_dir")
def test_local_copy_has_the_checksum() -> None:
    assert download_further_photos().name == FURTHER
