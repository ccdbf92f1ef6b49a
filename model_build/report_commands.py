"""Commands that report on runs: `show`, `runs` and `compare`."""

from pathlib import Path
from typing import Final

import typer
from rich.console import Console

from model_build.options import (
    DatasetName,
    DatasetOption,
    FirstRunArgument,
    IndexOption,
    MappedImagesOption,
    OutOption,
    Plot,
    PlotArgument,
    RunOption,
    SecondRunArgument,
    is_own,
)
from model_build.run_files import RunError, is_own_run, run_dir_of

reports = typer.Typer()

_MAPPED_IMAGES: Final = 2_000


@reports.command()
def show(
    plot: PlotArgument,
    out: OutOption = None,
    dataset: DatasetOption = DatasetName.FASHION_MNIST,
    run: RunOption = None,
    index: IndexOption = 0,
    images: MappedImagesOption = _MAPPED_IMAGES,
) -> None:
    """Draw training images, one image's pixels, or how a run went, into a PNG file; or mistakes into an HTML page."""
    from model_build.datasets.mnist import DATASETS
    from model_build.reporting import plots
    from model_build.reporting.show import dataset_figure, run_figure

    run_dir = run_dir_of(run, dataset)
    if is_own(dataset) or is_own_run(run_dir):
        _show_own(plot, run_dir, out)
        return
    if plot is Plot.MISTAKES:
        _show_mistakes(out or run_dir / "mistakes.html")
        return
    if plot.is_of_a_run:
        figure, default = run_figure(plot, run_dir, images), run_dir / f"{plot}.png"
    else:
        figure, default = dataset_figure(plot, DATASETS[dataset], index), Path(f"{plot}.png")
    plots.save(figure, out or default)
    typer.echo(f"wrote {out or default}")


@reports.command("runs")
def list_runs() -> None:
    """List the runs in runs/, the latest first."""
    from model_build.reporting import runs

    found, readable = runs.folders(), []
    for folder in found:
        try:
            readable.append(runs.read(folder))
        except RunError as error:
            typer.echo(f"skipped: {error}", err=True)
    if not found:
        typer.echo(f"{runs.RUNS_DIR}/ holds no runs yet; start one: python -m model_build train")
        return
    table_console().print(runs.runs_table(readable))


@reports.command()
def compare(first: FirstRunArgument, second: SecondRunArgument) -> None:
    """Show in which settings two runs differ, and their results side by side."""
    from model_build.reporting import runs

    for table in runs.comparison_tables(runs.read(runs.find(first)), runs.read(runs.find(second))):
        table_console().print(table)


def _show_own(plot: Plot, run_dir: Path, out: Path | None) -> None:
    from model_build.own_classes import show

    if plot not in show.PLOTS:
        raise RunError(f"of your own classes, show draws {', '.join(show.PLOTS)}, but no {plot}")
    typer.echo(f"wrote {show.PLOTS[plot](run_dir, out)}")


def _show_mistakes(out: Path) -> None:
    from handler.inference.classifier import MODEL_PATH
    from model_build.evaluation.mistakes import write_gallery

    typer.echo(f"wrote {out}: {write_gallery(MODEL_PATH.parent, out)} mistakes")


def table_console() -> Console:
    """Standard output for tables; lines are not wrapped in a file or a pipe.

    Names of classes and folders are printed as they are: [brackets] and :colons: mean nothing.
    """
    console = Console(markup=False, emoji=False)
    return console if console.is_terminal else Console(markup=False, emoji=False, width=200)
