"""The same twenty pictures get the very same scores, to the last digit, whichever dialect they are sent in."""

import base64
import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from httpx2 import Client
from PIL import Image

from handler.inference.decoding import views_of
from tests.support.pictures import FORMATS, encoded, trousers

CHANCE = np.random.default_rng(20)
PICTURES = [
    *(encoded(trousers(60 + 40 * i), name) for i, name in enumerate(FORMATS)),
    *(encoded(trousers(150 + 50 * i).rotate(13 * i, fillcolor=(9 * i, 0, 60)), "JPEG") for i in range(7)),
    *(encoded(Image.fromarray(CHANCE.integers(0, 256, (28, 28), np.uint8))) for _ in range(6)),
]
PIXELS = np.concatenate([views_of(picture, 10**6)[:1] for picture in PICTURES])
AS_PIXELS = [encoded(Image.fromarray(pixels[0])) for pixels in PIXELS]  # which are shown to the model as they are
TEXTS = [base64.b64encode(picture).decode() for picture in PICTURES]
COUNT = len(PICTURES)

Scores = list[list[float]]
V2 = "/v2/models/fashion-mnist/infer"


def by_class(guesses: list[dict[str, Any]]) -> list[float]:
    return [guess["score"] for guess in sorted(guesses, key=lambda guess: guess["class_id"])]


def one_by_one(client: Client, pictures: list[bytes] = PICTURES) -> Scores:
    replies = [client.post("/classify?top_k=10", content=picture).json() for picture in pictures]
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
ELEMENTS = b"".join(struct.pack("<I", len(picture)) + picture for picture in PICTURES)


def v1(client: Client, instances: list[Any]) -> Scores:
    reply = client.post("/v1/models/fashion-mnist:predict", json={"instances": instances}).json()
    return [prediction["probabilities"] for prediction in reply["predictions"]]


def hugging_face(client: Client) -> Scores:
    labels = [label["english"] for label in client.get("/labels").json()["labels"]]
    replies = [client.post("/huggingface?top_k=10", content=picture).json() for picture in PICTURES]
    scores = [{guess["label"]: guess["score"] for guess in reply} for reply in replies]
    return [[score[label] for label in labels] for score in scores]


DIALECTS: dict[str, Callable[[Client], Scores]] = {
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


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_the_scores_are_those_of_classify(client: Client, dialect: Callable[[Client], Scores]) -> None:
    assert dialect(client) == one_by_one(client)


@pytest.mark.parametrize("dialect", IN_PIXELS.values(), ids=IN_PIXELS)
def test_pixels_get_the_scores_of_a_file_with_them(client: Client, dialect: Callable[[Client], Scores]) -> None:
    assert dialect(client) == one_by_one(client, AS_PIXELS)


def test_the_pictures_are_no_twins(client: Client) -> None:
    assert len({tuple(scores) for scores in one_by_one(client)}) == COUNT == 20
