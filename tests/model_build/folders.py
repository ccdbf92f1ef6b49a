"""Folders of images for tests: empty files, stored images, and what a check of a folder finds."""

from pathlib import Path

from handler.contract import InputFormat
from model_build.datasets.folder import Folder, read_folder
from model_build.datasets.folder_checks import image_findings, name_findings
from model_build.datasets.parts import copies, parted
from model_build.datasets.stored import StoredImages, stored_images

FORM = InputFormat(32, 3, "resize")


def touched(root: Path, *names: str) -> Path:
    """`root` with empty files of these names."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def images_of(folder: Folder, tmp_path: Path) -> StoredImages:
    return stored_images(folder, FORM, tmp_path / "cache")


def findings(path: Path) -> dict[str, bool]:
    """All that is found in the folder at `path`: sentences, and whether they are errors."""
    folder = read_folder(path)
    found = name_findings(folder)
    if not any(each.is_error for each in found):
        images = stored_images(folder, FORM, path.parent / "cache")
        pairs = copies(images.thumbnails)
        found += image_findings(folder, images, pairs, parted(folder, pairs), FORM.side)
    return {str(each): each.is_error for each in found}
