"""A worker for tests that need no particular one."""

import pytest

from handler.settings import Settings
from handler.worker.worker import Worker
from tests.support.aws import RESULTS, WorkerOf


@pytest.fixture
def worker(worker_of: WorkerOf) -> Worker:
    return worker_of(Settings(results_bucket=RESULTS))
