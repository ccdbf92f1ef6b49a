"""`classify --endpoint`: which addresses it takes, and what it makes of the responses."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import classify
from tests.support.images import FORMATS, encoded, trousers
from tests.support.machine import free_port
from tests.support.scripted_server import Reply, refusing_first, scripted


def test_endpoint_returns_the_same_as_the_local_model(tmp_path: Path, server: str, drawing: bytes) -> None:
    (tmp_path / "drawing.jpg").write_bytes(drawing)
    (tmp_path / "text.png").write_bytes(b"hello")
    for name in FORMATS:
        (tmp_path / f"trousers.{name}").write_bytes(encoded(trousers(), name))
    paths = sorted(path.name for path in tmp_path.iterdir())
    local = classify(*paths, "--json", "--top-k", "10", cwd=tmp_path)
    remote = classify(*paths, "--json", "--top-k", "10", "--endpoint", server, cwd=tmp_path)
    assert remote.stdout == local.stdout
    assert remote.returncode == local.returncode == 1
    assert remote.stderr.splitlines()[0] == local.stderr.splitlines()[0]
    assert remote.stderr.startswith("text.png: unknown image format")
    assert classify(*paths, "--endpoint", server, cwd=tmp_path).stdout == classify(*paths, cwd=tmp_path).stdout


@pytest.mark.parametrize("path", ["", "/", "/Prod", "/Prod/", "/a/proxy's/path/"])
def test_address_may_have_a_path(folder: Path, expected: bytes, png: bytes, path: str) -> None:
    with scripted(refusing_first([], expected)) as (server, address):
        ended = classify("good.png", "--json", "--top-k", "3", "--endpoint", f"{address}{path}", cwd=folder)
    assert json.loads(ended.stdout) == {"path": "good.png", **json.loads(expected)}
    assert [(sent.target, sent.body) for sent in server.sent] == [(f"{path.rstrip('/')}/classify?top_k=3", png)]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        pytest.param("localhost:8000", "must begin with https:// or http://", id="no scheme"),
        pytest.param("//localhost:8000", "must begin with https:// or http://", id="no scheme but slashes"),
        pytest.param("ftp://localhost", "must begin with https:// or http://", id="another scheme"),
        pytest.param("https:///Prod", "must begin with https:// or http:// and a host", id="no host"),
        pytest.param("", "must begin with https:// or http:// and a host", id="empty"),
        pytest.param("http://localhost:port", "is not a valid URL", id="port of letters"),
        pytest.param("http://localhost:99999", "is not a valid URL", id="port out of range"),
        pytest.param(f"http://{'a' * 70}.example", "is not a valid URL", id="label too long"),
        pytest.param("http://me:secret@localhost", "must not contain a user name", id="password"),
        pytest.param("http://localhost/classify?top_k=3", "must not contain ? or #", id="query"),
    ],
)
def test_invalid_address_exits_2_with_a_message(folder: Path, address: str, message: str) -> None:
    ended = classify("good.png", "--endpoint", address, cwd=folder)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert "secret" not in ended.stderr


def test_unreachable_endpoint_stops_the_command(folder: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    ended = classify(*["good.png"] * 50, "--json", "--endpoint", address, cwd=folder)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines() == [
        f"the endpoint {address} cannot be reached: Connection refused",
        "stopped: 0 of 50 files are done",
    ]


@pytest.mark.parametrize("page", ["docs", "classify", "openapi.json", "docs/", "about"])
def test_address_of_a_page_suggests_the_base(folder: Path, server: str, page: str) -> None:
    ended = classify("good.png", "good.png", "--endpoint", f"{server}/{page}", cwd=folder)
    assert ended.stderr.splitlines()[0].endswith(f"; the address should be that of the server, perhaps {server}")
    assert ended.returncode == 2


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        pytest.param(Reply(200, b"<html>"), "the response is not a classification", id="a page"),
        pytest.param(Reply(200, b'{"label": "Shirt"}'), "the response is not a classification", id="another API"),
        pytest.param(Reply(200, b"\xff\xfe[["), "the response is not a classification", id="not UTF-8"),
        pytest.param(
            Reply(200, b'{"predictions": [], "known": true, "known_score": 1}'),
            "the response contains no class",
            id="no class",
        ),
        pytest.param(
            Reply(403, b'{"message": "Missing Authentication Token"}'),
            "the endpoint returned 403 Forbidden: Missing Authentication Token",
            id="a gateway without this stage",
        ),
        pytest.param(Reply(404, b"nothing here"), "the endpoint returned 404 Not Found", id="not found"),
        pytest.param(
            Reply(400, b'{"detail": "a sentence", "error": "a sentence"}'), "good.png: a sentence", id="a problem"
        ),
        pytest.param(
            Reply(400, b'{"detail": "two\\nlines \\u001b[31m"}'), r"good.png: two\nlines \x1b[31m", id="escapes"
        ),
        pytest.param(Reply(422, b'{"detail": [{"msg": "x"}]}'), "returned 422 Unprocessable", id="a list of problems"),
    ],
)
def test_response_without_classification_fails_without_retry(folder: Path, reply: Reply, message: str) -> None:
    with scripted(lambda *_: reply) as (server, address):
        ended = classify("good.png", "--endpoint", address, cwd=folder)
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    is_for_all_files = reply.status in {200, 403, 404}
    assert (ended.returncode, len(server.sent)) == (2 if is_for_all_files else 1, 1)


def test_only_needed_libraries_are_imported(folder: Path, expected: bytes) -> None:
    with scripted(refusing_first([], expected)) as (_, address):
        remote = classify("good.png", "--endpoint", address, cwd=folder, variables={"PYTHONPROFILEIMPORTTIME": "1"})
    local = classify("good.png", cwd=folder, variables={"PYTHONPROFILEIMPORTTIME": "1"})
    assert (" urllib3\n" in local.stderr, " onnxruntime\n" in local.stderr) == (False, True)
    assert (" urllib3\n" in remote.stderr, " onnxruntime\n" in remote.stderr) == (True, False)
