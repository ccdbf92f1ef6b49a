"""Format results as lines of a table or of JSON."""

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from handler.contract import Classification


@dataclass(frozen=True)
class FileResult:
    """The classification of one file, or the reason why there is none."""

    path: str
    outcome: Classification | str


def json_line(result: FileResult) -> str:
    """The path with the fields of the API's response, or with the error."""
    if isinstance(result.outcome, str):
        return json.dumps({"path": result.path, "error": result.outcome})
    return json.dumps({"path": result.path, **asdict(result.outcome.predictions[0]), **asdict(result.outcome)})


class Table:
    """Format lines whose first column is as wide as the widest of `paths`."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._path_width = max(map(_width, ["PATH", *paths]))

    def header(self) -> str:
        return self._line("PATH", "LABEL", "SCORE", "KNOWN")

    def lines(self, path: str, classification: Classification) -> str:
        """One line for each prediction."""
        known = "yes" if classification.known else "no"
        return "\n".join(
            self._line(path, prediction.label, f"{prediction.score:.3f}", known)
            for prediction in classification.predictions
        )

    def _line(self, path: str, label: str, score: str, known: str) -> str:
        padding = " " * (self._path_width - _width(path))
        return f"{escaped(path)}{padding}  {escaped(label):<11}  {score}  {known}"


def escaped(text: str) -> str:
    """Escape control characters and line breaks, which may be in a file name, so that `text` stays on one line."""
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        else character
        for character in text
    )


def _width(text: str) -> int:
    # Chinese characters are two columns wide on a terminal.
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in escaped(text))
