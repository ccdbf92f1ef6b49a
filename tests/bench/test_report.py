"""Results are saved as JSON and written into documents; sections that cannot be measured are skipped."""

from pathlib import Path

import pytest

from bench import report, targets
from bench.__main__ import main
from bench.machine import this_machine
from bench.results import CannotMeasure, Figure, Section, Table, winner

TABLE = Table("Speed", ("what", "ms", "count"), (("this", 0.12345, 12_345), ("that", None, 1), ("them", 1234.5, 0)))
FIGURE = Figure("this / that", "x", (1.0, 2.0, 3.0), more_is_better=True)
SECTION = Section("costs", "One", ("It was measured.",), (TABLE,), (FIGURE,), ("That is slower.",), {"numpy": "2"})
DOCUMENT = """# Results

<!-- written by make bench: targets -->
old
<!-- end -->

<!-- written by make bench: sections -->
<!-- end -->
The end.
"""


def test_markdown_table_has_three_digits_and_marks_missing_cells() -> None:
    assert report.markdown(TABLE).splitlines()[2:] == [
        "| this | 0.123 | 12,345 |",
        "| that | not measured | 1 |",
        "| them | 1,234 | 0 |",
    ]


def test_row_of_wrong_length_is_rejected() -> None:
    with pytest.raises(ValueError, match="should have 2 cells"):
        Table("Speed", ("what", "ms"), (("this", 1, 2),))


def test_saved_section_is_read_back_and_written_into_documents(tmp_path: Path) -> None:
    readme, results = tmp_path / "README.md", tmp_path / "results.md"
    readme.write_text(DOCUMENT)
    results.write_text(DOCUMENT)

    report.save(SECTION, this_machine(), tmp_path)
    (saved,) = report.read_all(["throughput", "costs"], tmp_path)
    report.write_documents([saved], readme, results)

    assert saved.section.figures == (FIGURE,)
    text = readme.read_text()
    assert "\nold\n" not in text
    assert this_machine().processor in text
    assert text.endswith("| them | 1,234 | 0 |\n\n- That is slower.\n<!-- end -->\nThe end.\n")
    assert results.read_text().count("| not measured |") == len(targets.TARGETS)


def test_file_without_results_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"other": 1}')

    with pytest.raises(ValueError, match=r"a\.json holds no benchmark results"):
        report.read(tmp_path / "a.json")


def unable(**_: object) -> Section:
    raise CannotMeasure("install the tool")


def broken(**_: object) -> Section:
    raise ZeroDivisionError


def able(**_: object) -> Section:
    return SECTION


def test_section_that_cannot_be_measured_says_why_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {"throughput": unable, "requests": broken, "costs": able}

    assert main([*found, "--results", str(tmp_path)], found.__getitem__) == 1

    printed = capsys.readouterr()
    assert "throughput was not measured: install the tool." in printed.err
    assert "requests was not measured: it failed, as shown above." in printed.err
    assert "| this | 0.123 | 12,345 |" in printed.out
    assert [path.name for path in tmp_path.iterdir()] == ["costs.json"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nonsense"], "unknown section nonsense; choose from throughput"),
        (["costs", "--against", "no-such-commit"], "no-such-commit cannot be measured: no commit no-such-commit here"),
        (["compare", "no-such-folder", "."], "no results in no-such-folder"),
    ],
)
def test_wrong_arguments_are_rejected_in_a_sentence(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert problem in capsys.readouterr().err


def test_figure_is_formatted_as_median_and_quartiles() -> None:
    assert str(Figure("a", "ms", (1, 2, 3))) == "2 (1.5 to 2.5)"
    assert str(Figure("a", "ms", (1500,))) == "1,500"


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        ((10, 11), {"A": (5, 5.5), "B": (1, 1)}, "this: 2 times A"),
        ((5, 5.5), {"A": (10, 11), "B": (1, 1)}, "A: 2 times this"),
        ((10, 12), {"A": (11, 13)}, "even: A and this"),
    ],
)
def test_winner_is_named_with_the_ratio(
    own: tuple[float, ...], others: dict[str, tuple[float, ...]], expected: str
) -> None:
    figures = [Figure(name, "requests/s", samples, more_is_better=True) for name, samples in others.items()]

    assert winner(Figure("this", "requests/s", own, more_is_better=True), figures) == expected


def test_target_takes_the_worst_case_and_shows_processor_time_the_same_way_round() -> None:
    photo = "22 kB photo, base64 in JSON, 8 connections: this project / "
    rates = {"LitServe": 1.3, "BentoML": 0.9, "FastAPI": 0.1, "LitServe, processor time": 0.5}
    figures = [Figure(photo + peer, "x", (value,), more_is_better=True) for peer, value in rates.items()]

    row = next(row for row in targets.table(figures).rows if "photo, base64" in str(row[0]))

    assert row[1:] == ("0.9", "2", "≥ 0.8", "≥ 1.2", "yes")


def test_package_above_its_target_is_marked() -> None:
    figures = [Figure("package of this project, unpacked", "MB", (101.0,))]

    row = next(row for row in targets.table(figures).rows if row[1] is not None)

    assert row[1:] == ("101", "", "≤ 100", "≤ 85", "**no**")
