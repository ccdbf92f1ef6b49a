"""Decode a folder's images once, as the server does, into arrays of uint8 pixels: later epochs only read them."""

import hashlib
import io
import logging
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import handler.inference.decoding
import handler.inference.letterbox
import handler.inference.preprocessing
from handler.contract import InputFormat
from handler.errors import ClassifierError
from handler.inference.card import RESIZE
from handler.inference.decoding import decode
from handler.inference.letterbox import letterboxed
from handler.inference.preprocessing import DETAIL_SIDE, THRESHOLDS, preprocessed
from model_build.datasets.folder import Folder
from model_build.locks import Locked, locked
from model_build.progress import track
from model_build.run_files import read_json, replace, write_json

MAX_PIXELS: Final = 50_000_000
THUMBNAIL_SIDE: Final = 16
_THUMBNAIL_DETAIL: Final = 128  # pixels from which it is reduced, whatever the size of the image
_MARGIN: Final = 1.2  # of the stored side over the model's, so that a crop of most of the image loses no detail
_FEW: Final = 200  # images that are decoded sooner than other processes start
_ARRAYS: Final = ("served", "wide", "thumbnails", "sizes")
_STOPPED: Final[list[Event]] = []  # in a process that reads images: set when nobody waits for more

Pixels = NDArray[np.uint8]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredImages:
    """Arrays in the order of a folder's images; those of an image that cannot be read are 0."""

    served: Pixels  # (N, views, channels, side, side): as the model takes them; `resize` makes one view
    wide: Pixels  # (N, views, channels, wide side, wide side): larger, to be cropped in training
    thumbnails: Pixels  # (N, 16, 16), grey
    sizes: NDArray[np.int32]  # (N, 2): width and height of the image as it was decoded
    errors: Mapping[str, str]  # why an image cannot be read, by its name

    def __len__(self) -> int:
        return len(self.sizes)


