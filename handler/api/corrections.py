"""Corrections: images that visitors say the model got wrong, kept for training.

image -> a picture of its pixels alone -> {folder of the right class}/{hash}.jpg, beside it what the model says of it

No metadata of the image, no name of its file and no address of its sender is stored.
"""

import hashlib
import io
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import uuid4

from PIL import Image

from handler.api.presigned_uploads import S3Connection, s3_client
from handler.contract import Classification, Label
from handler.errors import Unavailable
from handler.result_keys import CORRECTIONS_FOLDER
from handler.settings import CORRECTIONS_IN_S3, Settings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

SIDE: Final = 512  # pixels; the colour network takes 160, and training crops
MAX_BYTES: Final = 200_000
# The best that is small enough is taken; noise of 512x512 pixels has 170 kB at the last one.
_QUALITIES: Final = (90, 75, 50, 25)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Correction:
    """A picture, what it shows (None: no class of the model), and what the model of `version` says that it shows.

    `folder`: of the class, as `class_folders` names it.
    """

    picture: bytes
    label: Label | None
    folder: str
    guess: Classification
    version: str

    @property
    def id(self) -> str:
        """The same for the same picture, so that it is stored once."""
        return hashlib.sha256(self.picture).hexdigest()

    @property
    def document(self) -> dict[str, Any]:
        (guess,) = self.guess.predictions
        known = {"known": self.guess.known, "known_score": self.guess.known_score}
        return {
            "label": self.label.english if self.label else None,
            "class_id": self.label.class_id if self.label else None,
            "guess": {**asdict(guess), **known},
            "model": {"version": self.version},
        }


def pixels_alone(image: Image.Image) -> bytes:
    """A JPEG of at most `MAX_BYTES` of an image that is at most `SIDE` pixels wide and high; no metadata.

    What is transparent becomes white, as in shops.
    """
    opaque = Image.new("RGB", image.size, "white")  # a new image: Pillow would write a comment of the old one
    opaque.paste(image.convert("RGB"), mask=image.getchannel("A") if image.mode in ("LA", "RGBA") else None)
    files = (_jpeg(opaque, quality) for quality in _QUALITIES)
    return next(file for file in files if len(file) <= MAX_BYTES)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


class Store(Protocol):
    """Where files are kept by their names, such as `dress/0a1b.jpg`."""

    def add(self, name: str, content: bytes, media_type: str) -> None:
        """Keep a file, unless there is one of that name already. Raises Unavailable."""


def add_correction(correction: Correction, store: Store) -> None:
    """Store a correction; the same one again changes nothing. Raises Unavailable."""
    name = f"{correction.folder}/{correction.id}"
    document = json.dumps(correction.document, separators=(",", ":")).encode() + b"\n"
    store.add(f"{name}.json", document, "application/json")
    store.add(f"{name}.jpg", correction.picture, "image/jpeg")  # last: what is found is complete


def correction_store(settings: Settings, connect: "Callable[[Settings], S3Client]" = s3_client) -> Store:
    """The store that `settings.corrections` names."""
    if settings.corrections == CORRECTIONS_IN_S3:
        return BucketStore(S3Connection(settings, connect), settings.results_bucket)
    return FolderStore(Path(settings.corrections))


class BucketStore:
    """The results bucket, below `corrections/`."""

    def __init__(self, connection: S3Connection, bucket: str) -> None:
        self._connection, self._bucket = connection, bucket

    def add(self, name: str, content: bytes, media_type: str) -> None:
        """Raises Unavailable."""
        from botocore.exceptions import ClientError  # noqa: PLC0415  as in `s3_client`

        with self._connection.client() as s3:
            key = CORRECTIONS_FOLDER + name
            try:  # on a condition: in a versioned bucket, each repetition would be kept
                s3.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=media_type, IfNoneMatch="*")
            except ClientError as error:
                if error.response["Error"]["Code"] not in ("PreconditionFailed", "412"):
                    raise


class FolderStore:
    """A folder of this machine; it is made when the first file comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, name: str, content: bytes, media_type: str) -> None:  # noqa: ARG002  for buckets
        """Raises Unavailable."""
        path = self._folder / name
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(path, content)
        except OSError as error:
            log.exception("the folder of corrections cannot be written to")
            raise Unavailable("the correction cannot be stored; the log has the reason") from error


def _write(path: Path, content: bytes) -> None:
    """Write a file that others see complete or not at all."""
    temporary = path.with_name(f".{uuid4().hex}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
