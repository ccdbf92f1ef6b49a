"""Static files: versioned addresses, gzip by Accept-Encoding, ETag and Cache-Control; what is served, and what not."""

import gzip
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from handler.api.app import Api, create_app
from handler.api.routes.pages import STATIC_FOLDER
from handler.api.routes.static_files import StaticFiles
from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.settings import Settings

FOREVER = "public, max-age=31536000, immutable"
SCRIPT = (STATIC_FOLDER / "app.js").read_bytes()


def _versioned(client: TestClient, name: str) -> str:
    """The address that a page gives to the file `name` of `static/` or `swagger/`."""
    pages = client.get("/").text + client.get("/docs").text
    (address,) = set(re.findall(rf'"((?:static|swagger)/[0-9a-f]{{16}}/{name})"', pages))
    return f"/{address}"


@pytest.mark.parametrize("name", ["app.js", "style.css", "swagger-ui-bundle.js", "swagger-ui.css"])
def test_text_file_of_a_page_is_kept_forever_and_sent_as_gzip(client: TestClient, name: str) -> None:
    with client.stream("GET", _versioned(client, name), headers={"Accept-Encoding": "br, gzip;q=0.8"}) as reply:
        sent = b"".join(reply.iter_raw())
    assert (reply.headers["cache-control"], reply.headers["content-encoding"]) == (FOREVER, "gzip")
    assert reply.headers["vary"] == "Accept-Encoding"
    assert int(reply.headers["content-length"]) == len(sent) < 0.5 * len(gzip.decompress(sent))


def test_image_is_sent_as_it_is(client: TestClient) -> None:
    folder = _versioned(client, "app.js").rpartition("/")[0]
    reply = client.get(f"{folder}/samples/bag.jpg")
    assert reply.content == (STATIC_FOLDER / "samples" / "bag.jpg").read_bytes()
    assert (reply.headers["cache-control"], "content-encoding" in reply.headers) == (FOREVER, False)


@pytest.mark.parametrize(
    "path",
    [pytest.param("app.js", id="no version"), pytest.param("0123456789abcdef/app.js", id="an old version")],
)
def test_file_at_another_address_is_revalidated(client: TestClient, path: str) -> None:
    reply = client.get(f"/static/{path}")
    assert (reply.content, reply.headers["cache-control"]) == (SCRIPT, "no-cache")


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("br", id="brotli"),
        pytest.param("gzip;q=0", id="gzip refused"),
        pytest.param("gzip;q=0, *", id="gzip refused, all else accepted"),
        pytest.param("identity", id="identity"),
        pytest.param("gzip;q=many", id="malformed"),
    ],
)
def test_file_is_sent_plain_to_clients_without_gzip(app: Api, header: str | None) -> None:
    with TestClient(app) as client:
        del client.headers["accept-encoding"]
        reply = client.get("/static/app.js", headers={} if header is None else {"Accept-Encoding": header})
    assert (reply.content, "content-encoding" in reply.headers) == (SCRIPT, False)


@pytest.mark.parametrize("header", ["gzip", "GZIP", "x-gzip", "*", "deflate, gzip;q=1.0, *;q=0.5", "br,gzip ; q=0.1"])
def test_file_is_sent_as_gzip_to_clients_with_gzip(client: TestClient, header: str) -> None:
    reply = client.get("/static/app.js", headers={"Accept-Encoding": header})
    assert (reply.content, reply.headers["content-encoding"]) == (SCRIPT, "gzip")


def test_large_file_is_never_sent_plain(app: Api) -> None:
    with TestClient(app) as client:
        address = _versioned(client, "swagger-ui-bundle.js")
        refused = client.get(address, headers={"Accept-Encoding": "identity"})
        del client.headers["accept-encoding"]
        without_preference = client.get(address)
    assert (refused.status_code, refused.headers["content-type"]) == (406, "application/problem+json")
    assert without_preference.headers["content-encoding"] == "gzip"
    assert int(without_preference.headers["content-length"]) < 500_000


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/static/app.js", "/static/samples/bag.jpg"])
@pytest.mark.parametrize(
    "header",
    [
        pytest.param(lambda etag: etag, id="the ETag"),
        pytest.param(lambda etag: f'"other", {etag}', id="one of several"),
        pytest.param(lambda etag: etag.removeprefix("W/"), id="as a strong one"),
        pytest.param(lambda _: "*", id="any"),
    ],
)
def test_document_that_the_client_has_is_304(client: TestClient, path: str, header: Callable[[str], str]) -> None:
    first = client.get(path)
    second = client.get(path, headers={"If-None-Match": header(first.headers["etag"])})
    assert (second.status_code, second.content) == (304, b"")
    for name in ("etag", "cache-control", "vary", "content-security-policy", "x-content-type-options"):
        assert second.headers.get(name) == first.headers.get(name), name


def test_document_that_changed_is_sent(client: TestClient) -> None:
    assert client.get("/", headers={"If-None-Match": 'W/"0123"'}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static",
        "/static/",
        "/static/index.html",
        "/static/docs.html",
        "/static/0123456789abcdef/index.html",
        "/static/samples",
        "/static/../settings.py",
        "/static/%2e%2e/settings.py",
        "/static//app.js",
        "/static/app.js.gz",
        "/static/app.js%00",
        "/swagger/__init__.py",
    ],
)
def test_anything_else_is_404(client: TestClient, path: str) -> None:
    reply = client.get(path)
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")


def test_compressed_folder_is_served_as_the_plain_one(client: TestClient, tmp_path: Path) -> None:
    folder = shutil.copytree(STATIC_FOLDER, tmp_path / "static")
    for path in folder.glob("*.js"):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    app = FastAPI()
    StaticFiles("static", lambda: folder).add_to(app)
    with TestClient(app) as compressed:
        for name in ("app.js", "style.css", "samples/bag.jpg"):
            replies = [each.get(f"/static/{name}") for each in (client, compressed)]
            assert replies[0].content == replies[1].content
            assert replies[0].headers["content-type"] == replies[1].headers["content-type"]
            assert replies[0].headers["etag"] == replies[1].headers["etag"]


def test_docs_can_be_switched_off(classifier: Classifier, card: ModelCard) -> None:
    with TestClient(create_app(classifier, card, Settings(docs=False))) as client:
        statuses = [client.get(path).status_code for path in ("/docs", "/openapi.json", "/swagger/swagger-ui.css")]
        page = client.get("/")
    assert statuses == [404, 404, 404]
    assert page.status_code == 200
    assert 'href="docs"' not in page.text
    assert 'href="about"' in page.text
