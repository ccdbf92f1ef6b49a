"""What became of a file in, its line of a table or of JSON out."""

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from handler.contract import Classification


@dataclass(frozen=True)
class Row:
    """What became of one path: its classification, or the reason why there is none."""

    path: str
    outcome: Classification | str


def json_line(row: Row) -> str:
    """The fields of the API's reply, or the error, with the path."""
    if isinstance(row.outcome, str):
        return json.dumps({"path": row.path, "error": row.outcome})
    return json.dumps({"path": row.path, **asdict(row.outcome.predictions[0]), **asdict(row.outcome)})


class Table:
    """Lines whose first column is as wide as the widest of `paths`."""

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
        return f"{printable(path)}{padding}  {printable(label):<11}  {score}  {known}"


def printable(text: str) -> str:
    """`text` on one line: what would steer the terminal, such as a newline in a file's name, becomes an escape."""
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        else character
        for character in text
    )


def _width(text: str) -> int:
    # Chinese characters take two columns of a terminal.
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in printable(text))
