"""An endpoint that is busy or broken is asked again, a bounded number of times, after pauses that grow."""

import time
from collections.abc import Callable
from email.utils import formatdate

import pytest
from starlette.testclient import TestClient

from handler.cli.endpoint import Endpoint, EndpointFailure
from handler.cli.retries import patient
from tests.support.scripted_server import Reply, Script, after_refusals, scripted

BUSY = Reply(503, b'{"title": "Unavailable", "detail": "it is starting"}')


@pytest.fixture(scope="module")
def right(client: TestClient, png: bytes) -> bytes:
    return client.post("/classify", content=png).content


def endpoint(address: str, first_pause_seconds: float = 0.001) -> Endpoint:
    return Endpoint(address, "", connections=1, first_pause_seconds=first_pause_seconds)


def always(reply: Reply | None) -> Script:
    return lambda *_: reply


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(right: bytes, png: bytes, status: int) -> None:
    with scripted(after_refusals([Reply(status), Reply(status)], right)) as (there, address):
        assert endpoint(address).classify(png, 1).predictions[0].label == "Trouser"
    assert [sent.body for sent in there.sent] == [png] * 3


def test_a_connection_that_breaks_is_tried_again(right: bytes, png: bytes) -> None:
    half = Reply(200, right[:50], {"content-length": str(len(right))})
    with scripted(after_refusals([None, half], right)) as (there, address):
        assert endpoint(address).classify(png, 1).known
    assert len(there.sent) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 413, 415, 422])
def test_what_is_wrong_with_the_request_is_final(png: bytes, status: int) -> None:
    reply = Reply(status, b'{"detail": "so it is"}', {"retry-after": "1"})
    with scripted(always(reply)) as (there, address), pytest.raises(EndpointFailure, match=r"^so it is$"):
        endpoint(address).classify(png, 1)
    assert len(there.sent) == 1


def test_retries_end_and_the_last_answer_is_told(png: bytes) -> None:
    message = "^the endpoint answered 503 Service Unavailable: it is starting$"
    with scripted(always(BUSY)) as (there, address), pytest.raises(EndpointFailure, match=message):
        endpoint(address).classify(png, 1)
    assert len(there.sent) == 7


def test_a_connection_that_always_breaks_is_told(png: bytes) -> None:
    with scripted(always(None)) as (there, address), pytest.raises(EndpointFailure, match="cannot be reached: Remote"):
        endpoint(address).classify(png, 1)
    assert len(there.sent) == 3


@pytest.mark.parametrize(
    "retry_after",
    [
        pytest.param(lambda: "1", id="seconds"),
        pytest.param(lambda: formatdate(time.time() + 2, usegmt=True), id="date"),  # of whole seconds
    ],
)
def test_a_pause_that_is_asked_for_is_made(right: bytes, png: bytes, retry_after: Callable[[], str]) -> None:
    throttled = Reply(429, headers={"retry-after": retry_after()})
    with scripted(after_refusals([throttled], right)) as (_, address):
        started = time.monotonic()
        assert endpoint(address).classify(png, 1).known
    assert 0.9 < time.monotonic() - started < 30


@pytest.mark.parametrize("retry_after", ["soon", "-1", "0", "Mon, 99 Foo 2020", "9" * 5000])
def test_a_pause_that_is_hardly_one_is_no_error(right: bytes, png: bytes, retry_after: str) -> None:
    throttled = Reply(429, headers={"retry-after": retry_after})
    with scripted(after_refusals([throttled], right)) as (_, address):
        assert endpoint(address).classify(png, 1).known


def test_pauses_double_and_differ_by_chance() -> None:
    retries = patient(0.5)
    for longest in (0.5, 1, 2, 4, 8, 16):
        retries = retries.increment("POST", "/classify")
        pauses = {retries.get_backoff_time() for _ in range(100)}
        assert longest / 2 <= min(pauses) < max(pauses) <= longest
        assert len(pauses) > 90


def test_after_a_failure_the_others_do_not_wait_until_one_succeeds(right: bytes, png: bytes) -> None:
    replies = [*[BUSY] * 7, BUSY, Reply(200, right), BUSY, Reply(200, right)]
    with scripted(lambda _, before: replies[before]) as (there, address):
        classifier = endpoint(address)
        for requests_so_far in (7, 8):
            with pytest.raises(EndpointFailure):
                classifier.classify(png, 1)
            assert len(there.sent) == requests_so_far
        for requests_so_far in (9, 11):
            assert classifier.classify(png, 1).known
            assert len(there.sent) == requests_so_far


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param([*[BUSY] * 7, Reply(429), Reply(429)], id="throttling after other trouble"),
        pytest.param([*[Reply(429)] * 7, BUSY, BUSY], id="other trouble after throttling"),
    ],
)
def test_what_was_before_does_not_shorten_the_patience(trouble: list[Reply], right: bytes, png: bytes) -> None:
    replies = [*trouble, Reply(200, right)]
    with scripted(lambda _, before: replies[before]) as (there, address):
        classifier = endpoint(address)
        with pytest.raises(EndpointFailure):
            classifier.classify(png, 1)
        assert classifier.classify(png, 1).known
    assert len(there.sent) == len(replies)
