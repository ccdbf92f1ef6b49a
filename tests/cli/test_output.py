"""Formats of results: names that are awkward in a table or in CSV."""

import csv
import io

import pytest

from handler.cli.output import Csv, FileResult, Table
from handler.contract import Classification, Prediction

OUTCOME = Classification((Prediction("Hat", 6, 0.9),), known=True, known_score=0.9, confident=True)


@pytest.mark.parametrize("name", ["a\rb.png", "a\nb.png", "a\r\nb.png", 'a"b.png', "a,b.png", " a .png"])
def test_csv_is_read_as_it_was_written(name: str) -> None:
    table = Csv()
    text = f"{table.header()}\n{table.lines(FileResult(name, OUTCOME))}\n{table.lines(FileResult(name, 'an error'))}\n"
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["path"], row["label"], row["error"]) for row in rows] == [(name, "Hat", ""), (name, "", "an error")]


def test_columns_of_the_table_are_below_each_other_whatever_the_letters() -> None:
    composed, decomposed, wide = "\u00e9.png", "e\u0301.png", "帽.png"
    table = Table([composed, decomposed, wide, "hat.png"])
    lines = {name: str(table.lines(FileResult(name, OUTCOME))) for name in (composed, decomposed, wide, "hat.png")}
    assert lines[decomposed].index("Hat") == lines[composed].index("Hat") + 1  # the accent takes no column
    assert lines[wide].index("Hat") == lines[composed].index("Hat") - 1
    assert lines["hat.png"].index("Hat") == lines[composed].index("Hat")
