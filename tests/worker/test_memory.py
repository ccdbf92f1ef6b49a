"""Peak memory of the worker on hostile uploads, measured in a separate process with the real entry point."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from PIL import Image

from tests.support.aws import CREDENTIALS, RESULTS, UPLOADS, Cloud
from tests.support.images import encoded
from tests.support.machine import PROJECT
from tests.support.template import PARAMETERS, environment

# Reads the event from standard input; prints the reply and the peak memory of the process and of its decoder.
ONE_INVOCATION = """
import json, re, resource, sys
from pathlib import Path
from handler.inference.decoder_process import close_decoders
from handler.s3_entry import handler

class Context:
    def get_remaining_time_in_millis(self):
        return 60_000

reply = handler(json.load(sys.stdin), Context())
(kibibytes,) = re.findall(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
close_decoders()
of_decoder = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # KiB
print(json.dumps({"reply": reply, "bytes": (int(kibibytes) + of_decoder) * 1024}))
"""
LARGEST_IMAGE = 7_000, 7_000  # just below MAX_PIXELS; some formats take too much memory for as many
PHOTO = 4_000, 3_000
MEGABYTE = 1_000_000


def invoked(event: dict[str, Any], port: int) -> Any:
    """The reply to `event` and the peak memory of the worker with the template's default settings."""
    settings = {**environment("WorkerFunction"), "RESULTS_BUCKET": RESULTS}
    done = subprocess.run(
        [sys.executable, "-c", ONE_INVOCATION],
        cwd=PROJECT,
        env={**os.environ, **CREDENTIALS, **settings, "S3_ENDPOINT_URL": f"http://127.0.0.1:{port}"},
        input=json.dumps(event),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])  # preceded by CloudWatch metrics


@pytest.mark.slow
def test_ten_hostile_uploads_fit_into_the_function_memory(aws: Cloud) -> None:
    large = Image.new("RGBA", LARGEST_IMAGE, (200, 10, 10, 255))
    photo = large.resize(PHOTO)
    hostile = {
        "many-pixels.webp": (encoded(large, "WEBP", lossless=True, method=0), "Too many pixels"),
        "many-pixels.avif": (encoded(large.convert("RGB"), "AVIF", speed=10), "Too many pixels"),
        "many-pixels.png": (encoded(large.convert("RGB"), compress_level=1), "done"),
        "photo.webp": (encoded(photo, "WEBP", lossless=True, method=0), "done"),
        "photo.avif": (encoded(photo.convert("RGB"), "AVIF", speed=10), "done"),
        **{f"many-bytes-{number}.tiff": (b"II*\0" + bytes(49 * MEGABYTE), "Broken image") for number in range(4)},
        "too-many-bytes.png": (bytes(60 * MEGABYTE), "Too large"),
    }
    aws.receive()  # S3's test event
    for key, (body, _) in hostile.items():
        aws.s3.put_object(Bucket=UPLOADS, Key=key, Body=body)
    measured = invoked(aws.receive(), aws.port)
    print(f"\n{len(hostile)} hostile uploads: {measured['bytes'] / MEGABYTE:.0f} MB peak")
    assert measured["reply"] == {"batchItemFailures": []}
    status = {result["key"]: result.get("title", "done") for result in aws.results().values()}
    assert status == {key: expected for key, (_, expected) in hostile.items()}
    assert measured["bytes"] < PARAMETERS["MemorySize"]["Default"] * 1024 * 1024
