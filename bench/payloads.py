"""Images, request bodies and API Gateway events that the benchmarks send. Needs only Pillow, as in Lambda's image."""

import base64
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageOps

_HERE: Final = Path(__file__).parent.parent / "handler" / "static" / "samples"
_SAMPLES: Final = Path("/samples") if Path("/samples").is_dir() else _HERE  # in a container
LABEL, CLASS_ID = "Trouser", 1  # of all images below

JSON: Final = {"Content-Type": "application/json"}
INFERENCE_HEADER: Final = "Inference-Header-Content-Length"


def encoded(image: Image.Image, kind: str, quality: int = 90) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **({"quality": quality} if kind in ("JPEG", "WEBP", "AVIF") else {}))
    return file.getvalue()


def small_image() -> Image.Image:
    """28x28, greyscale, bright on black; the classifier is sure of it, as of 17 in 18 images of the dataset."""
    return ImageOps.autocontrast(ImageOps.invert(_sample().convert("L").resize((28, 28))))


def small_png() -> bytes:
    return encoded(small_image(), "PNG")


def doubtful_png() -> bytes:
    """The small image, askew: the classifier is in doubt, as of one image in 18, and runs its mirror image, too."""
    return encoded(small_image().rotate(-20), "PNG")


def photo() -> bytes:
    """A JPEG of 0.1 megapixels and about 22 kB."""
    return encoded(_sample().convert("RGB").resize((300, 350)), "JPEG", quality=94)


def noisy(longer_side: int, noise_share: float = 0.1) -> Image.Image:
    """An image of aspect ratio 3:4 with noise; the default resembles a camera in dim light."""
    sized = _sample().convert("RGB").resize((longer_side * 3 // 4, longer_side), Image.Resampling.BICUBIC)
    return Image.blend(sized, Image.effect_noise(sized.size, 64).convert("RGB"), noise_share)


def as_json(image: bytes) -> bytes:
    return json.dumps({"image": base64.b64encode(image).decode()}).encode()


def tensor_json() -> bytes:
    """An inference request of the Open Inference Protocol, with the pixels as numbers."""
    return json.dumps({**_inference({}), "inputs": [{**_TENSOR, "data": list(small_image().tobytes())}]}).encode()


def tensor_binary() -> tuple[bytes, dict[str, str]]:
    """The same with the pixels and the probabilities as bytes: body and headers."""
    tensor = {**_TENSOR, "parameters": {"binary_data_size": 784}}
    header = json.dumps({**_inference({"binary_data": True}), "inputs": [tensor]}).encode()
    headers = {"Content-Type": "application/octet-stream", INFERENCE_HEADER: str(len(header))}
    return header + small_image().tobytes(), headers


def event(body: bytes, path: str = "/classify", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The event of a POST request to a REST API."""
    sent = {"Host": "localhost", **(headers or {})}
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "POST",
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.removeprefix("/")},
        "requestContext": {"path": path, "identity": {}},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def batch_event(images: list[bytes]) -> dict[str, Any]:
    texts = [base64.b64encode(image).decode() for image in images]
    return event(json.dumps({"images": texts}).encode(), "/classify/batch", JSON)


def upload_event(size: int) -> dict[str, Any]:
    """The SQS event of an uploaded image of `size` bytes."""
    detail = {"bucket": {"name": "uploads"}, "object": {"key": "a.png", "size": size, "sequencer": "01"}}
    body = {"detail-type": "Object Created", "time": "2026-01-01T00:00:00Z", "detail": detail}
    return {"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": json.dumps(body)}]}


_TENSOR: Final = {"name": "images", "shape": [1, 1, 28, 28], "datatype": "UINT8"}


def _inference(parameters: dict[str, bool]) -> dict[str, Any]:
    return {"outputs": [{"name": "probabilities", **({"parameters": parameters} if parameters else {})}]}


def _sample() -> Image.Image:
    return Image.open(_SAMPLES / "trousers.jpg")
