"""Read all results of a bucket as JSON lines, for DuckDB, pandas or jq."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Final

from handler.result_keys import FOLDER

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

READ_CONCURRENCY: Final = 32


def documents(s3: "S3Client", bucket: str, since: datetime | None = None) -> Iterator[str]:
    """Yield each document as stored, or only those written at or after `since`; listed page by page."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=FOLDER)
    with ThreadPoolExecutor(READ_CONCURRENCY) as pool:
        for page in pages:
            keys = [found["Key"] for found in page.get("Contents", []) if not since or found["LastModified"] >= since]
            yield from pool.map(lambda key: _text(s3, bucket, key), keys)


def _text(s3: "S3Client", bucket: str, key: str) -> str:
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode().strip()
