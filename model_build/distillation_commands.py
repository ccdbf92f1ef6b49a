"""Commands of distillation: pack the examples, train teachers and a student, teach the student photos."""

from dataclasses import replace
from math import inf
from typing import Final

import typer

from model_build.config import Config
from model_build.options import (
    DatasetName,
    DatasetOption,
    DeviceOption,
    PackedArgument,
    PackedOption,
    Preset,
    PresetOption,
    RunOption,
    SecondsOption,
    SeedOption,
    SourceArgument,
    is_own,
)
from model_build.run_files import run_dir_of

distillation = typer.Typer()

_DEFAULTS: Final = Config()
_DATASET: Final = DatasetName.FASHION_MNIST.value


@distillation.command("pack")
def pack_command(path: PackedArgument, dataset: DatasetOption = _DATASET) -> None:
    """Pack all training examples into one file, for a machine without the datasets."""
    from model_build.datasets.packed import pack
    from model_build.distillation.examples import load_distillation_set

    pack(load_distillation_set(replace(_DEFAULTS, dataset=_shipped_kind(dataset))), path)


@distillation.command("distil")
def distil_command(
    dataset: DatasetOption = _DATASET,
    run: RunOption = None,
    preset: PresetOption = Preset.CPU,
    device: DeviceOption = "cpu",
    seconds: SecondsOption = inf,
    packed: PackedOption = None,
    seed: SeedOption = _DEFAULTS.seed,
) -> None:
    """Train teachers, and a network that learns from them; an interrupted run resumes."""
    import torch

    from model_build.distillation.distil import distil
    from model_build.distillation.recipe import PRESETS, Distillation

    config = replace(_DEFAULTS, dataset=_shipped_kind(dataset), seed=seed)
    distillation = Distillation(config, PRESETS[preset], torch.device(device))
    distil(run_dir_of(run, dataset), distillation, seconds=seconds, packed=packed)


@distillation.command("learn-photos")
def learn_photos_command(source: SourceArgument, run: RunOption = None, seconds: SecondsOption = inf) -> None:
    """Teach a distilled network photos as they are served; an interrupted run resumes."""
    from model_build.distillation.photo_phase import PhotoRecipe, learn_photos, load_photo_examples

    run_dir, recipe = run_dir_of(run, _DATASET), PhotoRecipe()
    examples = load_photo_examples(source, recipe)
    learn_photos(run_dir, source, recipe, examples, seconds=seconds)


def _shipped_kind(dataset: str) -> str:
    """`dataset`, if it is one that this command is for. Raises BadParameter."""
    if is_own(dataset):
        raise typer.BadParameter(f"{dataset!r} is not one of {', '.join(DatasetName)}", param_hint="--dataset")
    return dataset
