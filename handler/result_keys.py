"""What several programs must agree on: keys of results and corrections, versions of objects, request ids."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

FOLDER: Final = "results/"
CORRECTIONS_FOLDER: Final = "corrections/"
NO_CLASS: Final = "none"  # the folder of corrections that say that an image shows none of the classes
REQUEST_ID: Final = "request-id"  # object metadata: the id of the HTTP request for the upload's ticket
SAFE_REQUEST_ID: Final = re.compile(r"[\w.:=+/-]{1,128}", re.ASCII)  # clients may send anything as an id
NO_VERSION: Final = "null"  # S3's version id of an object that was stored without versioning
# S3 allows 1024 bytes. Only shortened keys are longer than this, so that they never collide with others.
_LONGEST_WHOLE: Final = 900
_LONGEST_FOLDER: Final = 50  # characters, of up to four bytes; file systems allow 255


def class_folders(labels: Sequence[str]) -> tuple[str, ...]:
    """The folders of the corrections to each class, all different: "T-shirt/top" has `t-shirt-top`.

    The class's number is behind names that two have, or that mean no class.
    """
    names = [_file_name(label) or "class" for label in labels]
    uses = Counter([*names, NO_CLASS])
    return tuple(name if uses[name] == 1 else f"{name}.{index}" for index, name in enumerate(names))


def _file_name(label: str) -> str:
    """Letters and digits of any script, and hyphens between them; empty if there are none."""
    return re.sub(r"[\W_]+", "-", label.lower()).strip("-")[:_LONGEST_FOLDER]


def version_of(version_id: str | None, etag: str) -> str:
    """Identifies an object among those of the same key: its version id, or its ETag without versioning."""
    return etag.strip('"') if version_id in (None, NO_VERSION) else version_id


def result_key(bucket: str, key: str, version: str) -> str:
    """`results/{bucket}/{key}/{version}.json`; if that is too long for S3, a hash replaces the end.

    `version` comes from `version_of`.
    """
    whole = f"{FOLDER}{bucket}/{key}/{version}.json"
    if len(whole.encode()) <= _LONGEST_WHOLE:
        return whole
    beginning = whole.encode()[:_LONGEST_WHOLE].decode(errors="ignore")
    return f"{beginning}~{hashlib.sha256(whole.encode()).hexdigest()}.json"
