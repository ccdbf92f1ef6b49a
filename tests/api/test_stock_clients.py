"""Unmodified `tritonclient` and `huggingface_hub` against a real server."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import numpy as np
import pytest
import uvicorn
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Mount
from tritonclient import http as triton  # type: ignore[import-untyped]  # it ships no annotations
from tritonclient.utils import InferenceServerException, triton_to_np_dtype  # type: ignore[import-untyped]

from handler.api.app import Api
from handler.contract import ModelCard
from tests.support.images import encoded, trousers
from tests.support.machine import PROJECT, free_port
from tests.support.shipped import prepare

pytestmark = pytest.mark.slow
MODEL = "fashion-mnist"
IMAGES_MODEL = "fashion-mnist-images"
SAMPLES = PROJECT / "handler" / "static" / "samples"
# Of the model's input size, so that they can also be sent as pixels.
FILES = [encoded(trousers(28).rotate(90 * i), name) for i, name in enumerate(["PNG", "BMP", "TIFF"])]


@pytest.fixture
def client(server: str) -> Iterator[Any]:
    with triton.InferenceServerClient(server.removeprefix("http://")) as client:
        yield client


@pytest.fixture
def version(card: ModelCard) -> str:
    return str(card.document["version"])


@pytest.fixture(scope="module")
def under_a_stage(app: Api) -> Iterator[str]:
    """Address of the app below the stage `/Prod`; without a scheme, as tritonclient requires."""
    stage = Starlette(routes=[Mount("/Prod", app)])
    server = uvicorn.Server(uvicorn.Config(stage, port=free_port(), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while thread.is_alive() and not server.started:
        time.sleep(0.01)
    yield f"127.0.0.1:{server.config.port}/Prod"
    server.should_exit = True
    thread.join()


def pixels_input(*, binary: bool = True) -> Any:
    pixels = np.concatenate([prepare(file, 10**6).views for file in FILES])
    return triton.InferInput("images", list(pixels.shape), "UINT8").set_data_from_numpy(pixels, binary_data=binary)


def files_input(*files: bytes) -> Any:
    return triton.InferInput("encoded", [len(files)], "BYTES").set_data_from_numpy(np.array(files, object))


def answers_of(server: str) -> list[dict[str, Any]]:
    return [httpx2.post(f"{server}/classify?top_k=10", content=file, timeout=60).json() for file in FILES]


def probabilities_of(server: str) -> list[list[float]]:
    answers = [sorted(answer["predictions"], key=lambda guess: guess["class_id"]) for answer in answers_of(server)]
    return [[guess["score"] for guess in answer] for answer in answers]


def test_triton_reads_server_and_model_metadata(client: Any, version: str) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    assert client.is_model_ready(MODEL, version)
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    assert [tensor["name"] for tensor in client.get_model_metadata(MODEL)["inputs"]] == ["images", "encoded"]
    assert client.get_model_config(MODEL)["max_batch_size"] == 64
    assert [model["name"] for model in client.get_model_repository_index()] == [MODEL, IMAGES_MODEL]


@pytest.mark.parametrize(
    "given",
    [pixels_input(), pixels_input(binary=False), files_input(*FILES)],
    ids=["images", "images in JSON", "encoded"],
)
def test_triton_gets_the_scores_of_classify(server: str, client: Any, given: Any) -> None:
    result = client.infer(MODEL, [given])
    assert result.as_numpy("probabilities").tolist() == probabilities_of(server)
    assert result.as_numpy("known").tolist() == [answer["known_score"] for answer in answers_of(server)]


@pytest.mark.parametrize("binary", [True, False], ids=["bytes", "JSON"])
def test_triton_gets_the_requested_outputs(server: str, client: Any, version: str, binary: bool) -> None:
    outputs = [triton.InferRequestedOutput("probabilities", binary_data=binary)]
    result = client.infer(MODEL, [files_input(*FILES)], model_version=version, outputs=outputs, request_id="42")
    assert result.as_numpy("probabilities").tolist() == probabilities_of(server)
    assert result.as_numpy("known") is None
    assert result.get_response()["id"] == "42"


@pytest.mark.parametrize("binary", [True, False], ids=["bytes", "JSON"])
def test_triton_gets_class_names(server: str, client: Any, binary: bool) -> None:
    outputs = [triton.InferRequestedOutput("probabilities", binary_data=binary, class_count=3)]
    rows = client.infer(MODEL, [files_input(*FILES)], outputs=outputs).as_numpy("probabilities")
    named = [[(text if isinstance(text, str) else text.decode()).split(":")[2] for text in row] for row in rows]
    assert named == [[guess["label"] for guess in answer["predictions"][:3]] for answer in answers_of(server)]


def test_a_client_of_image_classifiers_finds_all_it_needs_in_metadata_and_configuration(server: str) -> None:
    """The calls, checks and preprocessing of Triton's example `image_client.py -c 1 -b 2`."""
    photos = [SAMPLES / f"{name}.jpg" for name in ("dress", "sneaker")]
    with triton.InferenceServerClient(server.removeprefix("http://")) as client:
        metadata, config = client.get_model_metadata(IMAGES_MODEL), client.get_model_config(IMAGES_MODEL)
        (given,), (output,), (configured,) = metadata["inputs"], metadata["outputs"], config["input"]
        assert (output["datatype"], configured["format"], len(output["shape"])) == ("FP32", "FORMAT_NHWC", 2)
        assert config["max_batch_size"] >= len(photos)
        _, height, width, channels = given["shape"]
        assert channels == 3
        resized = [
            Image.open(photo).convert("RGB").resize((width, height), Image.Resampling.BILINEAR) for photo in photos
        ]
        pixels = np.stack([np.array(image).astype(triton_to_np_dtype(given["datatype"])) for image in resized])
        sent = triton.InferInput(given["name"], pixels.shape, given["datatype"]).set_data_from_numpy(pixels)
        asked = triton.InferRequestedOutput(output["name"], class_count=1)
        result = client.infer(IMAGES_MODEL, [sent], request_id="1", model_version="", outputs=[asked])
    assert result.get_response()["id"] == "1"
    named = [text.decode().split(":")[1:] for (text,) in result.as_numpy(output["name"])]
    assert named == [["3", "Dress"], ["7", "Sneaker"]]


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_triton_gets_scores_of_compressed_requests(server: str, client: Any, algorithm: str) -> None:
    result = client.infer(
        MODEL,
        [pixels_input()],
        request_compression_algorithm=algorithm,
        response_compression_algorithm=algorithm,
    )
    assert result.as_numpy("probabilities").tolist() == probabilities_of(server)


