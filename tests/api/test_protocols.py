"""The same twenty images get exactly the same scores in every protocol."""

import base64
import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from httpx2 import Client
from PIL import Image

from tests.support.images import FORMATS, encoded, trousers
from tests.support.shipped import prepare

RNG = np.random.default_rng(20)
FILES = [
    *(encoded(trousers(60 + 40 * i), name) for i, name in enumerate(FORMATS)),
    *(encoded(trousers(150 + 50 * i).rotate(13 * i, fillcolor=(9 * i, 0, 60)), "JPEG") for i in range(7)),
    *(encoded(Image.fromarray(RNG.integers(0, 256, (28, 28), np.uint8))) for _ in range(6)),
]
PIXELS = np.concatenate([prepare(image, 10**6).views[:1] for image in FILES])
AS_PIXELS = [encoded(Image.fromarray(pixels[0])) for pixels in PIXELS]  # which the model gets unchanged
TEXTS = [base64.b64encode(image).decode() for image in FILES]
COUNT = len(FILES)

Scores = list[list[float]]
V2 = "/v2/models/fashion-mnist/infer"


def by_class(guesses: list[dict[str, Any]]) -> list[float]:
    return [guess["score"] for guess in sorted(guesses, key=lambda guess: guess["class_id"])]


def one_by_one(client: Client, images: list[bytes]) -> Scores:
    replies = [client.post("/classify?top_k=10", content=image).json() for image in images]
    return [by_class(reply["predictions"]) for reply in replies]


def as_a_batch(client: Client) -> Scores:
    results = client.post("/classify/batch?top_k=10", json=TEXTS).json()["results"]
    return [by_class(result["answer"]["predictions"]) for result in results]


def v2(client: Client, given: dict[str, Any], data: bytes = b"") -> Scores:
    parameters = {"binary_data_size": len(data)} if data else {}
    outputs = [{"name": "probabilities", "parameters": {"binary_data": bool(data)}}]
    head = json.dumps({"inputs": [{**given, "parameters": parameters}], "outputs": outputs}).encode()
    reply = client.post(V2, content=head + data, headers={"Inference-Header-Content-Length": str(len(head))})
    values: Any = np.frombuffer(reply.content[-COUNT * 40 :], "<f4") if data else reply.json()["outputs"][0]["data"]
    return np.array(values, float).reshape(COUNT, 10).tolist()


IMAGES = {"name": "images", "datatype": "UINT8", "shape": PIXELS.shape}
ENCODED = {"name": "encoded", "datatype": "BYTES", "shape": [COUNT]}
ELEMENTS = b"".join(struct.pack("<I", len(image)) + image for image in FILES)


def v1(client: Client, instances: list[Any]) -> Scores:
    reply = client.post("/v1/models/fashion-mnist:predict", json={"instances": instances}).json()
    return [prediction["probabilities"] for prediction in reply["predictions"]]


def hugging_face(client: Client) -> Scores:
    labels = [label["english"] for label in client.get("/labels").json()["labels"]]
    replies = [client.post("/huggingface?top_k=10", content=image).json() for image in FILES]
    scores = [{guess["label"]: guess["score"] for guess in reply} for reply in replies]
    return [[score[label] for label in labels] for score in scores]


PROTOCOLS: dict[str, Callable[[Client], Scores]] = {
    "/classify/batch": as_a_batch,
    "v2, files in JSON": lambda client: v2(client, {**ENCODED, "data": TEXTS}),
    "v2, files as bytes": lambda client: v2(client, ENCODED, ELEMENTS),
    "v1, files": lambda client: v1(client, TEXTS),
    "Hugging Face": hugging_face,
}
IN_PIXELS: dict[str, Callable[[Client], Scores]] = {
    "v2, JSON": lambda client: v2(client, {**IMAGES, "data": PIXELS.ravel().tolist()}),
    "v2, bytes": lambda client: v2(client, IMAGES, PIXELS.tobytes()),
    "v1": lambda client: v1(client, PIXELS[:, 0].tolist()),
}


@pytest.fixture(scope="module")
def expected(client: Client) -> Scores:
    return one_by_one(client, FILES)


@pytest.fixture(scope="module")
def expected_of_pixels(client: Client) -> Scores:
    return one_by_one(client, AS_PIXELS)


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_protocol_returns_the_scores_of_classify(
    client: Client, expected: Scores, protocol: Callable[[Client], Scores]
) -> None:
    assert protocol(client) == expected


@pytest.mark.parametrize("protocol", IN_PIXELS.values(), ids=IN_PIXELS)
def test_pixels_get_the_scores_of_their_file(
    client: Client, expected_of_pixels: Scores, protocol: Callable[[Client], Scores]
) -> None:
    assert protocol(client) == expected_of_pixels


def test_images_have_distinct_scores(expected: Scores) -> None:
    assert len({tuple(scores) for scores in expected}) == COUNT == 20
