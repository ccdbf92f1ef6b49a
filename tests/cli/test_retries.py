"""Requests to a busy or failing endpoint are retried a limited number of times, with growing pauses."""

import time
from collections.abc import Callable
from email.utils import formatdate

import pytest

from handler.cli.endpoint import Endpoint, EndpointFailure
from handler.cli.retries import patient
from tests.support.scripted_server import Reply, Script, refusing_first, scripted

BUSY = Reply(503, b'{"title": "Unavailable", "detail": "it is starting"}')


def endpoint(address: str, first_pause_seconds: float = 0.001) -> Endpoint:
    return Endpoint(address, "", connections=1, first_pause_seconds=first_pause_seconds)


def always(reply: Reply | None) -> Script:
    return lambda *_: reply


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_temporary_error_is_retried(expected: bytes, png: bytes, status: int) -> None:
    with scripted(refusing_first([Reply(status), Reply(status)], expected)) as (server, address):
        assert endpoint(address).classify(png, 1).predictions[0].label == "Trouser"
    assert [sent.body for sent in server.sent] == [png] * 3


def test_broken_connection_is_retried(expected: bytes, png: bytes) -> None:
    half = Reply(200, expected[:50], {"content-length": str(len(expected))})
    with scripted(refusing_first([None, half], expected)) as (server, address):
        assert endpoint(address).classify(png, 1).known
    assert len(server.sent) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 413, 415, 422])
def test_client_error_is_not_retried(png: bytes, status: int) -> None:
    reply = Reply(status, b'{"detail": "so it is"}', {"retry-after": "1"})
    with scripted(always(reply)) as (server, address), pytest.raises(EndpointFailure, match=r"^so it is$"):
        endpoint(address).classify(png, 1)
    assert len(server.sent) == 1


def test_retries_are_limited_and_the_last_response_is_reported(png: bytes) -> None:
    message = "^the endpoint returned 503 Service Unavailable: it is starting$"
    with scripted(always(BUSY)) as (server, address), pytest.raises(EndpointFailure, match=message):
        endpoint(address).classify(png, 1)
    assert len(server.sent) == 7


def test_connection_that_always_breaks_is_reported(png: bytes) -> None:
    with scripted(always(None)) as (server, address), pytest.raises(EndpointFailure, match="cannot be reached: Remote"):
        endpoint(address).classify(png, 1)
    assert len(server.sent) == 3


@pytest.mark.parametrize(
    "retry_after",
    [
        pytest.param(lambda: "1", id="seconds"),
        pytest.param(lambda: formatdate(time.time() + 2, usegmt=True), id="date"),  # its resolution is one second
    ],
)
def test_retry_after_is_respected(expected: bytes, png: bytes, retry_after: Callable[[], str]) -> None:
    throttled = Reply(429, headers={"retry-after": retry_after()})
    with scripted(refusing_first([throttled], expected)) as (_, address):
        started = time.monotonic()
        assert endpoint(address).classify(png, 1).known
    assert 0.9 < time.monotonic() - started < 30


@pytest.mark.parametrize("retry_after", ["soon", "-1", "0", "Mon, 99 Foo 2020", "9" * 5000])
def test_invalid_retry_after_is_ignored(expected: bytes, png: bytes, retry_after: str) -> None:
    throttled = Reply(429, headers={"retry-after": retry_after})
    with scripted(refusing_first([throttled], expected)) as (_, address):
        assert endpoint(address).classify(png, 1).known


def test_pauses_double_and_are_random() -> None:
    retries = patient(0.5)
    for longest in (0.5, 1, 2, 4, 8, 16):
        retries = retries.increment("POST", "/classify")
        pauses = {retries.get_backoff_time() for _ in range(100)}
        assert longest / 2 <= min(pauses) < max(pauses) <= longest
        assert len(pauses) > 90


def test_after_a_failure_requests_are_not_retried_until_one_succeeds(expected: bytes, png: bytes) -> None:
    replies = [*[BUSY] * 7, BUSY, Reply(200, expected), BUSY, Reply(200, expected)]
    with scripted(lambda _, before: replies[before]) as (server, address):
        classifier = endpoint(address)
        for requests_so_far in (7, 8):
            with pytest.raises(EndpointFailure):
                classifier.classify(png, 1)
            assert len(server.sent) == requests_so_far
        for requests_so_far in (9, 11):
            assert classifier.classify(png, 1).known
            assert len(server.sent) == requests_so_far


@pytest.mark.parametrize(
    "errors",
    [
        pytest.param([*[BUSY] * 7, Reply(429), Reply(429)], id="throttling after other errors"),
        pytest.param([*[Reply(429)] * 7, BUSY, BUSY], id="other errors after throttling"),
    ],
)
def test_errors_of_another_kind_do_not_reduce_the_retries(errors: list[Reply], expected: bytes, png: bytes) -> None:
    replies = [*errors, Reply(200, expected)]
    with scripted(lambda _, before: replies[before]) as (server, address):
        classifier = endpoint(address)
        with pytest.raises(EndpointFailure):
            classifier.classify(png, 1)
        assert classifier.classify(png, 1).known
    assert len(server.sent) == len(replies)
