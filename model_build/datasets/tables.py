"""Read a CSV file in UTF-8 whose columns are parted by commas, semicolons (spreadsheets in Europe) or tabs."""

import csv
from pathlib import Path
from typing import Final

from model_build.checks import WrongFolder

_DELIMITERS: Final = ",;\t"


def read_table(path: Path) -> list[list[str]]:
    """The rows of the file at `path`, without empty ones; the first row tells the delimiter. Raises WrongFolder."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            delimiter = max(_DELIMITERS, key=file.readline().count)
            file.seek(0)
            return [row for row in csv.reader(file, delimiter=delimiter) if any(map(str.strip, row))]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise WrongFolder(f"{path} cannot be read as CSV in UTF-8: {error}") from error
