"""A results bucket in, its documents out, one JSON object a line: what DuckDB, pandas and jq read at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Final

from handler.result_keys import FOLDER

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

READS_AT_ONCE: Final = 32


def documents(s3: "S3Client", bucket: str, since: datetime | None = None) -> Iterator[str]:
    """Each document as it is stored, those only that were written at or after `since`; a page of keys at a time."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=FOLDER)
    with ThreadPoolExecutor(READS_AT_ONCE) as pool:
        for page in pages:
            keys = [each["Key"] for each in page.get("Contents", []) if since is None or each["LastModified"] >= since]
            yield from pool.map(lambda key: _text(s3, bucket, key), keys)


def _text(s3: "S3Client", bucket: str, key: str) -> str:
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode().strip()
