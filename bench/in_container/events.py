"""Events of API Gateway and S3 as Lambda hands them over, and pictures to put into them. Needs only the package."""

import base64
import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

SAMPLES = sorted(Path("/samples").glob("*.jpg"))


def request(body: bytes, path: str = "/classify", content_type: str | None = None) -> dict[str, Any]:
    """A POST through a REST API."""
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


def batch_request(pictures: list[bytes]) -> dict[str, Any]:
    """All `pictures` in one request, as JSON."""
    images = [base64.b64encode(picture).decode() for picture in pictures]
    return request(json.dumps({"images": images}).encode(), "/classify/batch", "application/json")


def small_png() -> bytes:
    """28x28 grey pixels, as in the dataset."""
    return encoded(picture(28), "PNG")


def photo(width: int, height: int, noise_share: float = 0.1) -> bytes:
    """A JPEG of that size, with noise as of a camera in dim light, or less."""
    return encoded(_sized(width, height, noise_share), "JPEG")


def picture(longer_side: int) -> Image.Image:
    """Three by four, or grey and square if it is of the dataset's size."""
    if longer_side == 28:
        return Image.open(SAMPLES[0]).convert("L").resize((28, 28))
    return _sized(longer_side * 3 // 4, longer_side, noise_share=0.1)


def _sized(width: int, height: int, noise_share: float) -> Image.Image:
    sized = Image.open(SAMPLES[0]).convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    noise = Image.effect_noise(sized.size, 64).convert("RGB")
    return Image.blend(sized, noise, noise_share)


def mixed_pictures() -> list[bytes]:
    """Twenty: small and large, in each format."""
    formats = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
    samples = [Image.open(path).convert("RGB") for path in SAMPLES]
    pictures = [encoded(samples[number % len(samples)], name) for number, name in enumerate(formats * 2)]
    return [*pictures, small_png(), photo(600, 800), photo(866, 1155), photo(1200, 1600), photo(1500, 2000)]


def encoded(picture: Image.Image, name: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, name, quality=90) if name in ("JPEG", "WEBP", "AVIF") else picture.save(file, name)
    return file.getvalue()
