"""Decode images in a child process, with limits of computing time and memory that hold whatever a header claims.

A child process (`decoder_child`) is started for the first image and kept for later ones. It forks for each image,
so that a limit, a crash or lost memory ends with that image. It ends when its stdin does, which this process holds:
also when this one is killed. The parent-death signal would end it too early: it is tied to the thread that started it.

The computing time is limited by ITIMER_PROF and RLIMIT_CPU, on Linux and macOS; the memory by RLIMIT_AS, on Linux only.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, cast

from PIL import Image

from handler import errors
from handler.errors import ClassifierError, OutOfMemory, OutOfTime

IS_SUPPORTED: Final = hasattr(os, "fork")  # not on Windows

# The elapsed time, in multiples of the computing time, after which an image is given up on a busy machine. A caller
# waits as long for a child process to be free.
_ELAPSED_FACTOR: Final = 5

_START: Final = "import sys; sys.path[:] = sys.argv[1:]; from handler.inference.decoder_child import main; main()"

# No credentials. Lambda's Python finds its own library by LD_LIBRARY_PATH. A second arena of glibc's malloc, or a
# thread of OpenBLAS, would take up to 64 MiB of address space, which is what the limit counts.
_ENVIRONMENT: Final = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1"}
_PASSED_ON: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")

_ERRORS: Final = {
    kind.__name__: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ClassifierError)
}
_GIB: Final = 2**30


def decode_in_child(  # noqa: PLR0913  those of `decode_here`, and two limits
    data: bytes,
    format: str,  # noqa: A002  Pillow's name
    max_pixels: int,
    needed_side: int,
    *,
    seconds: float = 1.6,  # with the start of a child process, less than 2
    extra_bytes: int = 370 * 2**20,  # of address space: with the child process itself, less than 400 MiB of memory
    charge: Callable[[float], None] | None = None,
) -> Image.Image:
    """As `decoding.decode_here`, to the pixel, in a child process; from any number of threads.

    `seconds` is computing time, of all threads of the decoder; `extra_bytes` is memory beside the file itself.
    `charge` is called with the seconds of computing time that the image took.
    Raises TooComplex if the image exceeds either limit, OutOfTime if the machine was too busy, OutOfMemory if it had no
    memory, and what `decode_here` raises.
    """
    request = {
        "length": len(data),
        "format": format,
        "max_pixels": max_pixels,
        "needed_side": needed_side,
        "seconds": seconds,
        "extra_bytes": extra_bytes,
    }
    answer, pixels = _decoders.ask(request, data, _ELAPSED_FACTOR * seconds)
    if charge:
        charge(answer["seconds"])
    if "error" in answer:
        raise _ERRORS[answer["error"]](answer["sentence"])
    return Image.frombytes(answer["mode"], tuple(answer["size"]), pixels)


def close_decoders() -> None:
    """End the idle child processes. The next image starts a new one."""
    _decoders.close()


class _Decoder:
    """A child process, for one caller at a time."""

    def __init__(self) -> None:
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self._process = subprocess.Popen(  # noqa: S603  this Python, with this package
            [sys.executable, "-I", "-S", "-W", "ignore", "-c", _START, *_import_path()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_ENVIRONMENT | passed_on,
            process_group=0,  # it is killed together with its copies; Ctrl-C is for the parent
        )
        self._requests = cast(IO[bytes], self._process.stdin)
        self._answers = cast(IO[bytes], self._process.stdout)
        self._timed_out = False

    def is_running(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: Mapping[str, Any], data: bytes, timeout_seconds: float) -> tuple[dict[str, Any], bytes]:
        """Send a request, and wait for its answer and pixels."""
        timer = threading.Timer(timeout_seconds, self._time_out)
        timer.daemon = True
        timer.start()
        try:
            answer = self._exchange(request, data)
        finally:
            timer.cancel()
            timer.join()
        if self._timed_out:
            raise OutOfTime("the machine is too busy to decode the image; send it again")
        if answer is None:
            raise OutOfMemory("the decoder of large images was stopped; send the image again")
        return answer

    def stop(self) -> None:
        self._kill()
        with suppress(BrokenPipeError):  # what it had not read of a request
            self._requests.close()
        self._answers.close()
        self._process.wait()

    def forget(self) -> None:
        """After a fork: another process's child, whose pipes are closed here, and which is not waited for."""
        self._requests.close()
        self._answers.close()
        self._process.returncode = 0  # otherwise Popen would report it as running

    def _exchange(self, request: Mapping[str, Any], data: bytes) -> tuple[dict[str, Any], bytes] | None:
        """None if the child process has ended meanwhile."""
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
            self._requests.write(data)
            self._requests.flush()
        except BrokenPipeError:
            return None
        line = self._answers.readline()
        if not line.endswith(b"\n"):
            return None
        answer = json.loads(line)
        pixels = self._answers.read(answer["length"])
        return (answer, pixels) if len(pixels) == answer["length"] else None

    def _time_out(self) -> None:
        self._timed_out = True
        self._kill()

    def _kill(self) -> None:
        if self.is_running():
            with suppress(ProcessLookupError, PermissionError):  # it has ended this moment
                os.killpg(self._process.pid, signal.SIGKILL)


class _Decoders:
    """Child processes that wait for work; no more are at work than the machine has processors and GiB of memory."""

    def __init__(self) -> None:
        self.forget()

    def ask(self, request: Mapping[str, Any], data: bytes, timeout_seconds: float) -> tuple[dict[str, Any], bytes]:
        if not self._free.acquire(timeout=timeout_seconds):
            raise OutOfTime("other large images are being decoded; send the image again")
        try:
            return self._ask_one(request, data, timeout_seconds)
        finally:
            self._free.release()

    def close(self) -> None:
        with suppress(IndexError):  # all are ended
            while True:
                self._idle.pop().stop()

    def forget(self) -> None:
        """Begin anew. A forked process would share its parent's children, and get another's answers."""
        for decoder in getattr(self, "_idle", ()):
            decoder.forget()
        self._idle: deque[_Decoder] = deque()
        self._free = threading.BoundedSemaphore(_most_at_once())

    def _ask_one(self, request: Mapping[str, Any], data: bytes, timeout_seconds: float) -> tuple[dict[str, Any], bytes]:
        decoder = self._take()
        try:
            answer = decoder.ask(request, data, timeout_seconds)
        except BaseException:  # it may be in the middle of an answer
            decoder.stop()
            raise
        self._idle.append(decoder)
        return answer

    def _take(self) -> _Decoder:
        """The decoder that was last at work, or a new one if none is idle and alive."""
        with suppress(IndexError):
            while True:
                decoder = self._idle.pop()
                if decoder.is_running():
                    return decoder
                decoder.stop()
        try:
            return _Decoder()
        except OSError as error:
            raise OutOfMemory("no process could be started to decode the image; send it again") from error


def _most_at_once() -> int:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else _GIB
    return max(1, min(os.cpu_count() or 1, memory // _GIB))


def _import_path() -> list[str]:
    """Where this process finds its modules: in directories or a zip file; last, where this package was found."""
    return [*map(os.path.abspath, sys.path), str(Path(__file__).parents[2])]


_decoders: Final = _Decoders()
atexit.register(_decoders.close)
if IS_SUPPORTED:
    os.register_at_fork(after_in_child=_decoders.forget)
