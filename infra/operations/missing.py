"""Two buckets in, a manifest of the objects without a result out; it holds a number for each result in memory."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Final

from handler.result_keys import FOLDER, result_key

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ObjectVersionTypeDef

BATCH: Final = 100  # objects that one child of the map sends; backfill.asl.json makes as many of a listing


@dataclass(frozen=True)
class Comparison:
    """How many objects there are, folders' placeholders left out, and how many of them have no result."""

    objects: int
    missing: int


class Missing:
    """The objects below `prefix` without a result, as the manifest has them; `comparison` counts what was yielded."""

    def __init__(self, s3: "S3Client", uploads: str, results: str, prefix: str = "") -> None:
        self._s3, self._uploads, self._results, self._prefix = s3, uploads, results, prefix
        self._objects = self._missing = 0

    @property
    def comparison(self) -> Comparison:
        return Comparison(self._objects, self._missing)

    def compare(self) -> Comparison:
        """Count, and keep nothing."""
        for _ in self:
            pass
        return self.comparison

    def __iter__(self) -> Iterator[dict[str, Any]]:
        known = set(map(_number, self._result_keys()))
        self._objects = self._missing = 0
        for found in self._newest_versions():
            self._objects += 1
            if _number(_result_key(self._uploads, found)) not in known:
                self._missing += 1
                yield _item(found)

    def _result_keys(self) -> Iterator[str]:
        below = f"{FOLDER}{self._uploads}/{self._prefix}"
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._results, Prefix=below)
        return (found["Key"] for page in pages for found in page.get("Contents", []))

    def _newest_versions(self) -> "Iterator[ObjectVersionTypeDef]":
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self._uploads, Prefix=self._prefix)
        for page in pages:
            for found in page.get("Versions", []):
                if found["IsLatest"] and not (found["Key"].endswith("/") and found["Size"] == 0):
                    yield found


def write_manifest(objects: Iterable[dict[str, Any]], file: IO[bytes]) -> None:
    """An array of arrays, such as the state machine reads, one of them a line."""
    rest = iter(objects)
    before = b"["
    while batch := list(islice(rest, BATCH)):
        file.write(before + json.dumps(batch, separators=(",", ":")).encode())
        before = b",\n"
    file.write(b"]\n" if before == b",\n" else b"[]\n")


def _number(key: str) -> int:
    """Eight bytes instead of a key: of a million keys two are the same with a chance of one in ten million."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest())


def _result_key(bucket: str, found: "ObjectVersionTypeDef") -> str:
    version = found["VersionId"]
    return result_key(bucket, found["Key"], found["ETag"].strip('"') if version == "null" else version)


def _item(found: "ObjectVersionTypeDef") -> dict[str, Any]:
    version = {} if found["VersionId"] == "null" else {"VersionId": found["VersionId"]}
    return {
        "Key": found["Key"],
        "Size": found["Size"],
        "ETag": found["ETag"],
        "LastModified": found["LastModified"].isoformat(),
        **version,
    }
