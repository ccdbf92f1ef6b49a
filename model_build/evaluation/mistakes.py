"""Gallery of mistakes: an HTML page with each photo that got a wrong label, what it is, and how sure the answer was.

It holds other people's photos: it is written into the run's folder, which is not committed.
"""

import base64
import html
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from handler.contract import Label
from handler.inference.vote import Vote
from model_build.evaluation.evaluate_photos import measured_sets
from model_build.evaluation.figures import Thresholds
from model_build.evaluation.fit import Measured
from model_build.evaluation.outputs import Networks

_THUMBNAIL: Final = 160  # pixels, longer side
_STYLE: Final = (
    "body{font:14px sans-serif;margin:1em}main{display:flex;flex-wrap:wrap;gap:1em}figure{margin:0;width:170px}"
    "figcaption{overflow-wrap:anywhere}.sure{color:#b00}"
)


@dataclass(frozen=True)
class Mistake:
    """A picture that was answered wrongly."""

    path: Path
    shown: str
    guess: str
    score: float
    known: bool
    confident: bool


def write_gallery(model_dir: Path, out: Path) -> int:
    """Write a page with all mistakes of what is in `model_dir` to `out`, the surest first; returns their number."""
    networks = Networks(model_dir)
    card, measured = networks.card, measured_sets(networks).all
    vote, thresholds = Vote.of_card(card.document), Thresholds(card.known_threshold, card.confident_threshold)
    mistakes = sorted(found_mistakes(measured, vote, thresholds, card.labels), key=lambda each: -each.score)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page(mistakes, len(measured)), encoding="utf-8")
    return len(mistakes)


def found_mistakes(
    measured: Measured, vote: Vote, thresholds: Thresholds, labels: tuple[Label, ...]
) -> Iterator[Mistake]:
    """Pictures of the ten classes with another label, and known pictures that are none of the ten."""
    output = measured.outputs.voted(vote)
    for picture, scores, known_score in zip(measured.pictures, output.probabilities, output.known, strict=True):
        best, score = int(scores.argmax()), float(scores.max())
        known = bool(known_score >= thresholds.known)
        if picture.class_id == best or (picture.class_id is None and not known):
            continue
        shown = picture.kind if picture.class_id is None else f"{labels[picture.class_id].english} ({picture.kind})"
        confident = known and score >= thresholds.confident
        yield Mistake(picture.path, shown, labels[best].english, score, known, confident)


def page(mistakes: list[Mistake], count: int) -> str:
    """The page, with the pictures in it."""
    figures = "\n".join(_figure(mistake) for mistake in mistakes)
    title = f"{len(mistakes)} mistakes in {count} pictures"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>The surest first. Red: confident. Do not publish: others took these photos.</p>"
        f"<main>\n{figures}\n</main></html>\n"
    )


def _figure(mistake: Mistake) -> str:
    known = "" if mistake.known else ", unknown"
    colour = ' class="sure"' if mistake.confident else ""
    return (
        f'<figure><img src="{_data_url(mistake.path)}" alt="{html.escape(mistake.shown)}">'
        f"<figcaption{colour}>{html.escape(mistake.shown)}<br><b>{html.escape(mistake.guess)}</b> "
        f"{100 * mistake.score:.0f} %{known}<br><small>{html.escape(mistake.path.stem)}</small></figcaption></figure>"
    )


def _data_url(path: Path) -> str:
    file = io.BytesIO()
    with Image.open(path) as image:
        small = image.convert("RGB")
        small.thumbnail((_THUMBNAIL, _THUMBNAIL))
    small.save(file, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
