"""Check a folder of images before training: unreadable files, classes with too few, copies, sizes, imbalance."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from unicodedata import category

from model_build.checks import WrongFolder
from model_build.datasets.folder import PARTS, TEST, TRAIN, Folder, composed
from model_build.datasets.parts import Pairs
from model_build.datasets.stored import StoredImages

MOST_CLASSES: Final = 1_000
FEWEST_IMAGES: Final = 5  # of a class: one for validation, one for the test, three to learn from
_FEW_IMAGES: Final = 20
_TINY_SHARE: Final = 0.4  # of the model's side
_HUGE_PIXELS: Final = 25_000_000  # half of what the server accepts
_IMBALANCE: Final = 10  # times as many images as the smallest class
_NAMED: Final = 3  # examples in a sentence
_CONTROLS: Final = frozenset({"Cc", "Zl", "Zp"})  # categories of Unicode: control characters, ends of lines


@dataclass(frozen=True)
class Finding:
    """Something about a folder. No training begins where one is an error."""

    is_error: bool
    problem: str
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.problem}{f': {_few(self.examples)}' if self.examples else ''}"


def name_findings(folder: Folder) -> list[Finding]:
    """What the names tell, without opening an image."""
    return [*_class_findings(folder), *_other_files(folder)]


def image_findings(
    folder: Folder, images: StoredImages, pairs: Pairs, parts: Sequence[str], side: int
) -> list[Finding]:
    """What the images tell, once they are read."""
    return [
        *_unreadable(images),
        *_too_few(folder, images),
        *_without_part(folder, images, parts),
        *_copied(folder, pairs, parts),
        *_sizes(folder, images, side),
        *_imbalance(folder),
    ]


def group_findings(folder: Folder, groups: Mapping[str, str]) -> list[Finding]:
    """A warning of the images that no group of a file of groups has; none without such a file."""
    alone = tuple(image.name for image in folder.images if groups and image.name not in groups)
    problem = f"{_files(len(alone))} of {len(folder.images):,} that --groups does not name, each parted on its own"
    return [Finding(False, problem, alone)] if alone else []


def refuse_errors(folder: Folder, findings: Sequence[Finding]) -> None:
    """Raise WrongFolder, with all errors in one line, if there is one."""
    if errors := [str(finding) for finding in findings if finding.is_error]:
        raise WrongFolder(f"{folder.path}: {'; '.join(errors)} (python -m model_build check {folder.path})")


def _class_findings(folder: Folder) -> Iterator[Finding]:
    counts, classes = folder.counts(), folder.classes
    if len(classes) == 1:
        yield Finding(True, f"there is only the class {classes[0]!r}: a classifier needs two or more")
    if len(classes) > MOST_CLASSES:
        yield Finding(True, f"there are {len(classes):,} classes, more than the {MOST_CLASSES:,} that a model can have")
    for key, meaning in (
        (str.casefold, "only in case"),
        (str.strip, "only in spaces"),
        (composed, "only in how accents are written"),
    ):
        if alike := _alike(classes, key):
            yield Finding(True, f"names of classes differ {meaning}", tuple(" and ".join(names) for names in alike))
    written = [*classes, *(label.english for label in folder.labels), *(label.chinese for label in folder.labels)]
    if wrong := sorted({repr(name) for name in written if not _CONTROLS.isdisjoint(map(category, name))}):
        yield Finding(True, "names with a line break or another control character", tuple(wrong))
    if {TRAIN, TEST} <= {name.lower() for name in classes}:
        yield Finding(True, "train and test are classes here, since other folders are beside them: move those away")
    if alike := _alike([label.english for label in folder.labels], str):
        yield Finding(True, "several classes have the same label", tuple(names[0] for names in alike))
    if empty := [name for name, count in zip(classes, counts, strict=True) if not count]:
        yield Finding(True, f"{_classes(len(empty))} without images", tuple(empty))


def _other_files(folder: Folder) -> Iterator[Finding]:
    if folder.loose:
        problem = f"{_files(len(folder.loose))} with images outside of the classes' folders, left out"
        yield Finding(False, problem, folder.loose)
    if folder.passed_over:
        yield Finding(False, "folders of the system or of tools, passed over", folder.passed_over)
    if folder.broken:
        yield Finding(False, "broken links beside the classes, left out", folder.broken)
    if folder.linked:
        yield Finding(False, "links to folders inside of classes, not followed", folder.linked)
    if folder.others:
        yield Finding(False, f"{_files(len(folder.others))} among the images that are none, left out", folder.others)


def _unreadable(images: StoredImages) -> Iterator[Finding]:
    if images.errors:
        reasons = tuple(f"{name} ({error})" for name, error in images.errors.items())
        yield Finding(True, f"{_files(len(reasons))} that cannot be read", reasons)


def _too_few(folder: Folder, images: StoredImages) -> Iterator[Finding]:
    counts = Counter(image.class_id for image in folder.images if image.name not in images.errors)
    few = {name: counts[i] for i, name in enumerate(folder.classes) if 0 < counts[i] < _FEW_IMAGES}
    for is_error, low, high in ((True, 0, FEWEST_IMAGES), (False, FEWEST_IMAGES, _FEW_IMAGES)):
        if found := [f"{name} has {count}" for name, count in few.items() if low <= count < high]:
            yield Finding(is_error, f"{_classes(len(found))} with fewer than {high} images", tuple(found))


def _without_part(folder: Folder, images: StoredImages, parts: Sequence[str]) -> Iterator[Finding]:
    """Classes that a part lacks: without training images they cannot be learned, else only not be measured."""
    present = defaultdict(set)
    for image, part in zip(folder.images, parts, strict=True):
        if image.name not in images.errors:
            present[part].add(image.class_id)
    every = {image.class_id for image in folder.images}
    for part in PARTS:
        if lacking := [folder.classes[i] for i in sorted(every - present[part])]:
            yield Finding(
                part == TRAIN or not present[part], f"{_classes(len(lacking))} without a {part} image", tuple(lacking)
            )


def _copied(folder: Folder, pairs: Pairs, parts: Sequence[str]) -> Iterator[Finding]:
    images = folder.images
    found: dict[str, list[str]] = defaultdict(list)
    for first, second in pairs.tolist():
        names = f"{images[first].name} and {images[second].name}"
        if images[first].class_id != images[second].class_id:
            found["in two classes: one label is wrong"].append(names)
        elif parts[first] != parts[second]:
            found["in two parts: the test would be too easy"].append(names)
        else:
            found["in one class, kept in one part"].append(names)
    for problem, names_of_pairs in found.items():
        yield Finding(False, f"{_pairs(len(names_of_pairs))} {problem}", tuple(names_of_pairs))


def _sizes(folder: Folder, images: StoredImages, side: int) -> Iterator[Finding]:
    read = [(image.name, *images.sizes[i].tolist()) for i, image in enumerate(folder.images)]
    named = [(f"{name} ({width} x {height})", width, height) for name, width, height in read if width]
    if tiny := [name for name, width, height in named if max(width, height) < _TINY_SHARE * side]:
        yield Finding(False, f"{_files(len(tiny))} tiny beside the model's {side} pixels", tuple(tiny))
    if huge := [name for name, width, height in named if width * height > _HUGE_PIXELS]:
        yield Finding(False, f"{_files(len(huge))} huge, which only take time", tuple(huge))


def _imbalance(folder: Folder) -> Iterator[Finding]:
    counts: Mapping[str, int] = dict(zip(folder.classes, folder.counts(), strict=True))
    largest, smallest = (choose(counts, key=lambda name: counts[name]) for choose in (max, min))
    if counts[smallest] and counts[largest] > _IMBALANCE * counts[smallest]:
        yield Finding(
            False,
            f"{largest} has {counts[largest] / counts[smallest]:.0f} times as many images as {smallest}; "
            "training shows rare classes more often",
        )


def _alike(names: Sequence[str], key: Callable[[str], str]) -> list[list[str]]:
    by_key: dict[str, list[str]] = defaultdict(list)
    for name in names:
        by_key[key(name)].append(name)
    return [sorted(group) for group in by_key.values() if len(group) > 1]


def _classes(count: int) -> str:
    return "1 class" if count == 1 else f"{count:,} classes"


def _pairs(count: int) -> str:
    return "1 pair of copies" if count == 1 else f"{count:,} pairs of copies"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def _few(examples: Sequence[str]) -> str:
    more = len(examples) - _NAMED
    return ", ".join(examples[:_NAMED]) + (f", and {more:,} more" if more > 0 else "")
