"""Pillow's own test images: none fails, costs much, or is refused that Pillow opens."""

import resource
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from handler.errors import ClassifierError, OutOfMemory, OutOfTime
from handler.inference.classifier import Classifier
from handler.inference.decoder_process import close_decoders
from handler.inference.pipeline import classify
from handler.settings import Settings
from tests.support.costs import MAX_CPU_SECONDS, MAX_MEBIBYTES
from tests.support.decoder_children import decoders
from tests.support.pillow_images import images_of_pillow

FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
MAX_PIXELS = Settings().max_pixels
TICKS_PER_SECOND = 100  # of /proc/PID/stat; Linux has no other value

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="measures itself by /proc")]


@dataclass(frozen=True)
class Outcome:
    path: Path
    error: ClassifierError | None
    cpu_seconds: float


@dataclass(frozen=True)
class Run:
    """All images classified, one after the other in this process."""

    outcomes: list[Outcome]
    mebibytes: float  # of memory at the peak, above that before


@pytest.fixture(scope="module")
def run(classifier: Classifier) -> Run:
    paths = images_of_pillow()
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak (proc_pid_clear_refs(5))
    rest, others = mebibytes("VmRSS"), largest_child()
    outcomes = [outcome_of(path, classifier) for path in paths]
    peak = mebibytes("VmHWM") - rest
    close_decoders()
    decoder = largest_child()  # unless a child of another test was larger
    return Run(outcomes, peak + (max(0, decoder - rest) if decoder > others else 0))


def largest_child() -> float:
    """Memory in MiB, at its peak, of the largest child process that has ended."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def outcome_of(path: Path, classifier: Classifier) -> Outcome:
    content, before, error = path.read_bytes(), cpu_seconds(), None
    try:
        classify(classifier, content, MAX_PIXELS, top_k=1)
    except ClassifierError as found:
        error = found
    return Outcome(path, error, cpu_seconds() - before)


def cpu_seconds() -> float:
    """Of this process and of those that decode for it (proc_pid_stat(5))."""
    ticks = 0
    for pid in decoders():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return time.process_time() + ticks / TICKS_PER_SECOND


def mebibytes(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))


def is_opened_by_pillow(path: Path) -> bool:
    """Whether Pillow, as strict as it is by default, decodes the file in a format that this project lists."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return False
            image.load()
    except Exception:  # whatever its decoders stumble over
        return False
    return True


def test_all_images_are_answered_or_rejected(run: Run) -> None:
    assert len(run.outcomes) > 900
    failed = [each for each in run.outcomes if isinstance(each.error, OutOfTime | OutOfMemory)]
    assert failed == []


def test_no_image_takes_much_time_or_memory(run: Run) -> None:
    assert [each for each in run.outcomes if each.cpu_seconds > MAX_CPU_SECONDS] == []
    assert run.mebibytes < MAX_MEBIBYTES


def test_no_image_is_refused_that_pillow_opens(run: Run) -> None:
    refused = [each for each in run.outcomes if each.error]
    assert [each for each in refused if is_opened_by_pillow(each.path)] == []
