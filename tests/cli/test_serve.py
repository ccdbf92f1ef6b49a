"""`python -m handler serve`: a real server process, over HTTP."""

import json
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.testclient import TestClient

from handler.inference.card import MODEL_FOLDER
from handler.serving.server import CannotListen, listen
from tests.conftest import serving
from tests.support.images import FORMATS, encoded, trousers
from tests.support.machine import PROJECT, free_port
from tests.support.sending import WAYS


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("format_name", FORMATS)
def test_server_responds_as_the_app_does(server: str, client: TestClient, format_name: str, way: str) -> None:
    image = encoded(trousers(), format_name)
    reply = httpx2.post(f"{server}/classify", **WAYS[way](image), timeout=60)
    assert reply.status_code == 200
    assert reply.json() == client.post("/classify", content=image).json()


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/labels", "/model", "/health", "/healthz", "/readyz"])
def test_every_page_is_served(server: str, path: str) -> None:
    assert httpx2.get(f"{server}{path}", timeout=60).status_code == 200


def test_root_path_is_prefixed_to_links(tmp_path: Path, png: bytes) -> None:
    with serving(tmp_path / "log.txt", "--root-path", "/clothes") as server:
        page, documentation = (httpx2.get(server.address + path, timeout=60).text for path in ("/", "/docs"))
        document = httpx2.get(f"{server.address}/openapi.json", timeout=60).json()
        assert httpx2.post(f"{server.address}/classify", content=png, timeout=60).status_code == 200
    assert '<base href="/clothes/">' in page
    assert 'src="swagger/' in documentation
    assert [entry["url"] for entry in document["servers"]] == ["/clothes"]
    assert '127.0.0.1 - "POST /clothes/classify" 200 OK, ' in (tmp_path / "log.txt").read_text()


def test_parallel_requests_get_the_responses_of_sequential_ones(server: str) -> None:
    images = [encoded(trousers(100 + 10 * i), "JPEG") for i in range(40)]
    with httpx2.Client(base_url=server, timeout=60) as client, ThreadPoolExecutor(16) as pool:
        sequential = [client.post("/classify", content=image).json() for image in images]
        parallel = list(pool.map(lambda image: client.post("/classify", content=image).json(), images))
    assert parallel == sequential


def test_absolute_request_line_is_understood(server: str) -> None:
    """RFC 9112, 3.2.2: clients send it to a proxy, and every server has to accept it."""
    for target in (b"http://example.com/health?x=1", b"HTTP://localhost:8000/health"):
        assert b" 200 " in _first_line(server, b"GET " + target + b" HTTP/1.1\r\nHost: example.com\r\n\r\n")


def test_too_large_content_length_is_413_before_the_body_is_sent(server: str) -> None:
    head = b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n"
    assert b" 413 " in _first_line(server, head)


def test_too_large_streamed_body_is_413(server: str) -> None:
    reply = httpx2.post(f"{server}/classify", content=(bytes(100_000) for _ in range(201)), timeout=60)
    assert (reply.status_code, reply.headers["content-type"]) == (413, "application/problem+json")


@pytest.mark.parametrize(("path", "status"), [("/classify", 413), ("/none", 404)])
def test_client_that_sends_its_whole_body_first_sees_the_error(server: str, path: str, status: int) -> None:
    """As Python's urllib does; it also has the server close the connection."""
    address = urlsplit(server)
    with closing(HTTPConnection(str(address.hostname), address.port, timeout=60)) as connection:
        connection.request("POST", path, bytes(30_000_000), {"Connection": "close"})
        reply = connection.getresponse()
        assert (reply.status, json.loads(reply.read())["status"]) == (status, status)


def test_client_that_disconnects_does_not_affect_the_server(server: str) -> None:
    address = urlsplit(server)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf")
    assert httpx2.get(f"{server}/health", timeout=60).status_code == 200


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"POST /classify HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", id="negative length"),
        pytest.param(b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", id="path that is not ASCII"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", id="TLS to a plain port"),
        pytest.param(
            b"POST /classify HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=\xe9\r\n"
            b"Content-Length: 4\r\n\r\n--\xe9\r",
            id="boundary that is not ASCII",
        ),
    ],
)
def test_malformed_http_is_400(server: str, head: bytes) -> None:
    assert b" 400 " in _first_line(server, head)


