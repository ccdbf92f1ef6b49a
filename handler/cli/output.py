"""Format results: a table for people, JSON lines or CSV for programs."""

import csv
import io
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final, Protocol

from handler.contract import Classification

_LABEL_WIDTH: Final = 11  # of most; a longer one moves the rest of its line


@dataclass(frozen=True)
class FileResult:
    """The classification of one file, or the reason why there is none."""

    path: str
    outcome: Classification | str


class Format(Protocol):
    """How results are printed."""

    def header(self) -> str | None:
        """The line before all results; None if there is none."""

    def lines(self, result: FileResult) -> str | None:
        """The lines of one file; None if it has none."""


class JsonLines:
    """A JSON object for each file: its path, with the fields of the API's response or with the error."""

    def header(self) -> None:
        return None

    def lines(self, result: FileResult) -> str:
        if isinstance(result.outcome, str):
            return json.dumps({"path": result.path, "error": result.outcome})
        return json.dumps({"path": result.path, **asdict(result.outcome.predictions[0]), **asdict(result.outcome)})


class Csv:
    """A row for each prediction, quoted as in RFC 4180; a file that failed has one row, with its error."""

    COLUMNS: Final = ("path", "rank", "label", "class_id", "score", "known", "known_score", "confident", "error")

    def header(self) -> str:
        return ",".join(self.COLUMNS)

    def lines(self, result: FileResult) -> str:
        return "\n".join(_csv_row([row.get(column, "") for column in self.COLUMNS]) for row in self._rows(result))

    def _rows(self, result: FileResult) -> list[dict[str, object]]:
        if isinstance(result.outcome, str):
            return [{"path": result.path, "error": result.outcome}]
        outcome = result.outcome
        image = {
            "known": json.dumps(outcome.known),
            "known_score": outcome.known_score,
            "confident": json.dumps(outcome.confident),
        }
        return [
            {"path": result.path, "rank": rank, **asdict(prediction), **image}
            for rank, prediction in enumerate(outcome.predictions, 1)
        ]


class Table:
    """Lines whose first column is as wide as the widest of `paths`; an unknown image has no label."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._path_width = max(map(_width, ["PATH", *paths]))

    def header(self) -> str:
        return self._line("PATH", "LABEL", "SCORE", "KNOWN", "CONFIDENT")

    def lines(self, result: FileResult) -> str | None:
        """One line for each prediction; a failed file has none, since its error is printed as a message."""
        if isinstance(result.outcome, str):
            return None
        if not result.outcome.known:
            return self._line(result.path, "-", "-", "no", "no")
        confident = "yes" if result.outcome.confident else "no"
        return "\n".join(
            self._line(result.path, prediction.label, f"{prediction.score:.3f}", "yes", confident)
            for prediction in result.outcome.predictions
        )

    def _line(self, path: str, label: str, score: str, known: str, confident: str) -> str:
        columns = (
            _padded(path, self._path_width),
            _padded(label, _LABEL_WIDTH),
            f"{score:<5}",
            f"{known:<5}",
            confident,
        )
        return "  ".join(columns)


def escaped(text: str) -> str:
    """Escape control characters and line breaks, which may be in a file name, so that `text` stays on one line."""
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        else character
        for character in text
    )


def _csv_row(values: Iterable[object]) -> str:
    # Python's writer quotes \r in a field only if its own lines end with it, as they do by default.
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue().removesuffix("\r\n")


def _padded(text: str, width: int) -> str:
    return escaped(text) + " " * (width - _width(text))


def _width(text: str) -> int:
    return sum(map(_columns, escaped(text)))


def _columns(character: str) -> int:
    """Columns on a terminal: an accent of its own, as macOS has it in names, has none; a Chinese character has two."""
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
