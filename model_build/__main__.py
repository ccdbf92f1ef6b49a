"""Command line: `python -m model_build STAGE`, or `all` for every stage in order."""

import sys
from dataclasses import replace
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Final

import typer

from handler.errors import InvalidModel
from model_build.checks import ChecksumError, DatasetUnavailable, WrongArray, WrongFolder
from model_build.config import Config
from model_build.distillation_commands import distillation
from model_build.options import (
    BatchSizeOption,
    DatasetName,
    DatasetOption,
    EpochsOption,
    EvaluatedDirOption,
    FineTuningEpochsOption,
    FolderArgument,
    GreyOption,
    GroupsOption,
    LikeOption,
    MaxKibOption,
    MirrorOption,
    ModelDirOption,
    PhotoVariantsOption,
    RunOption,
    SeedOption,
    SideOption,
    StartOption,
    TrainImagesOption,
    is_own,
    refuse_unused,
)
from model_build.progress import announced, log_to_stderr
from model_build.report_commands import reports, table_console
from model_build.run_files import RunError, is_own_run, load_config, read_json, refuse_unwritable, run_dir_of

app = typer.Typer(
    help="Build the model: from the dataset's images to one int8 ONNX file.", no_args_is_help=True, add_completion=False
)

_DEFAULTS: Final = Config()
_DATASET: Final = DatasetName.FASHION_MNIST.value
_STAGES: Final = {  # modules of model_build.release, each with a function of its name
    "calibrate": "Fit the temperature of the probabilities and the threshold of `known`.",
    "export": "Write the trained network as a float ONNX file.",
    "quantize": "Make the int8 ONNX file from the float one.",
    "evaluate": "Measure both files on the test images, with the shipped code.",
}


@app.command()
def download(dataset: DatasetOption = _DATASET) -> None:
    """Fetch a dataset into data/, or copy it from the folder in DATASETS_DIR, and verify it."""
    from model_build.datasets import mnist, named

    if is_own(dataset):
        typer.echo(named.folder_of(dataset, mnist.DATA_DIR))
        return
    for name, md5 in mnist.download(mnist.DATASETS[dataset]).items():
        typer.echo(f"{md5}  {name}")


@app.command()
def check(
    folder: FolderArgument,
    run: RunOption = None,
    groups: GroupsOption = None,
    like: LikeOption = None,
    side: SideOption = None,
) -> None:
    """Check a folder of images before training: 1 is the exit status if no training would begin."""
    from model_build.own_classes import commands, data, mistakes

    choices = commands.Choices(like_fashion_mnist=like is not None, side=side, groups=groups)
    found = data.checked(commands.recipe_of(folder, choices))
    findings = [*found.findings, *mistakes.suspects(run_dir_of(run, folder))]
    table_console().print(commands.class_table(found), commands.check_table(found, findings))
    if any(finding.is_error for finding in findings):
        raise typer.Exit(1)


@app.command("train")
def train_command(
    context: typer.Context,
    dataset: DatasetOption = _DATASET,
    run: RunOption = None,
    epochs: EpochsOption = None,
    fine_tuning_epochs: FineTuningEpochsOption = _DEFAULTS.fine_tuning_epochs,
    batch_size: BatchSizeOption = _DEFAULTS.batch_size,
    seed: SeedOption = _DEFAULTS.seed,
    train_images: TrainImagesOption = _DEFAULTS.train_images,
    photo_variants: PhotoVariantsOption = _DEFAULTS.photo_variants,
    start_from: StartOption = None,
    like: LikeOption = None,
    side: SideOption = None,
    grey: GreyOption = False,
    mirror: MirrorOption = None,
    max_kib: MaxKibOption = None,
    groups: GroupsOption = None,
) -> None:
    """Train the network, on a GPU if there is one; an interrupted run resumes."""
    refuse_unused(context, dataset)
    if is_own(dataset):
        from model_build.own_classes import build, commands, data

        choices = commands.Choices(start_from, like is not None, side, grey, mirror, max_kib, groups, epochs, seed)
        recipe, run_dir = commands.recipe_of(dataset, choices), run_dir_of(run, dataset)
        refuse_unwritable(run_dir)
        build.Build(run_dir, recipe, data.load_examples(recipe)).train()
        return
    from model_build.training.train import train

    config = replace(
        _DEFAULTS,
        dataset=dataset,
        epochs=epochs or _DEFAULTS.epochs,
        fine_tuning_epochs=fine_tuning_epochs,
        batch_size=batch_size,
        seed=seed,
        train_images=train_images,
        photo_variants=photo_variants,
    )
    train(run_dir_of(run, dataset), config)


