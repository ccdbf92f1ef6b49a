"""The access log of `serve`: one line for each request."""

import io
import logging
import sys
from dataclasses import replace

import pytest

pytest.importorskip("uvicorn")

from handler.serving.access_log import write_line
from handler.telemetry.reports import ACCESS_LOG, RequestReport


@pytest.fixture(autouse=True)
def _level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, ACCESS_LOG)


def report(path: str = "/classify", client: str = "10.0.0.7") -> RequestReport:
    return RequestReport("POST", path, 200, 0.00126, 378, "order-7", None, (), client=client)


def test_line_has_status_duration_and_request_id(capsys: pytest.CaptureFixture[str]) -> None:
    write_line(report())
    assert capsys.readouterr().out == 'INFO:     10.0.0.7 - "POST /classify" 200 OK, 1.3 ms, order-7\n'


def test_client_of_a_unix_socket_has_no_address(capsys: pytest.CaptureFixture[str]) -> None:
    write_line(report(client=""))
    assert capsys.readouterr().out.startswith('INFO:     - - "POST')


def test_status_that_python_does_not_know_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    write_line(replace(report(), status=499))
    assert '"POST /classify" 499, 1.3 ms' in capsys.readouterr().out


def test_path_cannot_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    write_line(report('/a" 200\nINFO: forged é'))
    assert "/a%22%20200%0AINFO:%20forged%20%C3%A9" in capsys.readouterr().out


def test_address_of_a_proxy_cannot_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    write_line(report(client='fe80::1 - "GET /" 200 \u00e9'))
    assert capsys.readouterr().out.startswith("INFO:     fe80::1%20-%20%22GET%20/%22%20200%20%C3%A9 - ")


def test_log_level_above_info_writes_nothing(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, ACCESS_LOG)
    write_line(report())
    assert capsys.readouterr().out == ""


def test_closed_output_does_not_fail_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    write_line(report())
