"""Comparison of two benchmark runs: a rank test of their rounds tells real differences from noise."""

from pathlib import Path

import pytest

from bench import report
from bench.__main__ import main
from bench.compare import chance_of, verdict
from bench.machine import this_machine
from bench.results import Figure, Section

FIVE = (1.0, 1.01, 1.02, 1.03, 1.04)


def test_chance_equals_counting_by_hand() -> None:
    """Of the 252 ways to choose 5 of 10 samples, two are as extreme as a complete separation."""
    assert chance_of(FIVE, [2 * each for each in FIVE]) == pytest.approx(2 / 252)
    assert chance_of([1, 2], [1, 2]) == 1
    assert chance_of([1], [2]) == 0


@pytest.mark.parametrize(
    ("after", "more_is_better", "expected"),
    [
        ([each * 1.2 for each in FIVE], True, "better"),
        ([each * 1.2 for each in FIVE], False, "worse"),
        ([each * 0.8 for each in FIVE], False, "better"),
        ([each * 1.02 for each in FIVE], True, "noise"),
        ([0.5, 1.5, 1.2, 0.9, 1.3], True, "noise"),
    ],
    ids=["more", "less wanted", "less", "below 3 %", "scattered"],
)
def test_verdict(after: list[float], more_is_better: bool, expected: str) -> None:
    before, later = (Figure("a", "x", tuple(samples), more_is_better) for samples in (FIVE, after))

    assert verdict(before, later) == expected


def test_command_prints_the_ratios_of_both_and_fails_if_one_is_worse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, factor in (("before", 1), ("after", 2)):
        figures = (Figure("ours / theirs", "x", tuple(factor * each for each in FIVE)), Figure("time", "ms", FIVE))
        report.save(Section("costs", "Costs", (), (), figures), this_machine(), tmp_path / name)

    assert main(["compare", str(tmp_path / "before"), str(tmp_path / "after")]) == 1
    printed = capsys.readouterr().out
    assert "| ours / theirs | 1.02 (1.01 to 1.03) | 2.04 (2.02 to 2.06) | +100.0% | worse |" in printed
    assert "0 better, 1 worse, 0 noise" in printed
    assert main(["compare", *[str(tmp_path / "before")] * 2, "--all"]) == 0
    assert "0 better, 0 worse, 2 noise" in capsys.readouterr().out
