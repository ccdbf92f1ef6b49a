"""Read and check the images of a recipe: nothing is trained on a broken folder."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from model_build.datasets.folder import Folder, read_folder
from model_build.datasets.folder_checks import Finding, group_findings, image_findings, name_findings, refuse_errors
from model_build.datasets.mnist import DATA_DIR
from model_build.datasets.named import folder_of
from model_build.datasets.parts import copies, parted, read_groups
from model_build.datasets.stored import stored_images
from model_build.own_classes.examples import Examples, examples_of
from model_build.own_classes.recipe import Recipe

_CACHE: Final = "folders"  # below the folder of the datasets

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checked:
    """A folder with what was found in it; `examples` is None if its names alone are wrong."""

    folder: Folder
    findings: list[Finding]
    examples: Examples | None


def checked(recipe: Recipe, root: Path = DATA_DIR) -> Checked:
    """Read all images of the recipe's folder, part them, and report what is wrong with them. Raises WrongFolder."""
    folder = read_folder(folder_of(recipe.dataset, root))
    findings = name_findings(folder)
    if any(finding.is_error for finding in findings):
        return Checked(folder, findings, None)
    images = stored_images(folder, recipe.form, root / _CACHE)
    pairs = copies(images.thumbnails)
    groups = read_groups(Path(recipe.groups), folder) if recipe.groups else {}
    findings += group_findings(folder, groups)
    parts = parted(folder, pairs, groups)
    findings += image_findings(folder, images, pairs, parts, recipe.side)
    return Checked(folder, findings, examples_of(folder, images, parts))


def load_examples(recipe: Recipe, root: Path = DATA_DIR) -> Examples:
    """The images in their parts. Raises WrongFolder if the folder is broken."""
    found = checked(recipe, root)
    refuse_errors(found.folder, found.findings)
    for warning in found.findings:
        log.warning("%s", warning)
    if found.examples is None:
        raise AssertionError("a folder without errors has examples")
    return found.examples