def test_triton_gets_scores_of_parallel_requests(server: str) -> None:
    with triton.InferenceServerClient(server.removeprefix("http://"), concurrency=4) as client:
        sent = [client.async_infer(MODEL, [files_input(*FILES)]) for _ in range(8)]
        results = [request.get_result().as_numpy("probabilities").tolist() for request in sent]
    assert results == [probabilities_of(server)] * 8


@pytest.mark.parametrize(
    ("model", "given", "status", "message"),
    [
        pytest.param("other", files_input(*FILES), "404", "no model 'other'", id="unknown model"),
        pytest.param(
            MODEL, files_input(FILES[0], b"hello"), "415", r"encoded\[1\]: unknown image format", id="no image"
        ),
        pytest.param(
            MODEL, files_input(*FILES * 30), "422", "more than the maximum of 64 images", id="too many images"
        ),
    ],
)
def test_triton_raises_the_error_of_the_server(client: Any, model: str, given: Any, status: str, message: str) -> None:
    with pytest.raises(InferenceServerException, match=message) as error:
        client.infer(model, [given])
    assert error.value.status() == status


def test_triton_works_below_a_stage(server: str, under_a_stage: str) -> None:
    with triton.InferenceServerClient(under_a_stage) as client:
        assert client.is_server_ready()
        result = client.infer(MODEL, [files_input(*FILES)])
    assert result.as_numpy("probabilities").tolist() == probabilities_of(server)


def test_hugging_face_gets_the_scores_of_classify(server: str) -> None:
    client = InferenceClient(provider="hf-inference")
    for file, answer in zip(FILES, answers_of(server), strict=True):
        guesses = client.image_classification(file, model=f"{server}/huggingface")
        assert [(guess.label, guess.score) for guess in guesses] == [
            (guess["label"], guess["score"]) for guess in answer["predictions"][:5]
        ]


@pytest.mark.parametrize(("top_k", "count"), [(1, 1), (3, 3), (99, 10)])
def test_hugging_face_gets_the_requested_number_of_classes(server: str, top_k: int, count: int) -> None:
    client = InferenceClient(provider="hf-inference", model=f"{server}/huggingface")
    assert len(client.image_classification(FILES[0], top_k=top_k, function_to_apply="softmax")) == count


def test_hugging_face_raises_the_error_of_the_server(server: str) -> None:
    client = InferenceClient(provider="hf-inference", model=f"{server}/huggingface")
    with pytest.raises(HfHubHTTPError, match="only 'softmax' is supported"):
        client.image_classification(FILES[0], function_to_apply="sigmoid")


def test_hugging_face_works_below_a_stage(server: str, under_a_stage: str) -> None:
    client = InferenceClient(provider="hf-inference", model=f"http://{under_a_stage}/huggingface")
    (guess, *_) = client.image_classification(FILES[0])
    assert guess.label == answers_of(server)[0]["label"]
