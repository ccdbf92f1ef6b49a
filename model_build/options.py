"""Command-line options of the stages, and the names that they accept."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class DatasetName(StrEnum):
    """Names of the datasets, for `--dataset`."""

    FASHION_MNIST = "fashion-mnist"
    MNIST = "mnist"


class Like(StrEnum):
    """Names of the datasets whose input a folder of images can have, for `--like`."""

    FASHION_MNIST = "fashion-mnist"


def is_own(dataset: str) -> bool:
    """Whether `dataset` is a folder, or the name of a dataset that becomes one."""
    return dataset not in set(DatasetName)


_HIGHEST_SEED = 2**63 - 1  # of PyTorch's generators
_OF_OWN_CLASSES = ("start_from", "like", "side", "grey", "mirror", "max_kib", "groups")
_OF_THE_STAGES = ("fine_tuning_epochs", "batch_size", "train_images", "photo_variants")


def refuse_unused(context: typer.Context, dataset: str) -> None:
    """Raise BadParameter if an option is given that does nothing for `dataset`."""
    names = _OF_THE_STAGES if is_own(dataset) else _OF_OWN_CLASSES
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name in names and source is not None and source.name == "COMMANDLINE":
            which = "folders and other names" if option.name in _OF_OWN_CLASSES else "fashion-mnist and mnist"
            raise typer.BadParameter(f"is of {which}, not of {dataset}: leave it out", param_hint=option.opts[0])


class Preset(StrEnum):
    """Names of the recipes of distillation, for `--preset`."""

    GPU = "gpu"
    CPU = "cpu"
    FURTHER = "further"


class Plot(StrEnum):
    """Names of the plots, for `show`."""

    GRID = "grid"
    PIXELS = "pixels"
    EMBEDDING = "embedding"
    CONFUSION = "confusion"
    CURVES = "curves"
    MISTAKES = "mistakes"

    @property
    def is_of_a_run(self) -> bool:
        return self not in (Plot.GRID, Plot.PIXELS, Plot.MISTAKES)


DatasetOption = Annotated[
    str,
    typer.Option(
        "--dataset",
        help="A name (fashion-mnist, mnist, kmnist, emnist-letters, qmnist, cifar10, oxford-pets), or your folder.",
    ),
]
StartOption = Annotated[
    str | None,
    typer.Option(
        "--start-from",
        help="Own classes: imagenet, scratch, or a run's folder.",
        show_default="imagenet; grey or small: scratch",
    ),
]
LikeOption = Annotated[
    Like | None, typer.Option("--like", help="Own classes: fashion-mnist is 28x28 grey pixels, cut out.")
]
SideOption = Annotated[
    int | None,
    typer.Option(
        min=28, max=224, help="Own classes: pixels of the model's input.", show_default="160; 96 from scratch"
    ),
]
GreyOption = Annotated[bool, typer.Option("--grey", help="Own classes: without colour.")]
MirrorOption = Annotated[
    bool | None, typer.Option("--mirror/--no-mirror", help="Own classes: whether mirrored images keep their class.")
]
MaxKibOption = Annotated[
    int | None,
    typer.Option(
        "--max-kib", min=32, help="Own classes: the file's largest size.", show_default="4096; 512 from scratch"
    ),
]
GroupsOption = Annotated[
    Path | None, typer.Option("--groups", help="Own classes: CSV file image,group; a group stays in one part.")
]
FolderArgument = Annotated[str, typer.Argument(metavar="FOLDER", help="A folder of one folder per class.")]
RunOption = Annotated[Path | None, typer.Option("--run", help="Folder of the run.", show_default="runs/DATASET")]
EpochsOption = Annotated[
    int | None,
    typer.Option(
        min=1, help="Epochs of the first cycle.", show_default="70; own classes: at most 12, or 80 from scratch"
    ),
]
FineTuningEpochsOption = Annotated[
    int, typer.Option(min=0, help="Epochs of fine-tuning, with synthetic shop pictures.")
]
BatchSizeOption = Annotated[int, typer.Option(min=1, help="Images in one step.")]
SeedOption = Annotated[
    int, typer.Option(min=0, max=_HIGHEST_SEED, help="Of the split, the weights, the order and the augmentation.")
]
TrainImagesOption = Annotated[
    int | None,
    typer.Option(min=1, help="Train on this many images only.", show_default="all but the validation images"),
]
PhotoVariantsOption = Annotated[int, typer.Option(min=0, help="Variants of each photo; 0: train without photos.")]
PresetOption = Annotated[
    Preset, typer.Option(help="Sizes and lengths: for a GPU, for a CPU core, or on such a core to go on from a run.")
]
DeviceOption = Annotated[str, typer.Option(help="As PyTorch names it: cuda, or cpu.")]
SecondsOption = Annotated[float, typer.Option(min=1, help="Stop after this long; the same command goes on.")]
PackedArgument = Annotated[Path, typer.Argument(help="The file to write, such as packed.xz.")]
PackedOption = Annotated[Path | None, typer.Option(help="A file of `pack`, in place of the datasets.")]
DistilledRunOption = Annotated[
    Path | None,
    typer.Option("--start-from", help="A distilled run, such as model_build/shipped: its student goes on learning."),
]
ModelDirOption = Annotated[
    Path | None,
    typer.Option("--to", help="Folder to publish into.", show_default="handler/model for clothes, else RUN/model"),
]
EvaluatedDirOption = Annotated[
    Path | None,
    typer.Option("--model-dir", help="Folder of the networks and their card.", show_default="handler/model"),
]
PlotArgument = Annotated[Plot, typer.Argument(help="What to draw.")]
OutOption = Annotated[
    Path | None,
    typer.Option(help="The file to write.", show_default="PLOT.png, in the run's folder if it is of a run"),
]
IndexOption = Annotated[int, typer.Option(min=0, help="Index of the image of `pixels`, or of the first one of `grid`.")]
MappedImagesOption = Annotated[int, typer.Option("--images", min=20, help="Number of test images in `embedding`.")]
FirstRunArgument = Annotated[str, typer.Argument(metavar="A", help="A run: its name in runs/, or its folder.")]
SecondRunArgument = Annotated[str, typer.Argument(metavar="B", help="The run to compare it with.")]
