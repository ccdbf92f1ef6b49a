"""Commands for your own classes: a recipe from options, all stages with their progress, and the table of `check`."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from model_build.checks import WrongFolder
from model_build.datasets.folder import is_text
from model_build.datasets.folder_checks import Finding
from model_build.datasets.named import NamedDataset, dataset_named
from model_build.own_classes.build import STAGES, Build, load_recipe
from model_build.own_classes.data import Checked, load_examples
from model_build.own_classes.recipe import (
    IMAGENET,
    SCRATCH,
    Recipe,
    from_run,
    from_scratch,
    like_fashion_mnist,
    pretrained,
)
from model_build.progress import announced
from model_build.run_files import BEST_WEIGHTS_FILE, RunError, refuse_unwritable, require

_SMALLEST_PRETRAINED_SIDE = 64

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choices:
    """What the command line says of a recipe; None: as the recipe has it."""

    start_from: str | None = None
    like_fashion_mnist: bool = False
    side: int | None = None
    grey: bool = False
    mirror: bool | None = None
    max_kib: int | None = None
    groups: Path | None = None
    epochs: int | None = None
    seed: int = 1


def recipe_of(dataset: str, choices: Choices) -> Recipe:
    """The recipe for `dataset`, a folder or a name. Raises RunError if choices contradict each other."""
    if "" in (dataset, choices.start_from):  # as of an unset variable of the shell: not the current folder
        raise WrongFolder("the name of the folder to train on, or to start from, is empty")
    named = dataset_named(dataset)
    _refuse_other_encodings(dataset, choices)
    dataset = str(Path(dataset))  # my-shop/ and ./my-shop are my-shop
    base = _base(dataset, choices, named)
    if choices.like_fashion_mnist and choices.side not in (None, base.side):
        raise RunError(f"--like fashion-mnist has {base.side} pixels: leave out --side")
    chosen: dict[str, Any] = {
        "side": choices.side or (named.side if named else None),
        "channels": 1 if choices.grey else None,
        "mirror": choices.mirror if choices.mirror is not None or named is None else named.mirror,
        "max_kib": choices.max_kib,
        "groups": None if choices.groups is None else str(choices.groups),
        "epochs": choices.epochs,
        "seed": choices.seed,
    }
    if base.start_from not in (IMAGENET, SCRATCH):  # a run, whose network has its own side and channels
        _refuse_other_input(base, choices)
        chosen |= {"side": None, "channels": None}
    return replace(base, **{name: value for name, value in chosen.items() if value is not None})


def build_all(run_dir: Path, recipe: Recipe, model_dir: Path | None) -> Path:
    """Every stage in order; returns the model folder. Raises RunError at once if a folder could not be written."""
    refuse_unwritable(run_dir)
    refuse_unwritable(model_dir or run_dir)
    with announced("check"):
        build = Build(run_dir, recipe, load_examples(recipe))
    log.info("%s", _counted(build))
    with announced("train"):
        build.train()
    for name, stage in STAGES.items():
        with announced(name):
            stage(build)
    with announced("publish"):
        return build.publish(model_dir)


def check_table(found: Checked, findings: Sequence[Finding]) -> Table:
    """Counts by class and part, and what is wrong."""
    table = Table(title=f"{found.folder.path}: {len(found.folder.images):,} images", title_justify="left")
    table.add_column("")
    table.add_column("what")
    for finding in findings:
        table.add_row(Text("error", "red") if finding.is_error else "warning", str(finding))
    if not findings:
        table.add_row("ok", "nothing found")
    return table


def class_table(found: Checked) -> Table:
    """Number of images of each class, the largest first; of many classes, the first and the last."""
    table = Table("class", title_justify="left")
    table.add_column("images", justify="right")
    rows = sorted(zip(found.folder.classes, found.folder.counts(), strict=True), key=lambda row: -row[1])
    shown = rows if len(rows) <= 20 else [*rows[:10], ("...", 0), *rows[-5:]]
    for name, count in shown:
        table.add_row(name, f"{count:,}" if name != "..." else "")
    return table


def _base(dataset: str, choices: Choices, named: NamedDataset | None) -> Recipe:
    if choices.like_fashion_mnist:
        if choices.start_from not in (None, SCRATCH):
            raise RunError("--like fashion-mnist starts from scratch: leave out --start-from")
        return like_fashion_mnist(dataset)
    small = (choices.side or (named.side if named else _SMALLEST_PRETRAINED_SIDE)) < _SMALLEST_PRETRAINED_SIDE
    grey = choices.grey or (named is not None and named.channels == 1)
    start = choices.start_from or (SCRATCH if small or grey else IMAGENET)
    if start == IMAGENET:
        if grey:
            raise RunError("ImageNet's weights are for colour: leave out --grey, or add --start-from scratch")
        return pretrained(dataset)
    if start == SCRATCH:
        return replace(from_scratch(dataset), channels=1 if grey else 3)
    if not Path(start).is_dir():
        raise WrongFolder(f"--start-from {start} is neither imagenet, nor scratch, nor the folder of a run")
    source = load_recipe(Path(start))
    require(Path(start), BEST_WEIGHTS_FILE, "train")
    return from_run(dataset, start, source)


def _refuse_other_input(base: Recipe, choices: Choices) -> None:
    """Raise RunError if an option asks for another input than that of the network in `base.start_from`."""
    if choices.side not in (None, base.side):
        raise RunError(f"{base.start_from} has {base.side} pixels: leave out --side")
    if choices.grey and base.channels != 1:
        raise RunError(f"{base.start_from} is for colour: leave out --grey")


def _refuse_other_encodings(dataset: str, choices: Choices) -> None:
    """Raise WrongFolder if a path is not in UTF-8: the run's configuration could not hold it."""
    for path in (dataset, choices.start_from or "", str(choices.groups or "")):
        if not is_text(path):
            raise WrongFolder(f"{path.encode('utf-8', 'replace').decode()!r} is not in UTF-8: rename it")


def _counted(build: Build) -> str:
    counts, classes = build.examples.counts(), len(build.examples.labels)
    return f"{classes} classes; " + ", ".join(f"{count:,} images for {part}" for part, count in counts.items())
