"""Find objects without a result, and write them as a manifest. Memory: one integer per result."""

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

BATCH: Final = 100  # objects per child of the map; backfill.asl.json has the same for listings


@dataclass(frozen=True)
class Comparison:
    """Number of objects, without folder placeholders, and number of those without a result."""

    objects: int
    missing: int


class Missing:
    """Iterable of the objects below `prefix` without a result; `comparison` has the counts afterwards."""

    def __init__(self, s3: "S3Client", uploads: str, results: str, prefix: str = "") -> None:
        self._s3, self._uploads, self._results, self._prefix = s3, uploads, results, prefix
        self._objects = self._missing = 0

    @property
    def comparison(self) -> Comparison:
        return Comparison(self._objects, self._missing)

    def compare(self) -> Comparison:
        """Iterate only to count."""
        for _ in self:
            pass
        return self.comparison

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with_result = set(map(_hash, self._result_keys()))
        self._objects = self._missing = 0
        for found in self._newest_versions():
            self._objects += 1
            if _hash(_result_key(self._uploads, found)) not in with_result:
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
    """Write a JSON array of batches, one per line, as the state machine reads it."""
    remaining = iter(objects)
    separator = b"["
    while batch := list(islice(remaining, BATCH)):
        file.write(separator + json.dumps(batch, separators=(",", ":")).encode())
        separator = b",\n"
    file.write(b"]\n" if separator == b",\n" else b"[]\n")


def _hash(key: str) -> int:
    """Eight bytes in place of a key. A collision among a million keys has a probability of 1 in 10 million."""
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
