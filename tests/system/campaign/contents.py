"""Contents of a campaign's objects: images with their labels by the model, and files that must be rejected."""

import gzip
from dataclasses import dataclass, replace
from typing import Final

from PIL import Image

from handler.contract import ModelInput
from handler.inference.classifier import Classifier
from tests.support.decoder_inputs import jpeg_with_scans
from tests.support.images import encoded, png_that_claims
from tests.support.machine import PROJECT
from tests.support.shipped import prepare

SCANS: Final = jpeg_with_scans(200, 16)  # more than are decoded


@dataclass(frozen=True)
class Content:
    """Bytes of an object, and the label that its image should get; None if it must be rejected."""

    original: bytes
    label: str | None
    is_compressed: bool = False

    @property
    def encoding(self) -> dict[str, str]:
        """The parameter of PutObject that says how the bytes are compressed."""
        return {"ContentEncoding": "gzip"} if self.is_compressed else {}

    def body(self, name: str) -> bytes:
        """The bytes with `name` behind them, compressed if they are to be."""
        body = self.original + f" {name}".encode()
        return gzip.compress(body, mtime=0) if self.is_compressed else body


def contents() -> list[Content]:
    """Small images with their labels by the model, files that are not images, and bombs."""
    classifier = Classifier.shipped()
    images = []
    for path in sorted((PROJECT / "handler" / "static" / "samples").glob("*.jpg")):
        view = prepare(path.read_bytes(), 1_000_000).views[:1]
        (classification,) = classifier.classify([ModelInput(view, None)], 1)
        images.append(Content(encoded(Image.fromarray(view[0, 0])), classification.predictions[0].label))
    compressed = [replace(image, is_compressed=True) for image in images[:2]]
    rejected = [images[0].original[:100], b"no image", b"x" * 20_000, png_that_claims(60_000, 60_000), SCANS]
    bomb = Content(bytes(1_000_000), None, is_compressed=True)
    return [*images * 6, *compressed, *(Content(each, None) for each in rejected), bomb]
