"""API Gateway events and test images for benchmarks; needs only the package's dependencies."""

import base64
import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

SAMPLES = sorted(Path("/samples").glob("*.jpg"))


def request(body: bytes, path: str = "/classify", content_type: str | None = None) -> dict[str, Any]:
    """Return the event of a POST request to a REST API."""
    headers = {"Host": "localhost", **({"Content-Type": content_type} if content_type else {})}
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.removeprefix("/")},
        "requestContext": {"path": path, "identity": {}},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def batch_request(images: list[bytes]) -> dict[str, Any]:
    """Return the event of one JSON request with all `images`."""
    texts = [base64.b64encode(image).decode() for image in images]
    return request(json.dumps({"images": texts}).encode(), "/classify/batch", "application/json")


def small_png() -> bytes:
    """Return a 28x28 greyscale image, as in the dataset."""
    return encoded(sample_image(28), "PNG")


def photo(width: int, height: int, noise_share: float = 0.1) -> bytes:
    """Return a JPEG of that size with noise; the default resembles a camera in dim light."""
    return encoded(_sized(width, height, noise_share), "JPEG")


def sample_image(longer_side: int) -> Image.Image:
    """Return an image of aspect ratio 3:4, or greyscale and square if it has the dataset's size."""
    if longer_side == 28:
        return Image.open(SAMPLES[0]).convert("L").resize((28, 28))
    return _sized(longer_side * 3 // 4, longer_side, noise_share=0.1)


def _sized(width: int, height: int, noise_share: float) -> Image.Image:
    sized = Image.open(SAMPLES[0]).convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    noise = Image.effect_noise(sized.size, 64).convert("RGB")
    return Image.blend(sized, noise, noise_share)


def mixed_images() -> list[bytes]:
    """Return twenty images, small and large, in all formats."""
    formats = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
    samples = [Image.open(path).convert("RGB") for path in SAMPLES]
    images = [encoded(samples[number % len(samples)], name) for number, name in enumerate(formats * 2)]
    return [*images, small_png(), photo(600, 800), photo(866, 1155), photo(1200, 1600), photo(1500, 2000)]


def encoded(image: Image.Image, name: str) -> bytes:
    file = io.BytesIO()
    image.save(file, name, quality=90) if name in ("JPEG", "WEBP", "AVIF") else image.save(file, name)
    return file.getvalue()