def stored_images(folder: Folder, form: InputFormat, cache_root: Path) -> StoredImages:
    """The images of `folder` in the format of the model's input; cached below `cache_root`."""
    cache = cache_root / f"{folder.name}-{_fingerprint(folder, form)}"
    if not (cache / "errors.json").exists():
        cache.mkdir(parents=True, exist_ok=True)
        _store_once(folder, form, cache)
    arrays = {name: np.load(cache / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
    return StoredImages(**arrays, errors=read_json(cache / "errors.json"))


def views(data: bytes, form: InputFormat, side: int) -> Pixels:
    """(views, channels, side, side) of an encoded image, as the server prepares it. Raises RejectedImage."""
    if form.preprocessing == RESIZE:
        return letterboxed(decode(data, MAX_PIXELS, side), side, form.channels)[np.newaxis]
    return preprocessed(decode(data, MAX_PIXELS, DETAIL_SIDE), side=side).views[:, np.newaxis]


def _wide_side(form: InputFormat) -> int:
    return round(form.side * _MARGIN) if form.preprocessing == RESIZE else form.side


def _store_once(folder: Folder, form: InputFormat, cache: Path) -> None:
    """Store the images, unless another process does so meanwhile: two that write the same mapped file crash."""
    lock = cache / "lock"
    try:
        with locked(lock, waits=False):
            _store_missing(folder, form, cache)
    except Locked:
        log.info("waiting for another process, which reads these images")
        with locked(lock, waits=True):
            _store_missing(folder, form, cache)


def _store_missing(folder: Folder, form: InputFormat, cache: Path) -> None:
    if not (cache / "errors.json").exists():
        _store(folder, form, cache)


def _store(folder: Folder, form: InputFormat, cache: Path) -> None:
    """Write all arrays, the errors last: they tell that the others are whole."""
    count, views = len(folder.images), 1 if form.preprocessing == RESIZE else len(THRESHOLDS)
    shapes: Mapping[str, tuple[tuple[int, ...], type]] = {
        "served": ((count, views, form.channels, form.side, form.side), np.uint8),
        "wide": ((count, views, form.channels, _wide_side(form), _wide_side(form)), np.uint8),
        "thumbnails": ((count, THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.uint8),
        "sizes": ((count, 2), np.int32),
    }
    arrays = {name: reserved_array(cache / f"{name}.npy", shape, kind) for name, (shape, kind) in shapes.items()}
    errors = {}
    paths = [folder.path / image.name for image in folder.images]
    with _mapping(len(paths)) as mapping:
        rows = mapping(partial(_row, form=form), paths)
        for place, row in enumerate(track(rows, "reading images", total=count)):
            if isinstance(row, str):
                errors[folder.images[place].name] = row
                continue
            for name, value in row.items():
                arrays[name][place] = value if name in ("thumbnails", "sizes") else _repeated(value, views)
    for array in arrays.values():
        array.flush()
    replace(cache / "errors.json", lambda path: write_json(path, errors))


def reserved_array(path: Path, shape: tuple[int, ...], kind: type) -> np.memmap[Any, Any]:
    """A file of zeros, mapped into memory. Raises OSError if the disk is full.

    Without space reserved for all of it, a write to the mapped file would end the process without a word.
    """
    try:
        array = np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)
        if hasattr(os, "posix_fallocate"):  # not on macOS and Windows
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    return array


@contextmanager
def _mapping(count: int) -> Iterator[Any]:
    """A `map` of this process, or of several processes if there are many images. Raises MemoryError if one is killed.

    Only this process sees Ctrl-C. It waits for the images that are begun, and the others are left.
    """
    if count <= _FEW:
        yield map
        return
    count_of_processes = os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()
    stopped = multiprocessing.Event()
    with ProcessPoolExecutor(count_of_processes, initializer=_begin_process, initargs=(stopped,)) as pool:
        try:
            yield partial(pool.map, chunksize=16)
        except BrokenProcessPool as error:
            raise MemoryError("a process that read images was killed: perhaps memory ran out") from error
        finally:
            stopped.set()


def _begin_process(stopped: Event) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _STOPPED.append(stopped)


def _row(path: Path, form: InputFormat) -> Mapping[str, Any] | str:
    """What is stored of an image, or why it cannot be read."""
    if any(stopped.is_set() for stopped in _STOPPED):
        return "interrupted"
    try:
        data = path.read_bytes()
        served = views(data, form, form.side)
        wide = views(data, form, _wide_side(form)) if form.preprocessing == RESIZE else served
        image = decode(data, MAX_PIXELS, _THUMBNAIL_DETAIL)
    except ClassifierError as error:
        return str(error)
    except OSError as error:
        return f"broken link: {error.strerror}" if path.is_symlink() else error.strerror or str(error)
    grey = image.convert("RGB").convert("L").resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BILINEAR)
    return {"served": served, "wide": wide, "thumbnails": np.asarray(grey), "sizes": _size(data, image)}


def _size(data: bytes, image: Image.Image) -> tuple[int, int]:
    """Width and height of the file's image; a large JPEG is decoded at a reduced scale."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            return opened.size
    except Exception:  # a repaired or a HEIC image, which Pillow alone does not open
        return image.size


def _repeated(views: Pixels, count: int) -> Pixels:
    """(count, ...): a cut-out image has one view, and others have `count`."""
    return views if len(views) == count else np.resize(views, (count, *views.shape[1:]))


def _fingerprint(folder: Folder, form: InputFormat) -> str:
    """Hash of the files, of the format, and of the source code that makes one from the other."""
    digest = hashlib.sha256(repr(form).encode())
    for module in (handler.inference.decoding, handler.inference.letterbox, handler.inference.preprocessing):
        digest.update(Path(str(module.__file__)).read_bytes())
    digest.update(Path(__file__).read_bytes())
    for line in _listed(folder.path, [image.name for image in folder.images]):
        digest.update(line.encode())
    return digest.hexdigest()[:12]


def _listed(root: Path, names: Sequence[str]) -> Iterable[str]:
    for name in names:
        try:
            status = (root / name).stat()
        except OSError:  # a broken link, or a file that was deleted since: reading it will tell
            yield f"{name} missing\n"
            continue
        yield f"{name} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}\n"