def _first_line(server: str, request: bytes) -> bytes:
    address = urlsplit(server)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(request)
        return connection.recv(4096).split(b"\r\n")[0]


def test_handler_imports_no_training_or_server_library() -> None:
    code = "import json, sys, handler.http_entry, handler.__main__; print(json.dumps(sorted(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, check=True).stdout
    loaded = {name.partition(".")[0] for name in json.loads(printed)}
    assert loaded & {"torch", "torchvision", "onnx", "matplotlib", "model_build", "uvicorn", "boto3"} == set()


def test_accepted_connections_send_each_part_of_a_reply_at_once() -> None:
    (listener,) = listen("127.0.0.1", free_port())
    with listener, socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.skipif(sys.platform != "linux", reason="others do not divide connections")
def test_connections_are_divided_among_the_sockets_of_workers() -> None:
    with ExitStack() as stack:
        listeners = [stack.enter_context(each) for each in listen("127.0.0.1", free_port(), 2)]
        for each in listeners:
            each.settimeout(5)
        for _ in range(64):
            stack.enter_context(socket.create_connection(listeners[0].getsockname()))
        for each in listeners:
            stack.enter_context(each.accept()[0])
        with pytest.raises(CannotListen, match="Address already in use"):
            listen("127.0.0.1", listeners[0].getsockname()[1], 2)


@pytest.mark.parametrize("name", ["cutout.onnx", "colour.onnx"])
def test_damaged_network_for_photos_stops_the_start_with_a_message(name: str, tmp_path: Path) -> None:
    shutil.copytree(MODEL_FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).write_bytes(b"no network")
    command = [sys.executable, "-m", "handler", "serve", "--port", str(free_port()), "--model", str(tmp_path)]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert f"{tmp_path / name} is not an ONNX file" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        pytest.param([], {"MAX_PIXELS": "many"}, "MAX_PIXELS must be a whole number", id="wrong limit"),
        pytest.param([], {"PORT": "eighty"}, "'eighty' is not a port, a whole number from 1", id="wrong PORT"),
        pytest.param(["--port", "x"], {}, "'x' is not a port", id="a port that is no number"),
        pytest.param(["--port", "0"], {}, "'0' is not a port", id="port 0"),
        pytest.param(["--port=-1"], {}, "'-1' is not a port", id="a port below 0"),
        pytest.param(["--port", "70000"], {}, "from 1 to 65535", id="a port above 65535"),
        pytest.param(["--host", "no.invalid"], {}, "cannot listen at 'no.invalid', port 8000: ", id="unknown host"),
        pytest.param(["--host", "a" * 300], {}, "not a host name", id="no host name"),
        pytest.param(["--host", "192.0.2.1"], {}, "Cannot assign requested address\n", id="another machine's address"),
    ],
)
def test_invalid_setting_exits_2_with_a_message(
    arguments: list[str], environment: dict[str, str], message: str
) -> None:
    command = [sys.executable, "-m", "handler", "serve", *arguments]
    ended = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_port_in_use_exits_2_with_a_message() -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        port = occupied.getsockname()[1]
        command = [sys.executable, "-m", "handler", "serve", "--port", str(port)]
        ended = subprocess.run(command, cwd=PROJECT, env={}, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (
        2,
        f"cannot listen at '127.0.0.1', port {port}: Address already in use;"
        f" set another port, for example PORT={port + 1}\n",
    )


def test_port_is_read_from_the_environment() -> None:
    port = free_port()
    command = [sys.executable, "-m", "handler", "serve"]
    with subprocess.Popen(command, cwd=PROJECT, env={"PORT": str(port)}, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        announced = next(line for line in process.stderr if "running on" in line)
        process.terminate()
    assert f"http://127.0.0.1:{port} " in announced
