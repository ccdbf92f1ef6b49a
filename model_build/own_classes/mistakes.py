"""Mistakes of a model for your own classes: an HTML page of them, and images that may be in a wrong folder."""

from pathlib import Path
from typing import Final

from model_build.datasets.folder_checks import Finding
from model_build.reporting.gallery import Mistake, page
from model_build.run_files import read_json, require

MISTAKES_FILE: Final = "mistakes.json"
_SUSPECT_SCORE: Final = 0.9  # of another class than the folder's: perhaps the folder is wrong


def write_gallery(run_dir: Path, folder: Path, out: Path) -> int:
    """Write a page with the run's mistakes to `out`, the surest first; returns their number."""
    found = read_json(require(run_dir, MISTAKES_FILE, "evaluate"))
    mistakes = [
        Mistake(
            folder / each["image"],
            each["shown"],
            each["guess"],
            each["score"],
            each["known"],
            confident=each["score"] >= _SUSPECT_SCORE,
        )
        for each in found["mistakes"]
    ]
    title = f"{len(mistakes)} mistakes in {found['images']} test images"
    out.parent.mkdir(parents=True, exist_ok=True)
    hint = "The surest first. Is the label of the folder right? Where it is red, perhaps not."
    out.write_text(page(mistakes, title, hint), encoding="utf-8")
    return len(mistakes)


def suspects(run_dir: Path) -> list[Finding]:
    """Test images that a run's model surely calls another class: perhaps they are in a wrong folder."""
    path = run_dir / MISTAKES_FILE
    mistakes = read_json(path)["mistakes"] if path.is_file() else []
    found = tuple(f"{each['image']} ({each['guess']}?)" for each in mistakes if each["score"] >= _SUSPECT_SCORE)
    return [Finding(False, f"{len(found)} that {run_dir} surely calls another class", found)] if found else []
