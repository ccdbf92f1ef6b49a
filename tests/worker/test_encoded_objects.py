"""Objects with a Content-Encoding: decoded within limits, or rejected with a sentence."""

import gzip
import zlib
from dataclasses import replace

import pytest

from handler.settings import Settings
from tests.support.aws import RESULTS, UPLOADS, Cloud, WorkerOf
from tests.support.images import encoded, trousers

SETTINGS = Settings(results_bucket=RESULTS)
IMAGE = encoded(trousers())
RAW_DEFLATE = zlib.compress(IMAGE)[2:-4]


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        pytest.param("gzip", gzip.compress(IMAGE), id="gzip"),
        pytest.param("GZIP", gzip.compress(IMAGE), id="capitals"),
        pytest.param("x-gzip", gzip.compress(IMAGE), id="x-gzip"),
        pytest.param("gzip", gzip.compress(IMAGE[:99]) + gzip.compress(IMAGE[99:]), id="two members"),
        pytest.param("deflate", zlib.compress(IMAGE), id="deflate"),
        pytest.param("deflate", RAW_DEFLATE, id="deflate without its header"),
        pytest.param("aws-chunked,gzip", gzip.compress(IMAGE), id="as some SDKs leave it"),
        pytest.param("identity", IMAGE, id="identity"),
        pytest.param("base64", IMAGE, id="encoding that the client has undone"),
        pytest.param("aws-chunked", IMAGE, id="S3's own"),
    ],
)
def test_encoded_object_is_classified(aws: Cloud, worker_of: WorkerOf, encoding: str, body: bytes) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=body, ContentEncoding=encoding)
    assert worker_of(SETTINGS).handle(aws.receive()) == {"batchItemFailures": []}
    (result,) = aws.results().values()
    assert (result["label"], result["bytes"]) == ("Trouser", len(body))


@pytest.mark.parametrize(
    ("encoding", "body", "expected"),
    [
        pytest.param("br", b"\x0b\x02\x80hello\x03", ("Not an image", "should be gzip, deflate or none"), id="brotli"),
        pytest.param("zstd", IMAGE, ("Not an image", "should be gzip, deflate or none"), id="zstd"),
        pytest.param("gzip, gzip", gzip.compress(IMAGE), ("Not an image", "should be gzip, deflate or none"), id="two"),
        pytest.param(
            "gzip", IMAGE, ("Broken image", "not compressed as its Content-Encoding says"), id="not compressed"
        ),
        pytest.param("gzip", gzip.compress(IMAGE)[:-9], ("Broken image", "ends too early"), id="truncated"),
        pytest.param("gzip", gzip.compress(bytes(2_000_001)), ("Too large", "more bytes than the maximum"), id="bomb"),
        pytest.param("gzip", gzip.compress(b"hello"), ("Not an image", ""), id="compressed text"),
    ],
)
def test_object_that_cannot_be_decoded_is_rejected(
    aws: Cloud, worker_of: WorkerOf, encoding: str, body: bytes, expected: tuple[str, str]
) -> None:
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=body, ContentEncoding=encoding)
    assert worker_of(replace(SETTINGS, max_body_bytes=2_000_000)).handle(aws.receive()) == {"batchItemFailures": []}
    (result,) = aws.results().values()
    assert (result["status"], result["title"]) == ("rejected", expected[0])
    assert expected[1] in result["detail"]
