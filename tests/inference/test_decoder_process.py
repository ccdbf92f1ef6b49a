"""Decoding in a child process: the same pixels and errors, and child processes that are replaced and end."""

import os
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from handler.errors import BrokenImage, ClassifierError, OutOfMemory, RejectedImage, TooManyPixels
from handler.inference.decoder_process import close_decoders, decode_in_child
from handler.inference.decoding import decode_here
from tests.support.decoder_children import children, decoders, is_running, run
from tests.support.decoder_inputs import jpeg_with_scans, photo, turned
from tests.support.images import encoded, png_that_claims, trousers
from tests.support.machine import PROJECT
from tests.support.waiting import wait_until

LIMIT = 50_000_000
SIDE = 224
PNG = encoded(trousers())

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are found in Linux's /proc")


@pytest.fixture(autouse=True)
def _no_child_is_left() -> Iterator[None]:
    close_decoders()
    yield
    close_decoders()


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
        wait_until(lambda: bool(decoders()))
        (child,) = decoders()
        wait_until(lambda: bool(children(child)))
        (copy,) = children(child)
        if victim == "child":
            os.killpg(child, sent)
        else:
            os.kill(copy, sent)
        with pytest.raises(error):
            caller.result()
    assert decode_in_child(PNG, "PNG", LIMIT, SIDE).size == (280, 280)


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
