"""Results are saved as JSON, Markdown and plots; sections that cannot be measured are skipped."""

import json
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.machine import this_machine
from bench.report import REPORT, markdown, save, write_report
from bench.sections import CannotMeasure, Plot, Section, Table
from bench.timing import Spread, in_turns

pytestmark = pytest.mark.slow

TABLE = Table("Speed", ("what", "ms", "count"), (("this", 0.12345, 12_345), ("that", None, 1), ("them", 1234.5, 0)))
BARS = Plot("bars", "Bars", "what", "ms", {"a": (("x", 1.0), ("y", 2.0)), "b": (("x", 3.0),)})
LINES = Plot("lines", "Lines", "size", "ms", {"a": ((1, 1.0), (10, 2.0))}, log_x=True, log_y=True)
SECTION = Section("one", "One", ("It was measured.",), (TABLE,), (BARS, LINES), ("That is slower.",), {"numpy": "2"})


def test_markdown_table_has_three_digits_and_marks_missing_cells() -> None:
    assert markdown(TABLE).splitlines()[2:] == [
        "| this | 0.123 | 12,345 |",
        "| that | not measured | 1 |",
        "| them | 1,234 | 0 |",
    ]


def test_row_of_wrong_length_is_rejected() -> None:
    with pytest.raises(ValueError, match="should have 2 cells"):
        Table("Speed", ("what", "ms"), (("this", 1, 2),))


def test_saved_section_includes_plots_and_machine(tmp_path: Path) -> None:
    save(SECTION, this_machine(), tmp_path)
    text = write_report(("none", "one"), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"one.json", "bars.png", "lines.png", REPORT}
    assert json.loads((tmp_path / "one.json").read_text())["section"]["tables"][0]["rows"][0] == [
        "this",
        0.12345,
        12345,
    ]
    assert this_machine().processor in text
    assert text.endswith("![Bars](bars.png)\n\n![Lines](lines.png)\n\n- That is slower.\n")


def unable(*, quick: bool) -> Section:  # noqa: ARG001
    raise CannotMeasure("install the tool")


def able(*, quick: bool) -> Section:  # noqa: ARG001
    return SECTION


def test_unmeasurable_section_is_skipped_and_the_rest_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "costs", "growth"], {"costs": unable, "growth": able}.__getitem__) == 1
    printed = capsys.readouterr()
    assert "costs was skipped: install the tool" in printed.err
    assert "| this | 0.123 | 12,345 |" in printed.out
    assert main(["--quick", "growth"], {"growth": able}.__getitem__) == 0


def test_unknown_section_is_rejected() -> None:
    with pytest.raises(SystemExit):
        main(["nonsense"])


def test_in_turns_alternates_contenders() -> None:
    called: list[str] = []
    spreads = in_turns({name: lambda name=name: called.append(name) for name in "ab"}, 3, calls=2, warm_up=1)  # type: ignore[misc]
    assert "".join(called) == "ab" + 3 * "aabb"
    assert spreads["a"].repetitions == 3


def test_spread_is_formatted_as_median_and_quartiles() -> None:
    assert Spread.of([0.001, 0.002, 0.003]).milliseconds() == "2 (1.5 to 2.5)"
    assert Spread.of([1.5, 1.5]).milliseconds() == "1,500 (1,500 to 1,500)"
