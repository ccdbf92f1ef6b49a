"""Gallery of mistakes: an HTML page with each photo that got a wrong label, what it is, and how sure the answer was.

It holds other people's photos: it is written into the run's folder, which is not committed.
"""

from collections.abc import Iterator
from pathlib import Path

from handler.contract import Label
from handler.inference.vote import Vote
from model_build.evaluation.evaluate_photos import measured_sets
from model_build.evaluation.figures import Thresholds
from model_build.evaluation.fit import Measured
from model_build.evaluation.outputs import Networks
from model_build.reporting.gallery import Mistake, page


def write_gallery(model_dir: Path, out: Path) -> int:
    """Write a page with all mistakes of what is in `model_dir` to `out`, the surest first; returns their number."""
    networks = Networks(model_dir)
    card, measured = networks.card, measured_sets(networks).all
    vote, thresholds = Vote.of_card(card.document), Thresholds(card.known_threshold, card.confident_threshold)
    mistakes = sorted(found_mistakes(measured, vote, thresholds, card.labels), key=lambda each: -each.score)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(mistakes_page(mistakes, len(measured)), encoding="utf-8")
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


def mistakes_page(mistakes: list[Mistake], count: int) -> str:
    title = f"{len(mistakes)} mistakes in {count} pictures"
    return page(mistakes, title, "The surest first. Red: confident. Do not publish: others took these photos.")
