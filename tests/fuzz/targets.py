"""What is fuzzed: functions that take any bytes, and raise only if the project breaks one of its promises.

decode           an image of any format: a rejection in the project's own words, or pixels
read_header      never an error; a header that is trusted promises no fewer pixels than Pillow finds
requests         bodies to every route that takes images: never a 5xx but 503
worker_events    events of S3, SQS, SNS, EventBridge and Batch Operations: EventFailed at most
lambda_events    events of API Gateway, Function URLs and load balancers: UnsupportedEvent at most
"""

import io
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, NoReturn, cast

from botocore.exceptions import ClientError
from PIL import Image

from handler import http_entry
from handler.api.lambda_events import UnsupportedEvent
from handler.errors import OutOfTime, RejectedImage
from handler.inference.classifier import Classifier, read_card
from handler.inference.decoding import decode, format_of
from handler.inference.headers import check_cost, read_header
from handler.settings import Settings
from handler.worker.event_sources import EventFailed
from handler.worker.worker import Worker
from tests.support.gateway_events import Sent, reply_body, rest_event
from tests.support.tensor_requests import INFER, LENGTH

SETTINGS: Final = Settings(uploads_bucket="uploads", results_bucket="results")
FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
PATHS: Final = ("/classify", "/classify/batch", INFER, "/v1/models/fashion-mnist:predict", "/huggingface", "/uploads")
CONTENT_TYPES: Final = ("", "application/json", "multipart/form-data; boundary=b", "image/png", "text/plain")


class _EmptyBuckets:
    """S3 without objects."""

    def get_object(self, **_: Any) -> NoReturn:
        raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")

    head_object = put_object = get_object


_worker: Final = Worker(cast("Any", _EmptyBuckets()), Classifier.shipped(), read_card(), SETTINGS)


def decode_image(data: bytes) -> None:
    with suppress(OutOfTime):  # on a busy machine
        try:
            image = decode(data, SETTINGS.max_pixels, 224)
        except RejectedImage as error:
            _check_sentence(str(error))
        else:
            assert image.mode in {"L", "LA", "RGB", "RGBA"}
            assert image.size > (0, 0)


def read_any_header(data: bytes) -> None:
    name = format_of(data)
    if name is None:
        name, data = FORMATS[data[0] % len(FORMATS)] if data else "PNG", data[1:]
    header = read_header(name, data)
    try:
        check_cost(header, SETTINGS.max_pixels)
    except RejectedImage as error:
        _check_sentence(str(error))
        return
    size = _size_by_pillow(name, data) if header.trusted else (0, 0)
    assert size[0] * size[1] <= header.pixels, f"{size} in Pillow, but {header}"


def _size_by_pillow(name: str, data: bytes) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(data), formats=[name]) as image:
            return image.size
    except Exception:  # whatever Pillow stumbles over
        return (0, 0)


def send_request(data: bytes) -> None:
    """The first bytes choose the route and its headers; the others are the body."""
    if len(data) < 3:
        return
    headers = {"Content-Type": CONTENT_TYPES[data[1] % len(CONTENT_TYPES)]}
    if data[1] & 0x80:
        headers["Content-Encoding"] = "gzip"
    if data[2]:
        headers[LENGTH] = str(data[2])
    _check_response(http_entry.handler(rest_event(Sent("POST", PATHS[data[0] % len(PATHS)], data[3:], headers)), None))


def handle_worker_event(data: bytes) -> None:
    event = _json(data)
    if event is None:
        event = {"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": data.decode("utf-8", "replace")}]}
    with suppress(EventFailed):
        json.dumps(_worker.handle(event))


def handle_lambda_event(data: bytes) -> None:
    with suppress(UnsupportedEvent):
        _check_response(http_entry.handler(_json(data), None))


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "decode": decode_image,
    "read_header": read_any_header,
    "requests": send_request,
    "worker_events": handle_worker_event,
    "lambda_events": handle_lambda_event,
}
TAKES_JSON: Final = frozenset({"worker_events", "lambda_events"})


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _check_response(reply: Mapping[str, Any]) -> None:
    status = reply["statusCode"]
    assert status < 500 or status == 503, reply
    if status >= 400 and b'"detail"' in reply_body(dict(reply)):
        _check_sentence(json.loads(reply_body(dict(reply)))["detail"])


def _check_sentence(sentence: str) -> None:
    """Errors are sentences of the project's own: without addresses, and without objects of a library."""
    assert sentence, "an error without a sentence"
    assert " at 0x" not in sentence, sentence
    assert "PIL." not in sentence, sentence
