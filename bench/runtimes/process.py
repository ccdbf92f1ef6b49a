"""Run a contender in a process of its own, with its own threads and fresh imports."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final, cast

from bench.runtimes.contenders import Contender

_PROJECT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Start:
    """Seconds of a new process: importing the runtime, and from loading the model file to the first output."""

    importing: float
    loading: float


class RuntimeProcess:
    """A worker process; each method sends it a request and waits for the response."""

    def __init__(self, requests: IO[str], responses: IO[str]) -> None:
        self._requests, self._responses = requests, responses
        self.start = Start(**self._receive())

    def seconds(self, size: int, calls: int) -> list[float]:
        """Time `calls` calls with the first `size` images, after one warm-up call."""
        seconds: list[float] = self._request({"do": "time", "size": size, "calls": calls})["wall"]
        return seconds

    def busy_cores(self, size: int, calls: int) -> float:
        """Return the average number of busy cores during such calls."""
        timed = self._request({"do": "time", "size": size, "calls": calls})
        busy: float = timed["processors"] / sum(timed["wall"])
        return busy

    def class_ids(self, size: int) -> list[int]:
        """Return the most probable class of each image, predicted `size` images at a time."""
        class_ids: list[int] = self._request({"do": "predict", "size": size})
        return class_ids

    def _request(self, request: dict[str, Any]) -> Any:
        with suppress(BrokenPipeError):  # _receive reports the end of the process
            self._requests.write(json.dumps(request) + "\n")
            self._requests.flush()
        return self._receive()

    def _receive(self) -> Any:
        if line := self._responses.readline():
            return json.loads(line)
        raise ChildProcessError("the process ended before it responded")


@contextmanager
def start_process(contender: Contender, threads: int, images: Path) -> Iterator[RuntimeProcess]:
    """Start `contender` on a file of images (N, 1, 28, 28), whose folder has its model file.

    Raises ChildProcessError if the process ends early.
    """
    arguments = [contender.package, contender.loader, contender.path(images.parent), threads, images]
    command = [sys.executable, "-m", "bench.runtimes.worker", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    pipe = subprocess.PIPE
    with (
        TemporaryFile("w+") as log,  # only shown if the process fails
        subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=log, text=True, cwd=_PROJECT, env=environment
        ) as process,
    ):
        try:
            yield RuntimeProcess(cast("IO[str]", process.stdin), cast("IO[str]", process.stdout))
        except ChildProcessError as error:
            process.communicate()  # closes its input, which ends it
            if process.returncode == 0:
                raise  # the error is of another process
            log.seek(0)
            raise ChildProcessError(f"{contender.title}: {error}\n{log.read()}") from error
