"""Measure the worker's processor time and memory for each kind of image, against an emulated S3."""

import io
import json
import os
import platform
import socket
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import boto3
from PIL import Image

from handler.inference.classifier import Classifier, read_card
from handler.settings import Settings
from handler.worker.worker import Worker
from infra.capacity.measurements import Measurement, Measurements
from infra.emulation.aws import EmulatedAws, emulated_aws
from infra.emulation.names import REGION, RESULTS, UPLOADS

_PHOTO: Final = Path(__file__).parents[2] / "handler" / "static" / "samples" / "t-shirt.jpg"
_BATCH: Final = 10  # messages per invocation

KINDS: Final = {"28x28 PNG": (28, 28), "1-megapixel JPEG": (1155, 866), "12-megapixel JPEG": (4000, 3000)}


def measure(batches: dict[str, int]) -> Measurements:
    """Measure `batches[kind]` batches of ten images of each kind, after a warm-up batch.

    The environment must have AWS credentials; their values do not matter.
    """
    kinds = []
    with socket.create_server(("127.0.0.1", 0)) as listener, emulated_aws(listener) as port:
        s3 = EmulatedAws.create(port).s3
        for kind, count in batches.items():
            content = encoded_photo(*KINDS[kind])
            s3.put_object(Bucket=UPLOADS, Key=kind, Body=content)
            with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
                seconds, peak = fresh.submit(_measure_in_this_process, port, kind, count).result()
            kinds.append(Measurement(kind, len(content), count * _BATCH, round(seconds, 5), round(peak)))
    names = ("onnxruntime", "pillow", "numpy", "boto3")
    versions = ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in names)])
    return Measurements(_machine(), versions, f"{datetime.now(UTC):%Y-%m-%d}", tuple(kinds))


def encoded_photo(width: int, height: int) -> bytes:
    """The sample photo in that size: a grey PNG if 28 pixels wide, else a JPEG with camera noise."""
    file = io.BytesIO()
    with Image.open(_PHOTO) as photo:
        sized = photo.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    if width == 28:
        sized.convert("L").save(file, "PNG")
    else:
        noise = Image.effect_noise(sized.size, 64).convert("RGB")
        Image.blend(sized, noise, 0.1).save(file, "JPEG", quality=90)
    return file.getvalue()


def _measure_in_this_process(port: int, key: str, batches: int) -> tuple[float, float]:
    """Processor seconds per image, and the peak memory of this process in MB."""
    s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name=REGION)
    worker = Worker(s3, Classifier.shipped(), read_card(), Settings(results_bucket=RESULTS))
    seconds = 0.0
    for batch in range(batches + 1):
        keys = [f"{key}/{batch}/{place}" for place in range(_BATCH)]
        for target in keys:
            s3.copy_object(Bucket=UPLOADS, Key=target, CopySource=f"{UPLOADS}/{key}")
        event = {"Records": [_message(target) for target in keys]}
        started = time.process_time()
        if worker.handle(event)["batchItemFailures"]:
            raise RuntimeError("the worker failed a message; nothing was measured")
        seconds += (time.process_time() - started) if batch else 0
    return seconds / (batches * _BATCH), _peak_mb()


def _message(key: str) -> dict[str, Any]:
    detail = {"bucket": {"name": UPLOADS}, "object": {"key": key}}
    body = {"detail-type": "Object Created", "time": "2026-01-01T00:00:00Z", "detail": detail}
    return {"messageId": key, "eventSource": "aws:sqs", "body": json.dumps(body)}


def _peak_mb() -> float:
    """Peak resident memory; getrusage would include the peak of the parent process."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"{os.cpu_count()} cores of {next(names, platform.machine())}"
