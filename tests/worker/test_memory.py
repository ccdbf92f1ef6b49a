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

# Reads the event from standard input; prints the reply and the peak memory of the process.
ONE_INVOCATION = """
import json, re, sys
from pathlib import Path
from handler.s3_entry import handler

class Context:
    def get_remaining_time_in_millis(self):
        return 60_000

reply = handler(json.load(sys.stdin), Context())
(kibibytes,) = re.findall(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(json.dumps({"reply": reply, "bytes": int(kibibytes) * 1024}))
"""
LARGEST_IMAGE = 7_000, 7_000  # just below MAX_PIXELS; lossless WebP takes more memory than most formats
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
    webp = encoded(large, "WEBP", lossless=True, method=0)
    hostile = {
        **{f"many-pixels-{number}.webp": webp for number in range(4)},
        **{f"many-bytes-{number}.tiff": b"II*\0" + bytes(49 * MEGABYTE) for number in range(4)},
        "too-many-bytes.png": bytes(60 * MEGABYTE),
        "many-pixels.avif": encoded(large.convert("RGB"), "AVIF", speed=10),
    }
    aws.receive()  # S3's test event
    for key, body in hostile.items():
        aws.s3.put_object(Bucket=UPLOADS, Key=key, Body=body)
    measured = invoked(aws.receive(), aws.port)
    print(f"\n{len(hostile)} hostile uploads: {measured['bytes'] / MEGABYTE:.0f} MB peak")
    assert measured["reply"] == {"batchItemFailures": []}
    status = {result["key"]: result.get("title", "done") for result in aws.results().values()}
    assert [status[key] for key in hostile] == ["done"] * 4 + ["Broken image"] * 4 + ["Too large", "done"]
    assert measured["bytes"] < PARAMETERS["MemorySize"]["Default"] * 1024 * 1024
