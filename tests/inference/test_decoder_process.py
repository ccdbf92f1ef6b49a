"""Decoding in a child process: the same pixels, limits that hold, and child processes that are replaced and end."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from handler.errors import (
    BrokenImage,
    ClassifierError,
    OutOfMemory,
    OutOfTime,
    RejectedImage,
    TooComplex,
    TooManyPixels,
)
from handler.inference.decoder_process import close_decoders, decode_in_child
from handler.inference.decoding import decode_here
from tests.support.decoder_inputs import jpeg_with_scans, photo, tiff_with_strips, turned, webp_of_few_bytes
from tests.support.images import encoded, png_that_claims, trousers
from tests.support.machine import PROJECT

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


def children(pid: int | str = "self") -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sorted(int(child) for task in tasks for child in (task / "children").read_text().split())


def decoders() -> list[int]:
    """The child processes of this one that decode."""
    return [pid for pid in children() if b"decoder_child" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def wait_until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def run(script: str, *arguments: str, cwd: Path = PROJECT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own, in which warnings are errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
        env=os.environ | environment,
    )


@pytest.mark.parametrize(
    ("format_name", "data"),
    [
        pytest.param("PNG", encoded(photo().convert("L")), id="L"),
        pytest.param("PNG", encoded(photo().convert("LA")), id="LA"),
        pytest.param("PNG", encoded(photo()), id="RGB"),
        pytest.param("PNG", encoded(photo().convert("RGBA")), id="RGBA"),
        pytest.param("PNG", encoded(photo().convert("1")), id="1"),
        pytest.param("GIF", encoded(photo().quantize(64), "GIF"), id="P"),
        pytest.param("TIFF", encoded(photo().convert("I"), "TIFF"), id="I"),
        pytest.param("TIFF", encoded(photo().convert("F"), "TIFF"), id="F"),
        pytest.param("JPEG", encoded(photo().convert("CMYK"), "JPEG"), id="CMYK"),
        pytest.param("JPEG", turned(photo(), 6), id="turned"),
        pytest.param("JPEG", encoded(photo(size=(3000, 2000)), "JPEG"), id="reduced"),
        pytest.param("WEBP", encoded(photo(), "WEBP"), id="WebP"),
        pytest.param("AVIF", encoded(photo(), "AVIF"), id="AVIF"),
        pytest.param("BMP", encoded(photo(), "BMP"), id="BMP"),
    ],
)
def test_image_is_equal_to_the_one_decoded_here(format_name: str, data: bytes) -> None:
    here, child = (decode(data, format_name, LIMIT, SIDE) for decode in (decode_here, decode_in_child))
    assert (child.mode, child.size) == (here.mode, here.size)
    assert child.tobytes() == here.tobytes()


@pytest.mark.parametrize(
    ("data", "error"),
    [
        pytest.param(PNG[: len(PNG) // 2], BrokenImage, id="cut"),
        pytest.param(b"", BrokenImage, id="empty"),
        pytest.param(png_that_claims(9000, 9000), TooManyPixels, id="too many pixels"),
    ],
)
def test_error_is_the_one_raised_here(data: bytes, error: type[RejectedImage]) -> None:
    raised = []
    for decode in (decode_here, decode_in_child):
        with pytest.raises(error) as caught:
            decode(data, "PNG", LIMIT, SIDE)
        raised.append(str(caught.value))
    assert raised[0] == raised[1]


@dataclass(frozen=True)
class Usage:
    error: str
    sentence: str
    cpu_seconds: float
    peak_bytes: int


# Decodes stdin; prints the error, and what the child process and its copies have used.
_MEASURE = """
import json, resource, sys
from handler.inference.decoder_process import close_decoders, decode_in_child
name, seconds, extra_bytes = sys.argv[1:]
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
    ("format_name", "data", "seconds", "extra_mib", "sentence"),
    [
        pytest.param("JPEG", jpeg_with_scans(3000), 0.5, 400, "0.5 seconds", id="JPEG: thousands of scans"),
        pytest.param("TIFF", tiff_with_strips(1_000_000), 0.5, 400, "0.5 seconds", id="TIFF: a million strips"),
        pytest.param("WEBP", webp_of_few_bytes(), 30, 300, "300 MiB", id="WebP: 49 million pixels in few bytes"),
        pytest.param("PNG", encoded(Image.new("RGBA", (7000, 7000))), 30, 100, "100 MiB", id="PNG: large"),
        pytest.param("AVIF", encoded(photo(size=(5000, 4000)), "AVIF", speed=10), 30, 80, "80 MiB", id="AVIF: large"),
    ],
)
def test_hostile_image_is_stopped_at_its_limit(
    format_name: str, data: bytes, seconds: float, extra_mib: int, sentence: str
) -> None:
    rest = measured(PNG, "PNG", 30, 400 * MIB)
    assert rest.error == ""
    usage = measured(data, format_name, seconds, extra_mib * MIB)
    assert usage.error == "TooComplex"
    assert usage.sentence.startswith(f"decoding the image takes more than {sentence} of ")
    assert usage.cpu_seconds < rest.cpu_seconds + seconds + 1
    assert usage.peak_bytes < rest.peak_bytes + len(data) + extra_mib * MIB


