"""Uploads past the API: presigned S3 forms for images too large for a request, and the worker's results for them."""

import base64
import json
import logging
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, cast

from handler.contract import Classification, Prediction
from handler.errors import NotFound, Unavailable
from handler.lifecycle.snapstart import after_restore
from handler.result_keys import REQUEST_ID, result_key, version_of
from handler.settings import Settings
from handler.telemetry.request_trace import current_trace

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

ID_PATTERN: Final = "^[0-9a-f]{32}$"
_FOLDER: Final = "api/"  # separate from objects that are put into the bucket by other means
_LIFETIME_SECONDS: Final = 15 * 60  # of a ticket
_ONCE: Final = {"If-None-Match": "*"}  # S3 answers 412 if the object exists
_MEDIA_TYPE: Final = {"Content-Type": "image/*"}  # a client may replace it by the image's own type
_ANY_IMAGE: Final = ["starts-with", "$Content-Type", "image/"]

# Domains of the partitions other than AWS's own, by the beginning of a region's name. From botocore's partitions.json;
# reading that takes longer than the rest of a cold start.
_DOMAINS: Final = {
    "cn": "amazonaws.com.cn",
    "eusc": "amazonaws.eu",
    "us-iso": "c2s.ic.gov",
    "us-isob": "sc2s.sgov.gov",
    "us-isof": "csp.hci.ic.gov",
    "eu-isoe": "cloud.adc-e.uk",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ticket:
    """A presigned form: `fields` to post to `url`, with the image as the last one."""

    id: str
    url: str
    fields: dict[str, str]
    max_bytes: int
    expires: datetime


@dataclass(frozen=True)
class Rejection:
    """Why the worker could not classify an upload."""

    title: str
    detail: str


def upload_origin(settings: Settings) -> str | None:
    """The origin of ticket URLs, for the page's Content-Security-Policy; None if uploads are not configured."""
    if not settings.uploads_bucket:
        return None
    if settings.s3_endpoint_url:
        return settings.s3_endpoint_url
    if not settings.aws_region:
        return None
    return f"https://{settings.uploads_bucket}.s3.{settings.aws_region}.{_domain(settings.aws_region)}"


def _domain(region: str) -> str:
    """The domain of the partition of `region`, as CloudFormation's AWS::URLSuffix."""
    return next((name for first, name in _DOMAINS.items() if region.startswith(f"{first}-")), "amazonaws.com")


def s3_client(settings: Settings) -> "S3Client":
    """An S3 client that times out before API Gateway does, and whose presigned URLs are at `upload_origin`.

    Raises botocore's NoCredentialsError.
    """
    from botocore.config import Config  # noqa: PLC0415  doubles the cold start; few requests need it
    from botocore.exceptions import NoCredentialsError  # noqa: PLC0415
    from botocore.session import Session  # noqa: PLC0415

    session = Session()
    if session.get_credentials() is None:
        raise NoCredentialsError  # botocore raises it on calls, but not when it presigns
    client = session.create_client(
        "s3",
        region_name=settings.aws_region,
        endpoint_url=settings.s3_endpoint_url,
        config=Config(
            connect_timeout=2,
            read_timeout=4,
            retries={"mode": "standard", "total_max_attempts": 2},
            signature_version="s3v4",
            s3={
                # The regional endpoint: the global one redirects, which browsers do not follow for forms.
                "addressing_style": "path" if settings.s3_endpoint_url else "virtual",
                "us_east_1_regional_endpoint": "regional",
            },
        ),
    )
    return cast("S3Client", client)


class S3Connection:
    """Connects to S3 on first use, and again after a snapshot was restored. Thread-safe."""

    def __init__(self, settings: Settings, connect: Callable[[Settings], "S3Client"] = s3_client) -> None:
        self._settings, self._connect = settings, connect
        self._client: S3Client | None = None
        self._connecting = Lock()
        after_restore(self._disconnect)

    @contextmanager
    def client(self) -> Iterator["S3Client"]:
        """The client; its errors within the block become Unavailable."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  as in `s3_client`

        try:
            with current_trace().span("s3"):
                yield self._connected()
        except (BotoCoreError, ClientError) as error:
            log.exception("S3 failed")
            raise Unavailable("S3 is not available; try again in a moment") from error

    def _connected(self) -> "S3Client":
        with self._connecting:  # creating clients is not thread-safe in botocore
            self._client = self._client or self._connect(self._settings)
            return self._client

    def _disconnect(self) -> None:
        self._client = None  # with its connections and credentials


class Uploads:
    """Issues upload tickets and finds their results. Thread-safe."""

    def __init__(self, settings: Settings, connect: Callable[[Settings], "S3Client"] = s3_client) -> None:
        self._settings, self._connection = settings, S3Connection(settings, connect)

    def ticket(self, request_id: str | None = None) -> Ticket:
        """A ticket for one object of at most `max_upload_bytes`. Raises Unavailable.

        Its policy requires the field `If-None-Match: *`, so a second upload cannot overwrite the first. The field
        `Content-Type` may have any value that begins with `image/`; S3 stores it with the object. `request_id`, of the
        request for the ticket, is stored with the object, so that the worker's logs and result can be found by it. Form
        fields and conditions: docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
        """
        upload_id, max_bytes = uuid.uuid4().hex, self._settings.max_upload_bytes
        fields = {**_ONCE, **({f"x-amz-meta-{REQUEST_ID}": request_id} if request_id else {})}
        with self._s3() as s3:
            post = s3.generate_presigned_post(
                self._settings.uploads_bucket,
                _FOLDER + upload_id,
                Fields={**fields, **_MEDIA_TYPE},  # botocore adds to it
                Conditions=[
                    ["content-length-range", 1, max_bytes],
                    _ANY_IMAGE,
                    *({name: value} for name, value in fields.items()),
                ],
                ExpiresIn=_LIFETIME_SECONDS,
            )
        return Ticket(upload_id, post["url"], post["fields"], max_bytes, _expiration(post["fields"]["policy"]))

    def outcome(self, upload_id: str) -> Classification | Rejection | None:
        """The result of an upload; None until the worker has stored it. Raises NotFound or Unavailable."""
        if not re.fullmatch(ID_PATTERN, upload_id):
            raise NotFound("not an upload id; POST /uploads returns one")
        key = _FOLDER + upload_id
        with self._s3() as s3:
            version = _version(s3, self._settings.uploads_bucket, key)
            if version is None:
                raise NotFound("no upload with this id, or it was deleted")
            document = _object(
                s3, self._settings.results_bucket, result_key(self._settings.uploads_bucket, key, version)
            )
        return None if document is None else _outcome(document)

    def _s3(self) -> AbstractContextManager["S3Client"]:
        if not (self._settings.uploads_bucket and self._settings.results_bucket):
            raise Unavailable(
                "this service takes no uploads: UPLOADS_BUCKET and RESULTS_BUCKET must be set; send a smaller image in "
                "a request instead"
            )
        return self._connection.client()


def _expiration(policy: str) -> datetime:
    return datetime.fromisoformat(json.loads(base64.b64decode(policy))["expiration"])


def _object(s3: "S3Client", bucket: str, key: str) -> bytes | None:
    try:
        with closing(s3.get_object(Bucket=bucket, Key=key)["Body"]) as body:
            return body.read()
    except s3.exceptions.NoSuchKey:
        return None


def _version(s3: "S3Client", bucket: str, key: str) -> str | None:
    """The newest version of an object, as `version_of` identifies it; None if there is no such object."""
    try:
        reply = s3.head_object(Bucket=bucket, Key=key)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        return None
    return version_of(reply.get("VersionId"), reply["ETag"])


def _outcome(document: bytes) -> Classification | Rejection:
    try:
        result: dict[str, Any] = json.loads(document)
        if result["status"] == "rejected":
            return Rejection(result["title"], result["detail"])
        predictions = tuple(Prediction(**prediction) for prediction in result["predictions"])
        # Results from before there was a vote do not say whether they are confident.
        return Classification(predictions, result["known"], result["known_score"], result.get("confident", False))
    except (ValueError, KeyError, TypeError) as error:
        log.exception("unreadable result: %r", document[:200])
        raise Unavailable("the stored result cannot be read") from error
