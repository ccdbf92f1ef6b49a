"""The command line: `python -m model_build STAGE`, or `all` for every stage in order."""

import logging
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler

from handler.classifier import MODEL_PATH
from model_build import data, plots
from model_build.config import Config
from model_build.evaluate import evaluate, read_confusion
from model_build.export import export
from model_build.publish import publish
from model_build.quantize import quantize
from model_build.train import HISTORY_FILE, train

app = typer.Typer(
    help="Build the model: from the dataset's images to one int8 ONNX file.", no_args_is_help=True, add_completion=False
)

_DEFAULTS = Config()


class DatasetName(StrEnum):
    """What `--dataset` takes."""

    FASHION_MNIST = data.FASHION_MNIST.name
    MNIST = data.MNIST.name


class Picture(StrEnum):
    """What `show` draws."""

    GRID = "grid"
    PIXELS = "pixels"
    CONFUSION = "confusion"
    CURVES = "curves"


DatasetOption = Annotated[DatasetName, typer.Option("--dataset", help="Clothes, or handwritten digits.")]
RunOption = Annotated[Path | None, typer.Option("--run", help="Folder of the run.  [default: runs/DATASET]")]
EpochsOption = Annotated[int, typer.Option(min=1, help="How often all training images are seen.")]
BatchSizeOption = Annotated[int, typer.Option(min=1, help="Images in one step.")]
SeedOption = Annotated[int, typer.Option(help="Of the split, the weights, the order and the augmentation.")]
TrainImagesOption = Annotated[
    int | None, typer.Option(min=1, help="Train on this many images only.  [default: all but the validation images]")
]
ModelDirOption = Annotated[
    Path | None,
    typer.Option("--to", help="Folder of the published model.  [default: handler/model for clothes, else RUN/model]"),
]


@app.command()
def download(dataset: DatasetOption = DatasetName.FASHION_MNIST) -> None:
    """Fetch a dataset into data/, or copy it from the folder that DATASETS_DIR names, and verify it."""
    for name, md5 in data.download(data.DATASETS[dataset]).items():
        typer.echo(f"{md5}  {name}")


@app.command("train")
def train_command(
    dataset: DatasetOption = DatasetName.FASHION_MNIST,
    run: RunOption = None,
    epochs: EpochsOption = _DEFAULTS.epochs,
    batch_size: BatchSizeOption = _DEFAULTS.batch_size,
    seed: SeedOption = _DEFAULTS.seed,
    train_images: TrainImagesOption = _DEFAULTS.train_images,
) -> None:
    """Train the network, on the GPU if there is one; an interrupted run goes on where it was."""
    config = replace(
        _DEFAULTS, dataset=dataset.value, epochs=epochs, batch_size=batch_size, seed=seed, train_images=train_images
    )
    train(_run_dir(run, dataset), config)


def _stage(stage: Callable[[Path, Config], None], name: str, summary: str) -> None:
    def command(dataset: DatasetOption = DatasetName.FASHION_MNIST, run: RunOption = None) -> None:
        run_dir = _run_dir(run, dataset)
        stage(run_dir, Config.load(run_dir))

    app.command(name, help=summary)(command)


_stage(export, "export", "Write the trained network as a float ONNX file.")
_stage(quantize, "quantize", "Make the int8 ONNX file from the float one.")
_stage(evaluate, "evaluate", "Measure both files on the test images, through the code that ships.")


@app.command("publish")
def publish_command(
    dataset: DatasetOption = DatasetName.FASHION_MNIST, run: RunOption = None, model_dir: ModelDirOption = None
) -> None:
    """Put the int8 file and its card where the server looks for them, after trying them."""
    run_dir = _run_dir(run, dataset)
    publish(run_dir, Config.load(run_dir), _model_dir(model_dir, run_dir, dataset))


@app.command("all")
def all_stages(
    dataset: DatasetOption = DatasetName.FASHION_MNIST,
    run: RunOption = None,
    epochs: EpochsOption = _DEFAULTS.epochs,
    batch_size: BatchSizeOption = _DEFAULTS.batch_size,
    seed: SeedOption = _DEFAULTS.seed,
    train_images: TrainImagesOption = _DEFAULTS.train_images,
    model_dir: ModelDirOption = None,
) -> None:
    """Every stage in order: download, train, export, quantize, evaluate, publish."""
    download(dataset)
    train_command(dataset, run, epochs, batch_size, seed, train_images)
    run_dir = _run_dir(run, dataset)
    config = Config.load(run_dir)
    for stage in (export, quantize, evaluate):
        stage(run_dir, config)
    publish(run_dir, config, _model_dir(model_dir, run_dir, dataset))


@app.command()
def show(
    picture: Annotated[Picture, typer.Argument(help="What to draw.")],
    out: Annotated[Path, typer.Option(help="The PNG file to write.")],
    dataset: DatasetOption = DatasetName.FASHION_MNIST,
    run: RunOption = None,
    index: Annotated[int, typer.Option(min=0, help="Which training image `pixels` draws.")] = 2,
) -> None:
    """Draw training images, one image's pixels, or how a run went, into a PNG file."""
    run_dir = _run_dir(run, dataset)
    figure = {
        Picture.GRID: lambda: plots.grid(*data.titled_images(data.DATASETS[dataset], count=20)),
        Picture.PIXELS: lambda: plots.pixels(data.titled_images(data.DATASETS[dataset], count=index + 1)[0][index]),
        Picture.CONFUSION: lambda: plots.confusion(read_confusion(run_dir), data.DATASETS[dataset].labels),
        Picture.CURVES: lambda: plots.curves(run_dir / HISTORY_FILE),
    }[picture]()
    plots.save(figure, out)


def _run_dir(run: Path | None, dataset: DatasetName) -> Path:
    return run or Path("runs", dataset.value)


def _model_dir(model_dir: Path | None, run_dir: Path, dataset: DatasetName) -> Path:
    return model_dir or (MODEL_PATH.parent if dataset is DatasetName.FASHION_MNIST else run_dir / "model")


if __name__ == "__main__":
    logging.basicConfig(
        level=logging.INFO, format="%(message)s", handlers=[RichHandler(console=Console(stderr=True), show_path=False)]
    )
    for noisy in ("onnx_ir", "onnxscript", "torch", "matplotlib"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    app()