def _add_stage(name: str, summary: str) -> None:
    def command(dataset: DatasetOption = _DATASET, run: RunOption = None) -> None:
        run_dir = run_dir_of(run, dataset)
        if is_own(dataset) or is_own_run(run_dir):
            from model_build.own_classes import build

            build.STAGES[name](build.open_build(run_dir))
        else:
            _run_stage(name, run_dir, load_config(run_dir))

    app.command(name, help=summary)(command)


for _name, _summary in _STAGES.items():
    _add_stage(_name, _summary)


@app.command("publish")
def publish_command(dataset: DatasetOption = _DATASET, run: RunOption = None, model_dir: ModelDirOption = None) -> None:
    """Check the int8 file and its card, and copy them to where the server loads them from."""
    from handler.inference.classifier import MODEL_PATH
    from model_build.release.publish import publish

    run_dir = run_dir_of(run, dataset)
    if is_own(dataset) or is_own_run(run_dir):
        from model_build.own_classes import build

        typer.echo(f"published {build.open_build(run_dir).publish(model_dir)}")
        return
    default = MODEL_PATH.parent if dataset == DatasetName.FASHION_MNIST else run_dir / "model"
    publish(run_dir, load_config(run_dir), model_dir or default)


@app.command("evaluate-photos")
def evaluate_photos_command(model_dir: EvaluatedDirOption = None) -> None:
    """Fit the vote of the networks for photos, and measure it; write the card and the documents' tables."""
    from handler.inference.classifier import CARD_PATH, MODEL_PATH
    from model_build.evaluation.evaluate_photos import evaluate_photos
    from model_build.evaluation.tables import write_documents

    evaluate_photos(model_dir or MODEL_PATH.parent)
    if model_dir is None:
        for path in write_documents(read_json(CARD_PATH)):
            typer.echo(f"wrote {path}")


@app.command("all")
def all_stages(
    context: typer.Context,
    dataset: DatasetOption = _DATASET,
    run: RunOption = None,
    epochs: EpochsOption = None,
    fine_tuning_epochs: FineTuningEpochsOption = _DEFAULTS.fine_tuning_epochs,
    batch_size: BatchSizeOption = _DEFAULTS.batch_size,
    seed: SeedOption = _DEFAULTS.seed,
    train_images: TrainImagesOption = _DEFAULTS.train_images,
    photo_variants: PhotoVariantsOption = _DEFAULTS.photo_variants,
    model_dir: ModelDirOption = None,
    start_from: StartOption = None,
    like: LikeOption = None,
    side: SideOption = None,
    grey: GreyOption = False,
    mirror: MirrorOption = None,
    max_kib: MaxKibOption = None,
    groups: GroupsOption = None,
) -> None:
    """Every stage in order: download, train, calibrate, export, quantize, evaluate, publish, evaluate-photos."""
    refuse_unused(context, dataset)
    if is_own(dataset):
        from model_build.own_classes import commands

        choices = commands.Choices(start_from, like is not None, side, grey, mirror, max_kib, groups, epochs, seed)
        run_dir = run_dir_of(run, dataset)
        model = commands.build_all(run_dir, commands.recipe_of(dataset, choices), model_dir)
        typer.echo(f"published {model}; serve it: make run MODEL={run_dir if model_dir is None else model}")
        return
    with announced("download"):
        download(dataset)
    with announced("train"):
        train_command(context, dataset, run, epochs, fine_tuning_epochs, batch_size, seed, train_images, photo_variants)
    run_dir = run_dir_of(run, dataset)
    config = load_config(run_dir)
    for stage in _STAGES:
        with announced(stage):
            _run_stage(stage, run_dir, config)
    with announced("publish"):
        publish_command(dataset, run, model_dir)
    if dataset == DatasetName.FASHION_MNIST and model_dir is None:
        with announced("evaluate-photos"):
            evaluate_photos_command()


app.add_typer(distillation)
app.add_typer(reports)


def _run_stage(name: str, run_dir: Path, config: Config) -> None:
    getattr(import_module(f"model_build.release.{name}"), name)(run_dir, config)


def _main() -> None:
    """Run the command line; errors of a run, a dataset or the system become one line on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of classes, in a terminal that lacks their letters
    log_to_stderr()
    try:
        app()
    except (RunError, ChecksumError, DatasetUnavailable, InvalidModel, WrongArray, WrongFolder) as error:
        _exit_with(str(error))
    except OSError as error:  # such as a full disk, or a folder that may not be written
        _exit_with(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
    except MemoryError as error:
        _exit_with(str(error) or "there is not enough memory")


def _exit_with(problem: str) -> None:
    typer.echo(f"error: {problem}", err=True)
    sys.exit(1)


if __name__ == "__main__":
    _main()