def test_next_image_is_decoded_by_the_same_child_after_a_hostile_one() -> None:
    decode_in_child(PNG, "PNG", LIMIT, SIDE)
    before = decoders()
    with pytest.raises(TooComplex):
        decode_in_child(jpeg_with_scans(3000), "JPEG", LIMIT, SIDE, seconds=0.2)
    assert decode_in_child(PNG, "PNG", LIMIT, SIDE).tobytes() == trousers().tobytes()
    assert decoders() == before


def test_callers_in_many_threads_get_their_own_images() -> None:
    images = [photo(seed) for seed in range(40)]
    with ThreadPoolExecutor(8) as threads:
        decoded = list(threads.map(lambda image: decode_in_child(encoded(image), "PNG", LIMIT, SIDE), images))
    assert [image.tobytes() for image in decoded] == [image.tobytes() for image in images]
    assert len(decoders()) <= (os.cpu_count() or 1)


def test_idle_child_that_was_killed_is_replaced() -> None:
    decode_in_child(PNG, "PNG", LIMIT, SIDE)
    (idle,) = decoders()
    os.kill(idle, signal.SIGKILL)
    wait_until(lambda: not is_running(idle))
    assert decode_in_child(PNG, "PNG", LIMIT, SIDE).size == (280, 280)
    assert idle not in decoders()


@pytest.mark.parametrize(
    ("victim", "sent", "error"),
    [
        pytest.param("child", signal.SIGKILL, OutOfMemory, id="child killed"),
        pytest.param("copy", signal.SIGKILL, OutOfMemory, id="copy killed, as Linux does when memory is short"),
        pytest.param("copy", signal.SIGSEGV, BrokenImage, id="copy crashed"),
    ],
)
def test_decoder_that_ends_within_an_image_is_replaced(
    victim: str, sent: signal.Signals, error: type[ClassifierError]
) -> None:
    with ThreadPoolExecutor(1) as thread:
        caller = thread.submit(decode_in_child, jpeg_with_scans(20_000), "JPEG", LIMIT, SIDE, seconds=60)
        (child,) = wait_until(decoders)
        (copy,) = wait_until(lambda: children(child))
        if victim == "child":
            os.killpg(child, sent)
        else:
            os.kill(copy, sent)
        with pytest.raises(error):
            caller.result()
    assert decode_in_child(PNG, "PNG", LIMIT, SIDE).size == (280, 280)


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
        wait_until(decoders)
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


def test_child_has_no_secrets_and_no_other_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    decode_in_child(PNG, "PNG", LIMIT, SIDE)
    (child,) = decoders()
    assert b"AWS" not in Path(f"/proc/{child}/environ").read_bytes()
    opened = {int(file.name): str(file.readlink()) for file in Path(f"/proc/{child}/fd").iterdir()}
    assert sorted(opened) == [0, 1, 2, 3]
    assert opened[3].startswith("pipe:")  # where answers go


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    decode_in_child(PNG, "PNG", LIMIT, SIDE)
    assert threading.active_count() == before


def test_child_ends_with_a_parent_that_is_killed() -> None:
    script = """
import os, signal
from pathlib import Path
from handler.inference.decoder_process import decode_in_child
decode_in_child(bytes.fromhex(os.environ["IMAGE"]), "PNG", 10**8, 224)
print(Path("/proc/self/task", str(os.getpid()), "children").read_text(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    with pytest.raises(subprocess.CalledProcessError) as killed:
        run(script, IMAGE=PNG.hex())
    assert killed.value.returncode == -signal.SIGKILL
    child = int(killed.value.stdout)
    wait_until(lambda: not is_running(child))


def test_forked_process_does_not_share_a_child_with_its_parent() -> None:
    script = """
import os
from pathlib import Path
from handler.inference.decoder_process import decode_in_child

def decode():
    decode_in_child(bytes.fromhex(os.environ["IMAGE"]), "PNG", 10**8, 224)
    print(Path("/proc/self/task", str(os.getpid()), "children").read_text(), flush=True)

decode()
if os.fork() == 0:
    decode()
else:
    os.wait()
"""
    ended = run(script, IMAGE=PNG.hex())
    parents, copys = ended.stdout.splitlines()
    assert parents.split() != copys.split()
    assert ended.stderr == ""


def test_package_in_a_zip_file_decodes(tmp_path: Path) -> None:
    archive = tmp_path / "app.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for source in (PROJECT / "handler").rglob("*.py"):
            file.write(source, source.relative_to(PROJECT))
    script = """
import os, handler
from handler.inference.decoder_process import decode_in_child
print(decode_in_child(bytes.fromhex(os.environ["IMAGE"]), "PNG", 10**8, 224).size, handler.__file__)
"""
    ended = run(script, cwd=tmp_path, PYTHONPATH="app.zip", IMAGE=PNG.hex())
    assert ended.stdout == f"(280, 280) {archive}/handler/__init__.py\n"


def test_limits_do_not_outlast_an_image() -> None:
    limits = [resource.getrlimit(kind) for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU)]
    for _ in range(3):
        decode_in_child(PNG, "PNG", LIMIT, SIDE, seconds=1, extra_bytes=50 * MIB)
    (child,) = decoders()
    assert [resource.prlimit(child, kind) for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU)] == limits
