"""Redrive moves dead letters back to the queue, loses none, and the worker then processes them."""

from dataclasses import replace

import pytest

from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.settings import Settings
from handler.worker.worker import Worker
from infra.operations.queues import waiting_in
from infra.operations.redrive import redrive
from infra.operations.stack import Stack
from tests.support.aws import MAX_RECEIVE_COUNT, RESULTS, UPLOADS, Cloud, work_through
from tests.support.faults import OUTAGE, Faults
from tests.support.images import encoded, trousers


@pytest.fixture
def stack(aws: Cloud) -> Stack:
    return Stack("clothes", UPLOADS, RESULTS, aws.queue_url, aws.dead_letter_url, "")


@pytest.fixture
def dead(aws: Cloud, classifier: Classifier, card: ModelCard, caplog: pytest.LogCaptureFixture) -> int:
    """Move failing uploads to the dead-letter queue; returns their number."""
    caplog.set_level("CRITICAL")
    for place in range(12):
        aws.s3.put_object(Bucket=UPLOADS, Key=f"{place}.png", Body=encoded(trousers(28)))
    failing = Worker(Faults(seed=1, rates=OUTAGE).s3(aws.port), classifier, card, Settings(results_bucket=RESULTS))
    assert work_through(aws, failing) >= 12 * MAX_RECEIVE_COUNT
    assert waiting_in(aws.sqs, aws.queue_url) == 0
    return waiting_in(aws.sqs, aws.dead_letter_url)


def test_redrive_moves_all_messages_and_worker_completes_them(
    aws: Cloud, stack: Stack, dead: int, classifier: Classifier, card: ModelCard
) -> None:
    lines = list[str]()
    assert redrive(stack, aws.sqs, lines.append, wait_seconds=0) == 0
    assert lines[0] == f"{dead} messages are in the dead-letter queue"
    assert lines[-1] == f"moved {dead} of {dead}"
    assert (waiting_in(aws.sqs, aws.queue_url), waiting_in(aws.sqs, aws.dead_letter_url)) == (dead, 0)
    work_through(aws, Worker(aws.s3, classifier, card, Settings(results_bucket=RESULTS)))
    assert [result["status"] for result in aws.results().values()] == ["done"] * 12


def test_unsent_messages_stay_in_the_dead_letter_queue(aws: Cloud, stack: Stack, dead: int) -> None:
    gone = replace(stack, queue_url=f"{stack.queue_url}-that-is-gone")
    with pytest.raises(aws.sqs.exceptions.QueueDoesNotExist):
        redrive(gone, aws.sqs, print, wait_seconds=0)
    assert (waiting_in(aws.sqs, aws.queue_url), waiting_in(aws.sqs, aws.dead_letter_url)) == (0, dead)


def test_redrive_of_an_empty_queue_succeeds(aws: Cloud, stack: Stack) -> None:
    lines = list[str]()
    assert redrive(stack, aws.sqs, lines.append, wait_seconds=0) == 0
    assert lines == ["0 messages are in the dead-letter queue"]
