"""Download visitors' corrections from the results bucket: one folder per class, as `model_build` takes them."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from handler.result_keys import CORRECTIONS_FOLDER
from infra.operations.results import READ_CONCURRENCY

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# CLASS/HASH.jpg and .json; what else somebody may have put there is left, and cannot name a path outside of the folder.
_NAME: Final = re.compile(r"[\w-]{1,64}(\.[0-9]{1,5})?/[0-9a-f]{64}\.(jpg|json)")


@dataclass(frozen=True)
class Count:
    """Number of corrections in the bucket, and number of those that were not in the folder before."""

    stored: int
    downloaded: int


def download_corrections(s3: "S3Client", bucket: str, folder: Path) -> Count:
    """Download what `folder` lacks, page by page. Raises botocore's errors, and OSError."""
    stored = downloaded = 0
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=CORRECTIONS_FOLDER)
    with ThreadPoolExecutor(READ_CONCURRENCY) as pool:
        for page in pages:
            names = [found["Key"].removeprefix(CORRECTIONS_FOLDER) for found in page.get("Contents", [])]
            names = [name for name in names if _NAME.fullmatch(name)]
            missing = [name for name in names if not (folder / name).exists()]
            for _ in pool.map(partial(_download, s3, bucket, folder), missing):
                pass
            stored += _pictures(names)
            downloaded += _pictures(missing)
    return Count(stored, downloaded)


def _download(s3: "S3Client", bucket: str, folder: Path, name: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}")  # an interrupted download leaves no half picture
    unfinished.write_bytes(s3.get_object(Bucket=bucket, Key=CORRECTIONS_FOLDER + name)["Body"].read())
    unfinished.replace(path)


def _pictures(names: list[str]) -> int:
    return sum(name.endswith(".jpg") for name in names)
