"""An image file to send to an endpoint, and the endpoint's response for it."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient


@pytest.fixture(scope="module")
def expected(client: TestClient, png: bytes) -> bytes:
    """The API's response for `png`."""
    return client.post("/classify", content=png).content


@pytest.fixture
def folder(tmp_path: Path, png: bytes) -> Path:
    (tmp_path / "good.png").write_bytes(png)
    return tmp_path
