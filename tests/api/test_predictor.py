"""The predictor: work in a thread or in the event loop, and the trace of a request."""

import asyncio
from threading import Event, get_ident
from typing import Any

import pytest

from handler.api.bulkheads import SMALL_BYTES
from handler.api.predictor import Predictor
from handler.errors import NotAnImage
from handler.inference.classifier import Classifier
from handler.telemetry.request_trace import start_trace
from tests.support.event_loops import client, finished


@pytest.mark.parametrize("offload", [True, False])
def test_predictor_uses_a_thread_only_with_offload(classifier: Classifier, offload: bool) -> None:
    predictor = Predictor(classifier, 1, offload=offload)
    assert (
        finished(predictor.bulkheads.run(client(), SMALL_BYTES + 1, lambda _: get_ident())) != get_ident()
    ) == offload


def test_event_loop_runs_while_predictor_works(classifier: Classifier) -> None:
    predictor, go = Predictor(classifier, 1, offload=True), Event()

    async def requests() -> bool:
        working = asyncio.create_task(predictor.bulkheads.run(client(), SMALL_BYTES + 1, lambda _: go.wait(10)))
        await asyncio.sleep(0)
        go.set()
        return await working

    assert finished(requests())


@pytest.mark.parametrize("offload", [True, False])
def test_trace_has_spans_and_outcomes(classifier: Classifier, png: bytes, offload: bool) -> None:
    predictor = Predictor(classifier, 10**6, offload=offload)

    async def request() -> Any:
        trace = start_trace()
        await predictor.bulkheads.run(
            client(), SMALL_BYTES + 1, lambda budget: predictor.classify_each([png, b"no image"], 1, budget)
        )
        return trace

    trace = finished(request())
    assert set(trace.spans) == {"decode", "infer"}
    error, classification = trace.outcomes
    assert (type(error), classification.predictions[0].label) == (NotAnImage, "Trouser")
