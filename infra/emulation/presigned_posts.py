"""Add what moto lacks of a presigned POST: the parts it must have, its policy, `If-None-Match: *`, response headers.

S3 documents that POST takes as form fields what PUT takes as headers:
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html. It describes `If-None-Match` for PUT:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html.
"""

import base64
import json
from threading import Lock
from typing import Any, Final
from urllib.parse import quote

from moto.s3.exceptions import EntityTooSmall, MissingKey, PreconditionFailed, S3ClientError
from moto.s3.responses import S3Response

_moto_post: Final = S3Response._bucket_response_post
_REQUIRED: Final = ("key", "policy", "x-amz-signature")
_writing: Final = Lock()  # else two uploads could both find that there is no object


def enforce_post_conditions() -> None:
    """Replace moto's POST of an object in this process."""
    S3Response._bucket_response_post = _conditional_post  # type: ignore[method-assign]


def _conditional_post(self: S3Response, request: Any, bucket_name: str) -> Any:
    fields: dict[str, str] = self.form_data
    if "delete" in request.args:  # of several objects, which is a POST, too
        return _moto_post(self, request, bucket_name)
    _check_form(fields, has_file="file" in request.files or "file" in fields)
    conditions: list[Any] = json.loads(base64.b64decode(fields["policy"]))["conditions"]
    _check_size(conditions, len(self.body))
    if not _allows_fields(conditions, fields):
        raise Forbidden("AccessDenied", "Invalid according to Policy: Policy Condition failed")
    with _writing:
        if fields.get("If-None-Match") == "*" and _exists(self, bucket_name, fields["key"]):
            raise PreconditionFailed("If-None-Match")
        status, headers, body = _moto_post(self, request, bucket_name)
    return status, {**headers, **_of_stored(self, bucket_name, fields["key"], request.base_url)}, body


def _of_stored(self: S3Response, bucket_name: str, key: str, address: str) -> dict[str, str]:
    """Headers of S3's response that moto omits, shown to pages of other origins as by the template's CORS rule."""
    stored: Any = self.backend.head_object(bucket_name, key)
    return {
        "ETag": stored.etag,
        "Location": f"{address.rstrip('/')}/{quote(key)}",
        "Access-Control-Expose-Headers": "ETag, Location",
    }


class Forbidden(S3ClientError):
    """The response of S3 to a form that its policy does not allow."""

    code = 403  # type: ignore[assignment]  # as moto's own errors set it


def _allows_fields(conditions: list[Any], fields: dict[str, str]) -> bool:
    """Whether each field is covered by a condition, and each condition on a field holds.

    Of the matching: docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html. The bucket is a part of
    the address.
    """
    exact = {name.lower(): value for each in conditions if isinstance(each, dict) for name, value in each.items()}
    prefixes = {
        each[1][1:].lower(): each[2] for each in conditions if isinstance(each, list) and each[0] == "starts-with"
    }
    given = {name.lower(): str(value) for name, value in fields.items()}
    exact.pop("bucket", None)
    return (
        all(given.get(name) == value for name, value in exact.items())
        and all(name in given and given[name].startswith(prefix) for name, prefix in prefixes.items())
        and given.keys() - exact.keys() - prefixes.keys() <= {"policy", "x-amz-signature", "file", "bucket"}
    )


def _check_form(fields: dict[str, str], *, has_file: bool) -> None:
    for name in _REQUIRED:
        if name not in fields:
            raise S3ClientError("InvalidArgument", f"Bucket POST must contain a field named '{name}'.")
    if not has_file:
        raise S3ClientError("InvalidArgument", "POST requires exactly one file upload per request.")


def _check_size(conditions: list[Any], size: int) -> None:
    ranges = [each[1:] for each in conditions if isinstance(each, list) and each[0] == "content-length-range"]
    for lowest, highest in ranges:
        if size < lowest:
            raise EntityTooSmall
        if size > highest:
            raise S3ClientError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")


def _exists(response: S3Response, bucket: str, key: str) -> bool:
    try:
        return response.backend.head_object(bucket, key) is not None
    except MissingKey:
        return False
