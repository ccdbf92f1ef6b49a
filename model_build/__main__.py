"""The command line: `python -m model_build STAGE`, or `all` for every stage in order."""

import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler

from handler.inference.classifier import MODEL_PATH
from model_build.checks import WrongArray
from model_build.config import Config
from model_build.datasets import mnist
from model_build.release.calibrate import calibrate
from model_build.release.evaluate import evaluate
from model_build.release.export import export
from model_build.release.publish import publish
from model_build.release.quantize import quantize
from model_build.reporting import plots, runs
from model_build.reporting.show import MAPPED_IMAGES, Picture, dataset_picture, run_picture
from model_build.training.train import OtherConfiguration, train

app = typer.Typer(
    help="Build the model: from the dataset's images to one int8 ONNX file.", no_args_is_help=True, add_completion=False
)

_DEFAULTS = Config()


class DatasetName(StrEnum):
    """What `--dataset` takes."""

    FASHION_MNIST = mnist.FASHION_MNIST.name
    MNIST = mnist.MNIST.name


DatasetOption = Annotated[DatasetName, typer.Option("--dataset", help="Clothes, or handwritten digits.")]
RunOption = Annotated[Path | None, typer.Option("--run", help="Folder of the run.  [default: runs/DATASET]")]
EpochsOption = Annotated[int, typer.Option(min=1, help="How often all training images are seen.")]
FinishingEpochsOption = Annotated[int, typer.Option(min=0, help="How many follow that have shop pictures as well.")]
BatchSizeOption = Annotated[int, typer.Option(min=1, help="Images in one step.")]
SeedOption = Annotated[int, typer.Option(help="Of the split, the weights, the order and the augmentation.")]
TrainImagesOption = Annotated[
    int | None, typer.Option(min=1, help="Train on this many images only.  [default: all but the validation images]")
]
PhotoVariantsOption = Annotated[int, typer.Option(min=0, help="Variants of each photo; 0: learn from no photos.")]
ModelDirOption = Annotated[
    Path | None,
    typer.Option("--to", help="Folder to publish into.  [default: handler/model for clothes, else RUN/published]"),
]


@app.command()
def download(dataset: DatasetOption = DatasetName.FASHION_MNIST) -> None:
    """Fetch a dataset into data/, or copy it from the folder that DATASETS_DIR names, and verify it."""
    for name, md5 in mnist.download(mnist.DATASETS[dataset]).items():
        typer.echo(f"{md5}  {name}")


@app.command("train")
def train_command(
    dataset: DatasetOption = DatasetName.FASHION_MNIST,
    run: RunOption = None,
    epochs: EpochsOption = _DEFAULTS.epochs,
    finishing_epochs: FinishingEpochsOption = _DEFAULTS.finishing_epochs,
    batch_size: BatchSizeOption = _DEFAULTS.batch_size,
    seed: SeedOption = _DEFAULTS.seed,
    train_images: TrainImagesOption = _DEFAULTS.train_images,
    photo_variants: PhotoVariantsOption = _DEFAULTS.photo_variants,
) -> None:
    """Train the network, on the GPU if there is one; an interrupted run goes on where it was."""
    config = replace(
        _DEFAULTS,
        dataset=dataset.value,
        epochs=epochs,
        finishing_epochs=finishing_epochs,
        batch_size=batch_size,
        seed=seed,
        train_images=train_images,
        photo_variants=photo_variants,
    )
    train(_run_dir(run, dataset), config)


def _stage(stage: Callable[[Path, Config], None], name: str, summary: str) -> None:
    def command(dataset: DatasetOption = DatasetName.FASHION_MNIST, run: RunOption = None) -> None:
        run_dir = _run_dir(run, dataset)
        stage(run_dir, runs.load_config(run_dir))

    app.command(name, help=summary)(command)


_stage(calibrate, "calibrate", "Fit the temperature of the probabilities, and what counts as known.")
_stage(export, "export", "Write the trained network as a float ONNX file.")
_stage(quantize, "quantize", "Make the int8 ONNX file from the float one.")
_stage(evaluate, "evaluate", "Measure both files on the test images, through the code that ships.")


