"""A contender in a process of its own, so that it has its own threads, and imports as if nothing had been before."""

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
    """Seconds of a new process: the runtime's import, and what it takes from the model's file to the first answer."""

    importing: float
    loading: float


class Running:
    """A process that does what it is asked while the caller waits."""

    def __init__(self, requests: IO[str], replies: IO[str]) -> None:
        self._requests, self._replies = requests, replies
        self.start = Start(**self._reply())

    def seconds(self, size: int, calls: int) -> list[float]:
        """Of each of `calls` with the first `size` images, after one that does not count."""
        seconds: list[float] = self._ask({"do": "time", "size": size, "calls": calls})["wall"]
        return seconds

    def busy_cores(self, size: int, calls: int) -> float:
        """How many cores the process keeps busy during such calls."""
        asked = self._ask({"do": "time", "size": size, "calls": calls})
        busy: float = asked["processors"] / sum(asked["wall"])
        return busy

    def class_ids(self, size: int) -> list[int]:
        """The likeliest class of each image, `size` images at a time."""
        class_ids: list[int] = self._ask({"do": "answer", "size": size})
        return class_ids

    def _ask(self, request: dict[str, Any]) -> Any:
        with suppress(BrokenPipeError):  # which not replying tells as well
            self._requests.write(json.dumps(request) + "\n")
            self._requests.flush()
        return self._reply()

    def _reply(self) -> Any:
        if line := self._replies.readline():
            return json.loads(line)
        raise ChildProcessError("it ended before it had answered")


@contextmanager
def running(contender: Contender, threads: int, images: Path) -> Iterator[Running]:
    """`contender` on a file of images (N, 1, 28, 28), beside which its own is. Raises ChildProcessError if it ends."""
    arguments = [contender.package, contender.loader, contender.path(images.parent), threads, images]
    command = [sys.executable, "-m", "bench.runtimes.worker", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    pipe = subprocess.PIPE
    with (
        TemporaryFile("w+") as said,  # by the runtimes of themselves: of use only if one fails
        subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=said, text=True, cwd=_PROJECT, env=environment
        ) as process,
    ):
        try:
            yield Running(cast("IO[str]", process.stdin), cast("IO[str]", process.stdout))
        except ChildProcessError as error:
            process.communicate()  # it ends where its input does
            if process.returncode == 0:
                raise  # another's
            said.seek(0)
            raise ChildProcessError(f"{contender.title}: {error}\n{said.read()}") from error
