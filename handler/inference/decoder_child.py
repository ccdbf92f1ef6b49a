"""Child process that decodes images within limits of computing time and memory; `decoder_process` starts it.

It imports the decoders once and forks for each image: the copy decodes, under limits that end with it.
A request on stdin is a line of JSON, then the image's bytes. An answer on stdout is a line of JSON, then raw pixels.
"""

import json
import math
import os
import resource
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

from PIL import Image

from handler.errors import BrokenImage, ClassifierError, OutOfMemory, TooComplex
from handler.inference.decoding import decode_here

# How a copy ends. It has answered only if it ends with _ANSWERED; for every other end this process answers.
_ANSWERED, _FAILED, _LIMIT_OF_MEMORY, _NO_MEMORY = 0, 1, 3, 4
_TIME_IS_UP: Final = frozenset({signal.SIGPROF, signal.SIGXCPU})


@dataclass(frozen=True)
class Request:
    """One image to decode: the arguments of `decode_here` without its bytes, and the limits."""

    length: int  # of the image file, in bytes
    format: str
    max_pixels: int
    needed_side: int
    seconds: float  # of computing time
    extra_bytes: int  # of memory, above what this process has


def main() -> None:
    """Answer requests until stdin ends, which it does when the parent process ends."""
    Image.init()  # otherwise each copy would import the plugins anew
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # a parent that ignores it would hand that down
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a decoder prints must not get among the answers
    while line := sys.stdin.buffer.readline():
        request = Request(**json.loads(line))
        data = sys.stdin.buffer.read(request.length)
        if len(data) < request.length:
            break
        _import_decoder(request.format)
        _answer(request, data, answers)


def _import_decoder(format: str) -> None:  # noqa: A002  Pillow's name
    """Import once what `decode_here` imports only when it is needed, and each copy would import anew."""
    if format == "HEIF":
        import pi_heif  # noqa: F401, PLC0415
    elif format == "TIFF":
        import handler.inference.tiff  # noqa: F401, PLC0415


def _answer(request: Request, data: bytes, answers: BinaryIO) -> None:
    try:
        pid = os.fork()
    except OSError:
        return _send_error(answers, OutOfMemory("too little memory is free to decode the image; send it again"), 0)
    if pid == 0:
        _decode_and_exit(request, data, answers)
    _, status, usage = os.wait4(pid, 0)
    if status != _ANSWERED:
        error = _error_by(os.waitstatus_to_exitcode(status), usage, request)
        _send_error(answers, error, usage.ru_utime + usage.ru_stime)
    return None


def _decode_and_exit(request: Request, data: bytes, answers: BinaryIO) -> NoReturn:
    exit_code = _FAILED
    try:
        exit_code = _decode(request, data, answers)
    except BrokenPipeError:  # the parent process has ended: nobody waits for an answer
        exit_code = _ANSWERED
    except BaseException:  # this copy must end here, whatever happens
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(exit_code)


def _decode(request: Request, data: bytes, answers: BinaryIO) -> int:
    """Decode within the limits and send the answer. Returns the exit code of this copy."""
    _prefer_this_process_when_memory_is_short()
    memory = _LimitedMemory(request.extra_bytes)
    try:
        _limit_computing_time(request.seconds)
        image = decode_here(data, request.format, request.max_pixels, request.needed_side)
        pixels = image.tobytes()
    except (MemoryError, OutOfMemory):
        return memory.exit_code
    except ClassifierError as error:
        if isinstance(error, BrokenImage) and memory.is_used_up():
            return memory.exit_code
        _end_limit_of_computing_time()
        _send_error(answers, error, time.process_time())
    else:
        _end_limit_of_computing_time()
        head = {"mode": image.mode, "size": image.size, "length": len(pixels), "seconds": time.process_time()}
        _send(answers, head, pixels)
    return _ANSWERED


class _LimitedMemory:
    """Limit this process's address space to its size now and `extra_bytes`; a narrower limit that it has stays.

    Only Linux holds a process to it.
    """

    def __init__(self, extra_bytes: int) -> None:
        self.exit_code = _NO_MEMORY
        self._room = extra_bytes
        if sys.platform != "linux":
            return
        self._size = _kilobytes("VmSize") * 1024
        inherited, _ = resource.getrlimit(resource.RLIMIT_AS)
        if inherited != resource.RLIM_INFINITY and inherited < self._size + extra_bytes:
            self._room = inherited - self._size
        else:
            resource.setrlimit(resource.RLIMIT_AS, (self._size + extra_bytes,) * 2)
            self.exit_code = _LIMIT_OF_MEMORY

    def is_used_up(self) -> bool:
        """Whether a decoder's error is more likely due to this limit: libwebp and libjpeg report it as damage.

        An allocation that failed is not in the peak, and the largest are about half of what a decoder takes.
        """
        return sys.platform == "linux" and _kilobytes("VmPeak") * 1024 - self._size > self._room / 2


def _kilobytes(field: str) -> int:
    """A size of this process in KiB (proc_pid_status(5))."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def _limit_computing_time(seconds: float) -> None:
    """End this process after `seconds` on all its threads: by a timer, and by the kernel's limit of whole seconds."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    whole = math.ceil(seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))


def _end_limit_of_computing_time() -> None:
    """An answer is sent whole, or not at all."""
    signal.setitimer(signal.ITIMER_PROF, 0)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))


def _prefer_this_process_when_memory_is_short() -> None:
    """Let Linux end this process, not the one that serves, when the machine has no memory left (proc_pid(5))."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _error_by(exit_code: int, usage: resource.struct_rusage, request: Request) -> ClassifierError:
    """Why a copy has ended without an answer; a negative exit code is a signal's number."""
    if -exit_code in _TIME_IS_UP or usage.ru_utime + usage.ru_stime > request.seconds:
        return TooComplex(f"decoding the image takes more than {request.seconds:g} seconds of computing time")
    if exit_code in (_NO_MEMORY, -signal.SIGKILL):  # which Linux sends when memory is short
        return OutOfMemory("too little memory is free to decode the image; send it again")
    # libde265 aborts where an allocation fails. Linux counts the peak in KiB.
    if exit_code == _LIMIT_OF_MEMORY or usage.ru_maxrss * 1024 > request.extra_bytes / 2:
        return TooComplex(f"decoding the image takes more than {request.extra_bytes // 2**20} MiB of memory")
    return BrokenImage(f"the {request.format} image is damaged")  # a decoder has crashed


def _send_error(answers: BinaryIO, error: ClassifierError, seconds: float) -> None:
    _send(answers, {"error": type(error).__name__, "sentence": str(error), "length": 0, "seconds": seconds})


def _send(answers: BinaryIO, head: dict[str, Any], pixels: bytes = b"") -> None:
    answers.write(json.dumps(head).encode() + b"\n")
    answers.write(pixels)
    answers.flush()
