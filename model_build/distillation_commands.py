"""Commands of distillation: pack the examples, train teachers and a student."""

from dataclasses import replace
from math import inf
from typing import Final

import typer

from model_build.config import Config
from model_build.options import (
    DatasetName,
    DatasetOption,
    DeviceOption,
    DistilledRunOption,
    PackedArgument,
    PackedOption,
    Preset,
    PresetOption,
    RunOption,
    SecondsOption,
    SeedOption,
    is_own,
)
from model_build.run_files import load_config, run_dir_of

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
    start_from: DistilledRunOption = None,
    device: DeviceOption = "cpu",
    seconds: SecondsOption = inf,
    packed: PackedOption = None,
    seed: SeedOption = _DEFAULTS.seed,
) -> None:
    """Train teachers, and a network that learns from them; an interrupted run resumes.

    The network of --start-from goes on with that run's settings and teachers.
    """
    import torch

    from model_build.distillation.distil import distil
    from model_build.distillation.recipe import PRESETS, Distillation

    config = load_config(start_from) if start_from else replace(_DEFAULTS, dataset=_shipped_kind(dataset), seed=seed)
    run_dir = run_dir_of(run, config.dataset)
    if start_from and run_dir.resolve() == start_from.resolve():
        raise typer.BadParameter(f"{run_dir} is the run to start from: choose another", param_hint="--run")
    distillation = Distillation(config, PRESETS[preset], torch.device(device), start_from)
    distil(run_dir, distillation, seconds=seconds, packed=packed)


def _shipped_kind(dataset: str) -> str:
    """`dataset`, if it is one that this command is for. Raises BadParameter."""
    if is_own(dataset):
        raise typer.BadParameter(f"{dataset!r} is not one of {', '.join(DatasetName)}", param_hint="--dataset")
    return dataset