@app.command("publish")
def publish_command(
    dataset: DatasetOption = DatasetName.FASHION_MNIST, run: RunOption = None, model_dir: ModelDirOption = None
) -> None:
    """Put the int8 file and its card where the server looks for them, after trying them."""
    run_dir = _run_dir(run, dataset)
    publish(run_dir, runs.load_config(run_dir), _model_dir(model_dir, run_dir, dataset))


@app.command("all")
def all_stages(
    dataset: DatasetOption = DatasetName.FASHION_MNIST,
    run: RunOption = None,
    epochs: EpochsOption = _DEFAULTS.epochs,
    finishing_epochs: FinishingEpochsOption = _DEFAULTS.finishing_epochs,
    batch_size: BatchSizeOption = _DEFAULTS.batch_size,
    seed: SeedOption = _DEFAULTS.seed,
    train_images: TrainImagesOption = _DEFAULTS.train_images,
    photo_variants: PhotoVariantsOption = _DEFAULTS.photo_variants,
    model_dir: ModelDirOption = None,
) -> None:
    """Every stage in order: download, train, calibrate, export, quantize, evaluate, publish."""
    download(dataset)
    train_command(dataset, run, epochs, finishing_epochs, batch_size, seed, train_images, photo_variants)
    run_dir = _run_dir(run, dataset)
    config = Config.load(run_dir)
    for stage in (calibrate, export, quantize, evaluate):
        stage(run_dir, config)
    publish(run_dir, config, _model_dir(model_dir, run_dir, dataset))


@app.command()
def show(
    picture: Annotated[Picture, typer.Argument(help="What to draw.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The PNG file to write.  [default: PICTURE.png, in the run's folder if it is of a run]"),
    ] = None,
    dataset: DatasetOption = DatasetName.FASHION_MNIST,
    run: RunOption = None,
    index: Annotated[int, typer.Option(min=0, help="Which training image `pixels` draws, and `grid` first.")] = 0,
    images: Annotated[int, typer.Option(min=20, help="How many test images `embedding` maps.")] = MAPPED_IMAGES,
) -> None:
    """Draw training images, one image's pixels, or how a run went, into a PNG file."""
    run_dir = _run_dir(run, dataset)
    if picture.is_of_a_run:
        figure, default = run_picture(picture, run_dir, images), run_dir / f"{picture}.png"
    else:
        figure, default = dataset_picture(picture, mnist.DATASETS[dataset], index), Path(f"{picture}.png")
    plots.save(figure, out or default)
    typer.echo(f"wrote {out or default}")


@app.command("runs")
def list_runs() -> None:
    """List the runs in runs/, the latest first."""
    found, readable = runs.folders(), []
    for folder in found:
        try:
            readable.append(runs.read(folder))
        except runs.RunError as error:
            typer.echo(f"left out: {error}", err=True)
    if not found:
        typer.echo(f"{runs.RUNS_DIR}/ holds no runs yet; start one: python -m model_build train")
        return
    _console().print(runs.runs_table(readable))


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A run: its name in runs/, or its folder.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The run to compare it with.")],
) -> None:
    """Show what differs between two runs, in configuration and in result."""
    console = _console()
    for table in runs.comparison_tables(runs.read(runs.find(first)), runs.read(runs.find(second))):
        console.print(table)


def _console() -> Console:
    """Standard output; a file or a pipe gets lines as long as they need to be."""
    console = Console()
    return console if console.is_terminal else Console(width=200)


def _run_dir(run: Path | None, dataset: DatasetName) -> Path:
    return run or Path("runs", dataset.value)


def _model_dir(model_dir: Path | None, run_dir: Path, dataset: DatasetName) -> Path:
    return model_dir or (MODEL_PATH.parent if dataset is DatasetName.FASHION_MNIST else run_dir / "published")


def _main() -> None:
    """Run the command line; what is wrong with a run or a dataset becomes one line on standard error."""
    logging.basicConfig(
        level=logging.INFO, format="%(message)s", handlers=[RichHandler(console=Console(stderr=True), show_path=False)]
    )
    for noisy in ("onnx_ir", "onnxscript", "torch", "matplotlib"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        app()
    except (runs.RunError, mnist.ChecksumError, OtherConfiguration, WrongArray) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    _main()
