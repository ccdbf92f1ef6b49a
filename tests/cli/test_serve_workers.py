"""`serve` with metrics, several workers, or a Unix domain socket."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.settings import Settings
from handler.telemetry.reports import RequestReport
from tests.conftest import serving
from tests.support.machine import PROJECT
from tests.support.waiting import wait_until

pytest.importorskip("prometheus_client")


def value(server: str, sample: str) -> float:
    lines = httpx2.get(f"{server}/metrics", timeout=60).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(sample))


def test_metrics_count_requests_and_images(server: str, png: bytes) -> None:
    requests = 'clothes_classifier_requests_total{endpoint="/classify",method="POST",status="200"}'
    rejected = 'clothes_classifier_rejected_images_total{reason="Not an image"}'
    before = [value(server, sample) for sample in (requests, rejected)]
    httpx2.post(f"{server}/classify", content=png, timeout=60)
    httpx2.post(f"{server}/classify", content=b"hello", timeout=60)
    assert [value(server, sample) for sample in (requests, rejected)] == [before[0] + 1, before[1] + 1]
    assert value(server, 'clothes_classifier_images_total{known="true",label="Trouser"}') >= 1
    assert value(server, "process_resident_memory_bytes") > 0


def test_paths_of_clients_make_no_metrics_of_their_own(server: str) -> None:
    for path in ("/nothing-here", "/wp-login.php", "//x"):
        httpx2.get(server + path, timeout=60)
    text = httpx2.get(f"{server}/metrics", timeout=60).text
    assert 'endpoint="other"' in text
    assert "nothing-here" not in text


def test_every_path_of_the_api_has_metrics_of_its_own(classifier: Classifier, card: ModelCard) -> None:
    from handler.serving.metrics import PrometheusMetrics  # noqa: PLC0415  prometheus_client is optional

    api = create_app(classifier, card, Settings(corrections="folder"))
    for path in ("/", "/about", "/docs", "/openapi.json", "/healthz", "/readyz", *api.openapi()["paths"]):
        metrics, app = PrometheusMetrics("1"), Starlette()
        app.add_route("/metrics", metrics.respond)
        metrics.record(RequestReport("GET", path, 200, 0.1, 0, "id", None, ()))
        text = TestClient(app).get("/metrics").text
        assert f'clothes_classifier_request_seconds_count{{endpoint="/{path.split("/")[1]}"}} 1.0' in text


def test_metrics_do_not_depend_on_the_root_path(tmp_path: Path) -> None:
    with serving(tmp_path / "log.txt", "--root-path", "/clothes") as server:
        httpx2.get(f"{server.address}/labels", timeout=60)
        assert value(server.address, 'clothes_classifier_request_seconds_count{endpoint="/labels"}') == 1


@pytest.mark.slow  # loads the model in two processes
def test_workers_share_the_port_and_the_metrics(tmp_path: Path, png: bytes) -> None:
    with serving(tmp_path / "log.txt", "--workers", "2") as server:
        for _ in range(20):
            assert httpx2.post(f"{server.address}/classify", content=png, timeout=60).status_code == 200
        assert value(server.address, "clothes_classifier_images_total") == 20
    log = (tmp_path / "log.txt").read_text()
    assert log.count("Finished server process") == 2, log


def test_unix_domain_socket_is_served_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    command = [sys.executable, "-m", "handler", "serve", "--uds", str(path)]
    with subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE) as process:
        wait_until(path.exists)
        with httpx2.Client(transport=httpx2.HTTPTransport(uds=str(path)), timeout=60) as client:
            assert client.get("http://localhost/health").json() == {"status": "ok"}
        second = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert (second.returncode, "Address already in use" in second.stderr) == (2, True)
    assert (process.returncode, path.exists()) == (0, False)
