"""Limits of computing time, memory and waiting for images that are decoded in a child process."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from PIL import Image

from handler.errors import OutOfMemory, OutOfTime, TooComplex
from handler.inference import decoder_process
from handler.inference.decoder_process import close_decoders, decode_in_child
from tests.support.decoder_children import decoders, is_running, run
from tests.support.decoder_inputs import jpeg_with_scans, photo, tiff_with_strips, webp_of_few_bytes
from tests.support.images import encoded, trousers
from tests.support.machine import PROJECT
from tests.support.waiting import wait_until

LIMIT = 50_000_000
SIDE = 224
PNG = encoded(trousers())
MIB = 2**20

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="macOS does not hold a process to its limit of memory")


@pytest.fixture(autouse=True)
def _no_child_is_left() -> Iterator[None]:
    close_decoders()
    yield
    close_decoders()


@dataclass(frozen=True)
class Usage:
    error: str
    sentence: str
    cpu_seconds: float
    peak_bytes: int


# Decodes stdin; prints the error, and what the child process and its copies have used.
_MEASURE = """
import json, resource, sys
from handler.inference import decoder_process
from handler.inference.decoder_process import close_decoders, decode_in_child
name, seconds, extra_bytes = sys.argv[1:]
decoder_process._ELAPSED_FACTOR = 100  # on a busy machine, computing time is measured all the same
found = ("", "")
try:
    decode_in_child(sys.stdin.buffer.read(), name, 10**8, 224, seconds=float(seconds), extra_bytes=int(extra_bytes))
except Exception as error:
    found = (type(error).__name__, str(error))
close_decoders()
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([*found, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024]))
"""


def measured(data: bytes, format_name: str, seconds: float, extra_bytes: int) -> Usage:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", _MEASURE, format_name, str(seconds), str(extra_bytes)],
        input=data,
        capture_output=True,
        check=True,
        cwd=PROJECT,
    )
    assert ended.stderr == b""
    return Usage(*json.loads(ended.stdout))


@pytest.mark.parametrize(
    ("format_name", "make", "seconds", "extra_mib", "sentence"),
    [
        pytest.param("JPEG", lambda: jpeg_with_scans(3000), 0.5, 400, "0.5 seconds", id="JPEG: thousands of scans"),
        pytest.param("TIFF", lambda: tiff_with_strips(1_000_000), 0.5, 400, "0.5 seconds", id="TIFF: a million strips"),
        pytest.param("WEBP", webp_of_few_bytes, 30, 300, "300 MiB", id="WebP: 49 million pixels in few bytes"),
        pytest.param("PNG", lambda: encoded(Image.new("RGBA", (7000, 7000))), 30, 100, "100 MiB", id="PNG: large"),
        pytest.param(
            "AVIF", lambda: encoded(photo(size=(5000, 4000)), "AVIF", speed=10), 30, 80, "80 MiB", id="AVIF: large"
        ),
    ],
)
def test_hostile_image_is_stopped_at_its_limit(
    format_name: str, make: Callable[[], bytes], seconds: float, extra_mib: int, sentence: str
) -> None:
    data = make()
    rest = measured(PNG, "PNG", 30, 400 * MIB)
    assert rest.error == ""
    usage = measured(data, format_name, seconds, extra_mib * MIB)
    assert usage.error == "TooComplex"
    assert usage.sentence.startswith(f"decoding the image takes more than {sentence} of ")
    assert usage.cpu_seconds < rest.cpu_seconds + seconds + 1
    assert usage.peak_bytes < rest.peak_bytes + len(data) + extra_mib * MIB


def test_next_image_is_decoded_by_the_same_child_after_a_hostile_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_process, "_ELAPSED_FACTOR", 100)  # as above
    decode_in_child(PNG, "PNG", LIMIT, SIDE)
    before = decoders()
    with pytest.raises(TooComplex):
        decode_in_child(jpeg_with_scans(3000), "JPEG", LIMIT, SIDE, seconds=0.2)
    assert decode_in_child(PNG, "PNG", LIMIT, SIDE).tobytes() == trousers().tobytes()
    assert decoders() == before


def test_image_that_gets_no_processor_may_be_sent_again() -> None:
    decode_in_child(PNG, "PNG", LIMIT, SIDE)
    (child,) = decoders()
    os.kill(child, signal.SIGSTOP)
    with pytest.raises(OutOfTime):
        decode_in_child(encoded(photo(size=(2000, 1000))), "PNG", LIMIT, SIDE, seconds=0.1)
    assert not is_running(child)
    assert decode_in_child(PNG, "PNG", LIMIT, SIDE).size == (280, 280)


def test_caller_waits_a_bounded_time_for_a_busy_decoder() -> None:
    slow = jpeg_with_scans(20_000)
    with ThreadPoolExecutor(8) as threads:
        callers = [threads.submit(decode_in_child, slow, "JPEG", LIMIT, SIDE, seconds=60) for _ in range(8)]
        wait_until(lambda: bool(decoders()))
        time.sleep(0.5)  # all decoders are started
        with pytest.raises(OutOfTime, match="other large images"):
            decode_in_child(PNG, "PNG", LIMIT, SIDE, seconds=0.1)
        while not all(caller.done() for caller in callers):
            for pid in decoders():
                os.killpg(pid, signal.SIGKILL)
            time.sleep(0.02)
    assert {type(caller.exception()) for caller in callers} == {OutOfMemory}


def test_memory_limit_of_the_parent_is_not_the_fault_of_the_image() -> None:
    script = """
import resource, sys
from handler.errors import OutOfMemory
from handler.inference.decoder_process import decode_in_child
resource.setrlimit(resource.RLIMIT_AS, (500 * 2**20, 500 * 2**20))
try:
    decode_in_child(bytes.fromhex(sys.argv[1]), "WEBP", 10**8, 224, extra_bytes=2**31)
except OutOfMemory:
    print("OutOfMemory")
"""
    ended = run(script, webp_of_few_bytes().hex())
    assert (ended.stdout, ended.stderr) == ("OutOfMemory\n", "")


def test_limits_do_not_outlast_an_image() -> None:
    limits = [resource.getrlimit(kind) for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU)]
    for _ in range(3):
        decode_in_child(PNG, "PNG", LIMIT, SIDE, seconds=1, extra_bytes=50 * MIB)
    (child,) = decoders()
    assert [resource.prlimit(child, kind) for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU)] == limits
