"""Presigned uploads that are unavailable: no buckets, no credentials, S3 errors, unreadable results."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from handler.api.presigned_uploads import s3_client
from handler.result_keys import result_key
from handler.settings import Settings
from tests.support.aws import RESULTS, UPLOADS, Cloud
from tests.support.large_uploads import UNKNOWN, app_with, settings_at, upload
from tests.support.machine import free_port

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


@pytest.mark.parametrize(
    "settings",
    [Settings(), Settings(uploads_bucket=UPLOADS), Settings(results_bucket=RESULTS)],
    ids=["neither bucket", "no results bucket", "no uploads bucket"],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/uploads"), ("GET", f"/results/{UNKNOWN}")])
def test_uploads_without_buckets_are_503(settings: Settings, method: str, path: str) -> None:
    reply = TestClient(app_with(settings)).request(method, path)
    assert (reply.status_code, reply.json()["title"]) == (503, "Unavailable")
    assert "UPLOADS_BUCKET and RESULTS_BUCKET must be set" in reply.json()["detail"]


@contextmanager
def forbidding_s3() -> Iterator[int]:
    """The port of an S3 that denies every request."""

    class Forbid(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Forbid) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


@contextmanager
def silent_s3() -> Iterator[int]:
    """The port of an S3 that accepts connections and never responds."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as listening:
        yield listening.server_port


@contextmanager
def no_s3() -> Iterator[int]:
    yield free_port()


@pytest.mark.usefixtures("aws_port")
@pytest.mark.parametrize("s3", [forbidding_s3, pytest.param(silent_s3, marks=pytest.mark.slow), no_s3])
def test_s3_error_is_503_and_logged(s3: Callable[[], Any], caplog: pytest.LogCaptureFixture) -> None:
    with s3() as port:
        reply = TestClient(app_with(settings_at(port))).get(f"/results/{UNKNOWN}")
    assert (reply.status_code, reply.headers["content-type"]) == (503, "application/problem+json")
    assert "try again" in reply.json()["detail"]
    assert [
        record.exc_info is not None for record in caplog.records if record.name == "handler.api.presigned_uploads"
    ] == [True]


def test_ticket_without_credentials_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert TestClient(app_with(settings_at(free_port()))).post("/uploads").status_code == 503


def test_get_result_from_missing_bucket_is_503(aws: Cloud, api: TestClient, drawing: bytes) -> None:
    result = upload(api, drawing)
    aws.s3.delete_bucket(Bucket=RESULTS)
    assert api.get(result).status_code == 503


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"status": "rejected"}',
        b'{"status": "done"}',
        b'{"status": "done", "predictions": [{}], "known": true, "known_score": 1}',
    ],
)
def test_get_unreadable_result_is_503(aws: Cloud, api: TestClient, document: bytes) -> None:
    version_id = aws.s3.put_object(Bucket=UPLOADS, Key=f"api/{UNKNOWN}", Body=b"")["VersionId"]
    aws.s3.put_object(Bucket=RESULTS, Key=result_key(UPLOADS, f"api/{UNKNOWN}", version_id), Body=document)
    reply = api.get(f"/results/{UNKNOWN}")
    assert (reply.status_code, reply.json()["title"]) == (503, "Unavailable")


def test_s3_client_is_created_once_without_blocking_the_app(aws: Cloud) -> None:
    connecting, connected = threading.Event(), threading.Event()
    created = []

    def connect(settings: Settings) -> "S3Client":
        created.append(settings)
        connecting.set()
        assert connected.wait(timeout=60)
        return s3_client(settings)

    with TestClient(app_with(settings_at(aws.port), connect)) as client, ThreadPoolExecutor(8) as pool:
        tickets = [pool.submit(client.post, "/uploads") for _ in range(8)]
        assert connecting.wait(timeout=60)
        assert client.get("/health").status_code == 200
        assert not any(ticket.done() for ticket in tickets)
        connected.set()
        assert {ticket.result().status_code for ticket in tickets} == {201}
    assert len(created) == 1
