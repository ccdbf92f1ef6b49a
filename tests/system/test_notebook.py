"""The tutorial runs from its first cell to its last, for clothes and, with one word changed, for digits."""

import asyncio
import re
import shutil
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.machine import PROJECT

TUTORIAL = PROJECT / "notebooks" / "tutorial.ipynb"
SMALL = "EPOCHS, TRAIN_IMAGES, WIDTHS, MAP_IMAGES, OWN_IMAGES, OWN_EPOCHS = 1, 2_048, (4, 8), 100, 400, 1"
PICTURES = 9
LARGEST_BYTES = 1_500_000  # with its pictures


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the project's code and the notebook, in which data/ and runs/ are its own."""
    for name in ("handler", "model_build"):
        (tmp_path / name).symlink_to(PROJECT / name)
    (tmp_path / "notebooks").mkdir()
    shutil.copy2(TUTORIAL, tmp_path / "notebooks")
    return tmp_path


def read_tutorial() -> nbformat.NotebookNode:
    notebook: nbformat.NotebookNode = nbformat.read(TUTORIAL, as_version=4)
    return notebook


def run(notebook: nbformat.NotebookNode, folder: Path, *settings: str) -> str:
    """Everything that `notebook` prints, run in `folder` with `settings` in place of its own."""
    (place,) = [i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", ())]
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell("\n".join(settings)))
    _clear(notebook)
    client = NotebookClient(notebook, timeout=500, resources={"metadata": {"path": str(folder)}})
    with closing(asyncio.new_event_loop()) as loop:  # `client.execute` would replace the one that others use
        loop.run_until_complete(client.async_execute())
    return printed_by(notebook)


def _clear(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def printed_by(notebook: nbformat.NotebookNode) -> str:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output["text"] for output in outputs if output["output_type"] == "stream")


def pictures_of(notebook: nbformat.NotebookNode) -> int:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return sum("image/png" in output.get("data", ()) for output in outputs)


@pytest.mark.parametrize(("dataset", "started_in"), [("fashion-mnist", "notebooks"), ("mnist", ".")])
@pytest.mark.usefixtures("datasets_dir")
def test_every_cell_runs(dataset: str, started_in: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # for tensors as small as these, more threads only wait for each other
    notebook = read_tutorial()
    printed = run(notebook, project / started_in, f'DATASET = "{dataset}"', SMALL)

    assert "Train data, number of images: 60000" in printed
    assert "(N, 1, 28, 28), but got uint8 of shape (1000, 28, 28, 1)" in printed
    assert "expected bright objects on black background" in printed
    assert '"predictions": [' in printed
    assert "published runs/my-classes/model" in printed
    assert " classified (" in printed
    assert not re.search(r"\bnan\b", printed)
    assert pictures_of(notebook) == PICTURES
    run_dir = project / "runs" / f"tutorial-{dataset}-1-epochs-2048-images"
    assert {"config.json", "history.csv", "metrics.json", "confusion.png"} <= {path.name for path in run_dir.iterdir()}


def test_it_is_kept_with_outputs_of_one_whole_run() -> None:
    notebook = read_tutorial()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    assert pictures_of(notebook) == PICTURES
    printed = printed_by(notebook)
    assert "correct: 8" in printed or "correct: 9" in printed
    assert not re.search(r"\bnan\b|Traceback|/tmp/|\x1b", printed)
    assert TUTORIAL.stat().st_size < LARGEST_BYTES


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def test_every_text_is_there_in_both_languages() -> None:
    for cell in read_tutorial().cells:
        if cell.cell_type == "markdown":
            heading, _, names, _, *rows = cell.source.splitlines()
            assert "·" in heading
            assert names == "| English | 中文 |"
            for row in rows:
                columns = row.removeprefix("| ").removesuffix(" |").split(" | ")
                assert [is_chinese(column) for column in columns] == [False, True]
