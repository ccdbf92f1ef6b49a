"""Hostile inference requests return a problem with the right status, quickly, and never a 500."""

import gzip
import json
import time
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.tensor_requests import INFER, LENGTH, ONE, PNG, binary, document, elements, files, images, text

ZEROS = [0] * 784
SIZED = {"parameters": {"binary_data_size": 784}}


def raw(body: bytes | str, **headers: str) -> dict[str, Any]:
    return {"content": body, "headers": {name.replace("_", "-"): value for name, value in headers.items()}}


def one_image(**others: Any) -> dict[str, Any]:
    return images([1, 1, 28, 28], data=ZEROS, **others)


def rgb(shape: Any = (1, 160, 160, 3), datatype: Any = "UINT8", **others: Any) -> dict[str, Any]:
    return {"name": "rgb", "shape": shape, "datatype": datatype, **others}


def number(literal: str) -> dict[str, Any]:
    """A request whose first pixel is `literal`, unchanged."""
    return {"content": document(one_image())["content"].replace("[0,", f"[{literal},", 1)}


HOSTILE: dict[str, tuple[dict[str, Any], int]] = {
    # Not a request
    "empty": (raw(b""), 400),
    "text": (raw(b"hello"), 400),
    "array": (raw(b"[]"), 400),
    "number": (raw(b"1"), 400),
    "null": (raw(b"null"), 400),
    "truncated JSON": (raw(b'{"inputs": ['), 400),
    "UTF-16": (raw('{"inputs": 1}'.encode("utf-16-be")), 400),
    "not UTF-8": (raw(b'{"id": "\xff"}'), 400),
    "deeply nested JSON": (raw('{"inputs": ' + "[" * 50_000), 400),
    "deeply nested JSON, closed": (raw('{"inputs": ' + "[" * 50_000 + "]" * 50_000 + "}"), 400),
    "too many values": (raw('{"inputs": [' + "0," * 5_000_000 + "0]}"), 400),
    "too many bytes": (raw(b" " * 20_000_001), 413),
    # Missing members, and members of the wrong type
    "no inputs": (raw("{}"), 400),
    "inputs: null": (raw('{"inputs": null}'), 400),
    "inputs: object": (raw('{"inputs": {}}'), 400),
    "inputs: empty": (raw('{"inputs": []}'), 400),
    "inputs: numbers": (document(1), 400),
    "the same input twice": (raw(json.dumps({"inputs": [ONE, ONE]})), 400),
    "both inputs": (raw(json.dumps({"inputs": [ONE, one_image()]})), 400),
    "input without a name": (document({"shape": [1], "datatype": "BYTES", "data": ["a"]}), 400),
    "input of an unknown name": (document({**ONE, "name": "input"}), 400),
    "input whose name is a list": (document({**ONE, "name": ["encoded"]}), 400),
    "input without a shape": (document({"name": "encoded", "datatype": "BYTES", "data": ["a"]}), 400),
    "input without data": (document(files()), 400),
    "data: null": (document(files(data=None)), 400),
    "data: text": (document(files(data=text(PNG))), 400),
    "data: object": (document(files(data={})), 400),
    "parameters: text": (document({**ONE, "parameters": "a"}), 400),
    "parameters of the request: list": (document(parameters=[]), 400),
    "content_type: number": (document({**ONE, "parameters": {"content_type": 1}}), 400),
    "id: number": (document(id=42), 400),
    "id: null": (document(id=None), 400),
    "shared memory": (document(images([1, 1, 28, 28], parameters={"shared_memory_region": "a"})), 400),
    "shared memory and data": (document(one_image(parameters={"shared_memory_region": "a"})), 400),
    "shared memory of an output": (
        document(outputs=[{"name": "known", "parameters": {"shared_memory_region": "a"}}]),
        400,
    ),
    # Whole images
    "whole images as JSON": (document(rgb(data=[0] * 9)), 400),
    "whole images as FP32": (binary(rgb(datatype="FP32"), bytes(76_800)), 400),
    "whole images as NCHW": (binary(rgb([1, 3, 160, 160]), bytes(76_800)), 400),
    "whole images: one byte less": (binary(rgb(), bytes(76_799)), 400),
    "whole images: none": (binary(rgb([0, 160, 160, 3]), b""), 400),
    "whole images: 65": (binary(rgb([65, 160, 160, 3]), bytes(65 * 76_800)), 422),
    # Datatypes
    "pixels as FP32": (document(one_image(datatype="FP32")), 400),
    "pixels as INT64": (document(one_image(datatype="INT64")), 400),
    "pixels as uint8": (document(one_image(datatype="uint8")), 400),
    "files as UINT8": (document(files(datatype="UINT8", data=[1])), 400),
    "datatype: null": (document(one_image(datatype=None)), 400),
    "datatype: missing": (document({"name": "images", "shape": [1, 1, 28, 28], "data": ZEROS}), 400),
    # Shapes
    "shape: text": (document(images("1,1,28,28", data=ZEROS)), 400),
    "shape without the channel": (document(images([1, 28, 28], data=ZEROS)), 400),
    "shape: negative": (document(images([-1, 1, 28, 28], data=ZEROS)), 400),
    "shape: 2 ** 63": (document(images([2**63, 1, 28, 28], data=ZEROS)), 422),
    "shape: each 2 ** 63": (document(images([2**63] * 4, data=ZEROS)), 400),
    "shape: 10 ** 90": (document(images([10**90, 1, 28, 28], data=ZEROS)), 422),
    "shape: 10 ** 4000": (document(images([10**4000, 1, 28, 28], data=ZEROS)), 400),
    "shape: 10 ** 5000": (raw('{"inputs": [{"shape": [1' + "0" * 5000 + "]}]}"), 400),
    "shape: 10,000 dimensions": (document(images([1] * 10_000, data=ZEROS)), 400),
    "shape: Infinity": (document(images([float("inf"), 1, 28, 28], data=ZEROS)), 400),
    "shape: NaN": (document(images([float("nan"), 1, 28, 28], data=ZEROS)), 400),
    "shape: more than the data": (document(images([2, 1, 28, 28], data=ZEROS)), 400),
    "shape: less than the data": (document(images([1, 1, 28, 28], data=ZEROS * 3)), 400),
    "shape: files, three dimensions": (document(files([1, 1, 1], data=[text(PNG)])), 400),
    "no images": (document(images([0, 1, 28, 28], data=[])), 400),
    "no files": (document(files([0], data=[])), 400),
    "65 images": (document(images([65, 1, 28, 28], data=[0] * 784 * 65)), 422),
    "65 files": (document(files([65], data=[text(PNG)] * 65)), 422),
    # Numbers
    "pixel: NaN": (number("NaN"), 400),
    "pixel: Infinity": (number("-Infinity"), 400),
    "pixel: 1e999": (number("1e999"), 400),
    "pixel: huge": (number("9" * 4000), 400),
    "pixel: more digits than Python reads": (number("9" * 5000), 400),
    "pixel: 256": (number("256"), 400),
    "pixel: -1": (number("-1"), 400),
    "pixel: 1.5": (number("1.5"), 400),
    "pixel: true": (number("true"), 400),
    "pixel: null": (number("null"), 400),
    "pixel: text": (number('"1"'), 400),
    "pixel: list": (number("[1]"), 400),
    # Files
    "file: number": (document(files(data=[1])), 400),
    "file: not base64": (document(files(data=["!"])), 400),
    "file: empty": (document(files(data=[""])), 400),
    "file: half a surrogate pair": (document(files(data=["\ud800"])), 400),
    "file: base64 of no image": (document(files(data=["aGVsbG8="])), 415),
    "file: URL": (document(files(data=["http://localhost/a.png"])), 400),
    # Outputs
    "outputs: null": (document(outputs=None), 400),
    "outputs: text": (document(outputs="known"), 400),
    "outputs: texts": (document(outputs=["known"]), 400),
    "unknown output": (document(outputs=[{"name": "logits"}]), 400),
    "output without a name": (document(outputs=[{}]), 400),
    "output twice": (document(outputs=[{"name": "known"}, {"name": "known"}]), 400),
    "binary_data: text": (document(outputs=[{"name": "known", "parameters": {"binary_data": "yes"}}]), 400),
    "binary_data_output: 1": (document(parameters={"binary_data_output": 1}), 400),
    "classification: -1": (document(outputs=[{"name": "known", "parameters": {"classification": -1}}]), 400),
    "classification: 1.5": (document(outputs=[{"name": "known", "parameters": {"classification": 1.5}}]), 400),
    "classification: text": (document(outputs=[{"name": "known", "parameters": {"classification": "3"}}]), 400),
    # The length of the JSON
    "length: beyond the body": (binary(one_image(), b"", length="99999"), 400),
    "length: within the JSON": (binary(images([1, 1, 28, 28], **SIZED), bytes(784), length="10"), 400),
    "length: negative": (raw(b"{}", **{LENGTH: "-1"}), 400),
    "length: text": (raw(b"{}", **{LENGTH: "two"}), 400),
    "length: 5,000 digits": (raw(b"{}", **{LENGTH: "9" * 5000}), 400),
    "length: 0, empty body": (raw(b"", **{LENGTH: "0"}), 400),
    "length: 0, 783 bytes": (raw(bytes(783), **{LENGTH: "0"}), 415),
    "length: 0, two images": (raw(bytes(2 * 784), **{LENGTH: "0"}), 415),
    "bytes without the length": (raw(json.dumps({"inputs": [images(**SIZED)]}).encode() + bytes(784)), 400),
    # The size of the bytes
    "size: one less": (binary(images([1, 1, 28, 28], parameters={"binary_data_size": 783}), bytes(784)), 400),
    "size: one more": (binary(images([1, 1, 28, 28], parameters={"binary_data_size": 785}), bytes(784)), 400),
    "size: negative": (binary(images([1, 1, 28, 28], parameters={"binary_data_size": -784}), bytes(784)), 400),
    "size: 2 ** 63": (binary(images([1, 1, 28, 28], parameters={"binary_data_size": 2**63}), bytes(784)), 400),
    "size: text": (binary(images([1, 1, 28, 28], parameters={"binary_data_size": "784"}), bytes(784)), 400),
    "size: true": (binary(images([1, 1, 28, 28], parameters={"binary_data_size": True}), b"a"), 400),
    "size: not given": (binary(images([1, 1, 28, 28], parameters={}), bytes(784)), 400),
    "size: not the shape's": (binary(images([2, 1, 28, 28]), bytes(784)), 400),
    "size: of no bytes": (binary(images([1, 1, 28, 28]), b""), 400),
    "data and bytes": (binary(one_image(**SIZED), bytes(784)), 400),
    "data, and bytes after it": (binary(one_image(parameters={}), bytes(784)), 400),
    "65 images as bytes": (binary(images([65, 1, 28, 28]), bytes(65 * 784)), 422),
    # The lengths of the elements
    "element: half a length": (binary(files(), b"\x01\0"), 400),
    "element: longer than it is": (binary(files(), b"\xff\xff\xff\xff" + PNG), 400),
    "element: shorter than it is": (binary(files(), b"\x01\0\0\0" + PNG), 400),
    "elements: one missing": (binary(files([2]), elements(PNG)), 400),
    "elements: one too many": (binary(files([1]), elements(PNG, PNG)), 400),
    "elements: 65": (binary(files([65]), elements(*[PNG] * 65)), 422),
    # Compression
    "br": (raw(b"hello", Content_Encoding="br"), 415),
    "not gzip": (raw(b"hello", Content_Encoding="gzip"), 400),
    "gzip bomb": (raw(gzip.compress(bytes(200_000_000), 1), Content_Encoding="gzip"), 413),
}


@pytest.mark.parametrize(("sending", "status"), HOSTILE.values(), ids=HOSTILE)
def test_invalid_request_returns_a_problem_within_5_seconds(
    client: TestClient, sending: dict[str, Any], status: int
) -> None:
    started = time.perf_counter()
    reply = client.post(INFER, **sending)
    assert time.perf_counter() - started < 5
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    problem = reply.json()
    assert problem["error"] == problem["detail"]
    assert 10 < len(problem["detail"]) < 500
