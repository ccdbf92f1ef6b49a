"""HTTP as `serve` parses it: bounds on heads and queues, and what clients send beside plain requests."""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from handler.serving.connections import BoundedConnection
from tests.support.threaded_server import threaded_server


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    """Responds with what it was sent."""
    request = Request(scope, receive)
    headers, body = request.headers.items(), (await request.body()).decode()
    await JSONResponse({"path": scope["path"], "headers": headers, "body": body})(scope, receive, send)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with _server(BoundedConnection) as address:
        yield address


@contextmanager
def _server(http: Any) -> Iterator[tuple[str, int]]:
    """The address of a server in this process."""
    with threaded_server(_echo, http, ws="none", timeout_graceful_shutdown=1) as address:
        yield address


def _exchange(address: tuple[str, int], *parts: bytes) -> bytes:
    """All that the server responds to `parts`, which arrive one after the other, until it closes the connection."""
    with socket.create_connection(address, timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = b""
        for part in parts:
            connection.sendall(part)
            time.sleep(0.001 if len(parts) > 1 else 0)  # so that it arrives alone
        while some := connection.recv(65_536):
            received += some
        return received


def _status(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1])


def _document(reply: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(reply.partition(b"\r\n\r\n")[2])
    return document


POST = b"POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nX: ", id="header"),
        pytest.param(b"GET /", id="target"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: ", id="trailer"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n1;", id="extension of a chunk"),
    ],
)
def test_head_without_an_end_is_431(address: tuple[str, int], start: bytes) -> None:
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(start)
        try:
            for _ in range(200):
                connection.sendall(b"a" * 1_000)
            reply = connection.recv(65_536)
        except ConnectionError:  # refused meanwhile
            return
    assert _status(reply) == 431
    assert b"content-type: application/problem+json" in reply


def test_long_head_in_parts_is_refused_with_a_problem(address: tuple[str, int]) -> None:
    reply = _exchange(address, b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 17_000)
    assert _document(reply)["detail"] == "the head of the request has more than 16,384 bytes, the maximum"


def test_body_counts_as_no_head(address: tuple[str, int]) -> None:
    body = b"a" * 300_000
    reply = _exchange(address, POST + b"Content-Length: 300000\r\n\r\n", body[:1], body[1:])
    assert _document(reply)["body"] == body.decode()


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no Host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", id="two Hosts"),
        pytest.param(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", id="another version"),
        pytest.param(b"GET /\r\n\r\n", id="no version"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0\r\n\r\n", id="null character"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n X: a\r\n\r\n", id="folded line"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", id="two lengths"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            id="length of a chunked body",
        ),
        pytest.param(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", id="unknown encoding"),
    ],
)
def test_invalid_head_is_400(address: tuple[str, int], head: bytes) -> None:
    reply = _exchange(address, head)
    assert _status(reply) == 400
    assert _document(reply)["detail"] == "the request is not valid HTTP/1.1"


def test_http_1_0_needs_no_host(address: tuple[str, int]) -> None:
    assert _status(_exchange(address, b"GET / HTTP/1.0\r\n\r\n")) == 200


@pytest.mark.parametrize("upgrade", [b"Upgrade: h2c", b"upgrade:websocket", b"Upgrade: a\r\nUpgrade: b"])
def test_body_of_a_request_that_asks_for_another_protocol_arrives(address: tuple[str, int], upgrade: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\n" + upgrade + b"\r\nContent-Length: 4\r\n\r\n"
    assert _document(_exchange(address, head, b"body"))["body"] == "body"


ALL_KINDS = b"".join(
    [
        b"POST /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\nbody",
        b"GET /b?q HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"POST /c HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"2\r\nbo\r\n2;x=y\r\ndy\r\n0\r\nTrailer: x\r\n\r\n",
        b"PUT /d HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        POST + b"Content-Length: 4\r\n\r\nbody",
    ]
)


def _documents(reply: bytes) -> list[Any]:
    return [json.loads(each.split(b"\r\n\r\n", 1)[1]) for each in reply.split(b"HTTP/1.1 200 OK\r\n")[1:]]


def test_requests_split_anywhere_get_the_responses_of_h11(address: tuple[str, int]) -> None:
    with _server("h11") as of_h11:
        expected = _documents(_exchange(of_h11, ALL_KINDS))
    assert [each["body"] for each in expected] == ["body", "", "body", "body", "body"]
    for end in range(1, len(ALL_KINDS), 3):
        assert _documents(_exchange(address, ALL_KINDS[:end], ALL_KINDS[end:])) == expected, ALL_KINDS[:end]
    every_byte = [ALL_KINDS[i : i + 1] for i in range(len(ALL_KINDS))]
    assert _documents(_exchange(address, *every_byte)) == expected


def test_trailers_are_ignored(address: tuple[str, int]) -> None:
    body = b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Trailer: x\r\n\r\n"
    document = _document(_exchange(address, POST + body))
    assert document["body"] == "body"
    assert "x-trailer" not in dict(document["headers"])


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://host/a?b", "/a"),
        (b"HTTPS://user@host:1/a", "/a"),
        (b"http://host", "/"),
        (b"http://host?b", "/"),
        (b"*", "/*"),
        (b"//a", "//a"),
        (b"/a%20b", "/a b"),
    ],
)
def test_target_of_a_request(address: tuple[str, int], target: bytes, path: str) -> None:
    request = b"OPTIONS " + target + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    assert _document(_exchange(address, request))["path"] == path


def test_queued_requests_get_their_responses_in_order(address: tuple[str, int]) -> None:
    requests = [b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % i for i in range(50)]
    last = b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    reply = _exchange(address, b"".join(requests) + last)
    assert [int(each.split(b'"')[0]) for each in reply.split(b'"path":"/')[1:-1]] == list(range(50))


@pytest.mark.parametrize(
    ("behind", "status"),
    [
        pytest.param(b"hello\r\n\r\n", 400, id="no HTTP"),
        pytest.param(b"GET /b HTTP/1.1\r\nHost: h\r\n\r\nhello\r\n\r\n", 400, id="no HTTP, behind two"),
        pytest.param(b"GET /b HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 20_000, 431, id="long head"),
        pytest.param(
            b"POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nhello", 400, id="no chunk in a body"
        ),
    ],
)
def test_requests_before_an_invalid_one_get_their_responses(
    address: tuple[str, int], behind: bytes, status: int
) -> None:
    first = b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
    reply = _exchange(address, first + behind[:100], behind[100:])
    valid_requests = 2 if behind.endswith(b"\r\n\r\nhello\r\n\r\n") else 1
    assert [int(each) for each in re.findall(rb"HTTP/1\.1 (\d+) ", reply)] == [*[200] * valid_requests, status]


def test_flood_of_queued_requests_is_cut_off(address: tuple[str, int]) -> None:
    try:
        reply = _exchange(address, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 5_000)
    except ConnectionError:
        return
    assert reply.count(b"HTTP/1.1 200 OK") == BoundedConnection.max_queued + 1
    assert reply.count(b"HTTP/1.1 400 Bad Request") == 1
