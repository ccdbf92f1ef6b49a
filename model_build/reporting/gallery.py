"""HTML page of mistakes: each image, its label, the guess and its score. The images are in the page itself."""

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from handler.inference.decoding import decode

_THUMBNAIL: Final = 160  # pixels, longer side
_MAX_PIXELS: Final = 50_000_000
_STYLE: Final = (
    "body{font:14px sans-serif;margin:1em}main{display:flex;flex-wrap:wrap;gap:1em}figure{margin:0;width:170px}"
    "figcaption{overflow-wrap:anywhere}.sure{color:#b00}"
)


@dataclass(frozen=True)
class Mistake:
    """An image that was answered wrongly."""

    path: Path
    shown: str
    guess: str
    score: float
    known: bool
    confident: bool


def page(mistakes: Sequence[Mistake], title: str, hint: str) -> str:
    """The page, in the order of `mistakes`; images that are no longer there are left out."""
    figures = "\n".join(_figure(mistake) for mistake in mistakes)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>{hint}</p><main>\n{figures}\n</main></html>\n"
    )


def _figure(mistake: Mistake) -> str:
    known = "" if mistake.known else ", unknown"
    colour = ' class="sure"' if mistake.confident else ""
    image = (
        f'<img src="{_data_url(mistake.path)}" alt="{html.escape(mistake.shown)}">' if mistake.path.is_file() else ""
    )
    return (
        f"<figure>{image}"
        f"<figcaption{colour}>{html.escape(mistake.shown)}<br><b>{html.escape(mistake.guess)}</b> "
        f"{100 * mistake.score:.0f} %{known}<br><small>{html.escape(mistake.path.stem)}</small></figcaption></figure>"
    )


def _data_url(path: Path) -> str:
    file = io.BytesIO()
    small = decode(path.read_bytes(), _MAX_PIXELS, _THUMBNAIL).convert("RGB")  # upright, and HEIC too
    small.thumbnail((_THUMBNAIL, _THUMBNAIL))
    small.save(file, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
