"""Stripped shared objects are smaller, and do what they did."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import PIL
import pytest

from infra.packaging.stripping import strip_shared_objects, stripped
from tests.support.machine import PROJECT

_DECODE = """
import sys, PIL.Image, PIL._imaging
assert PIL._imaging.__file__.startswith(sys.argv[1]), PIL._imaging.__file__
for path in sys.argv[2:]:
    PIL.Image.open(path).convert("L").resize((28, 28))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="wheels of other systems have no ELF files")
def test_stripped_pillow_is_smaller_and_decodes_images(tmp_path: Path) -> None:
    site = Path(PIL.__file__).parents[1]
    for name in ("PIL", "pillow.libs"):
        shutil.copytree(site / name, tmp_path / name)
    before = _megabytes(tmp_path)

    strip_shared_objects(tmp_path)

    samples = sorted((PROJECT / "handler" / "static" / "samples").glob("*.jpg"))
    command = [sys.executable, "-c", _DECODE, str(tmp_path), *map(str, samples)]
    subprocess.run(command, check=True, env={"PYTHONPATH": str(tmp_path)})
    assert before - _megabytes(tmp_path) > 2


def test_stripping_again_changes_nothing() -> None:
    spec = find_spec("PIL._imaging")
    assert spec
    assert spec.origin
    once = stripped(Path(spec.origin).read_bytes())

    assert stripped(once) == once


def test_other_files_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "linked.so").write_text("INPUT(libother.so)")

    strip_shared_objects(tmp_path)

    assert (tmp_path / "linked.so").read_text() == "INPUT(libother.so)"


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*.so*")) / 1e6
