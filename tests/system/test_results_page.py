"""Tables of docs/results.md and of both READMEs that people write have the numbers of the model card."""

import json
from functools import reduce
from operator import getitem
from typing import Final

import pytest

from tests.support.machine import PROJECT

METRICS: Final = json.loads((PROJECT / "handler" / "model" / "classifier.json").read_text(encoding="utf-8"))["metrics"]
INT8, FLOAT = METRICS["int8"], METRICS["float"]


def _both(*keys: str) -> list[float]:
    """A metric of the int8 file and of the float file."""
    return [reduce(getitem, keys, metrics) for metrics in (INT8, FLOAT)]


def _cells(*texts: str) -> str:
    return f" | {' | '.join(texts)} |\n"


ACCURACIES: Final = [f"{each:.2%}".replace("%", " %") for each in _both("accuracy")]
SIZES: Final = [f"{each / 1024:.0f} KiB" for each in _both("bytes")]


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(_cells(*ACCURACIES), id="accuracy"),
        pytest.param(_cells(*(f"{each:.3f}" for each in _both("calibration_error"))), id="calibration error"),
        pytest.param(_cells(*(f"{each:.3f}" for each in _both("photos", "calibration_error"))), id="that of photos"),
        pytest.param(_cells(*(f"{each * 100:.1f} %" for each in _both("photos", "accuracy"))), id="photos"),
        pytest.param(
            _cells(*(f"{each * 100:.1f} %" for each in _both("shop_pictures", "accuracy"))), id="shop pictures"
        ),
        pytest.param(
            _cells(
                *(
                    f"{of_tests * 100:.1f} %, {of_photos * 100:.1f} %"
                    for of_tests, of_photos in zip(_both("known"), _both("photos", "known"), strict=True)
                )
            ),
            id="known",
        ),
        pytest.param(_cells(*SIZES), id="size"),
    ],
)
def test_results_page_has_the_metrics_of_the_card(cells: str) -> None:
    assert cells in (PROJECT / "docs" / "results.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_readme_has_accuracy_and_size_of_the_card(name: str) -> None:
    text = (PROJECT / name).read_text(encoding="utf-8")
    for quantized, unquantized in (ACCURACIES, SIZES):
        assert f"| {quantized} | {unquantized}" in text
    introduction, _, _ = text.partition("\n## ")
    assert SIZES[0] in introduction
