"""The key of an upload in, the key of its result out: the worker stores it there, and the API looks for it there."""

import hashlib
from typing import Final

_MAX_KEY_BYTES: Final = 1024  # S3's own limit
_SUFFIX: Final = ".json"


def result_key(upload_key: str) -> str:
    """The upload's own key with .json behind it, shortened only if S3 demands it."""
    key = upload_key + _SUFFIX
    if len(key.encode()) <= _MAX_KEY_BYTES:
        return key
    digest = hashlib.sha256(upload_key.encode()).hexdigest()
    return f"long-keys/{digest}"  # without the suffix, which every other result has, so that no other can be here
