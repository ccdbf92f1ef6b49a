"""An upload in, the key of its result out, and what else the API and the worker must agree on."""

import hashlib
from typing import Final

FOLDER: Final = "results/"
REQUEST_ID: Final = "request-id"  # the metadata in which a ticket's object carries the id of the HTTP request
NO_VERSION: Final = "null"  # the version id of what was stored without versioning
# S3 takes 1024 bytes. A shortened key is longer than this, as no other is, so that the two never meet.
_LONGEST_WHOLE: Final = 900


def version_of(version_id: str | None, etag: str) -> str:
    """What tells an object from others of the same key: its version id, or the ETag where it has none."""
    return etag.strip('"') if version_id in (None, NO_VERSION) else version_id


def result_key(bucket: str, key: str, version: str) -> str:
    """`results/{bucket}/{key}/{version}.json`, its end replaced by a hash only if it is too long for S3.

    `version` is as `version_of` tells it.
    """
    whole = f"{FOLDER}{bucket}/{key}/{version}.json"
    if len(whole.encode()) <= _LONGEST_WHOLE:
        return whole
    beginning = whole.encode()[:_LONGEST_WHOLE].decode(errors="ignore")
    return f"{beginning}~{hashlib.sha256(whole.encode()).hexdigest()}.json"
