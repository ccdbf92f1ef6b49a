"""Emulate SnapStart by fork: `python -m tests.support.snapstart_fork http|worker` prints its observations as JSON.

A function starts and serves once, which opens its connections. Its hooks run in Lambda's own runner. The process is
forked twice; each copy runs the restore hooks and serves. The first line is of the original process.
"""

import asyncio
import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from awslambdaric import lambda_runtime_hooks_runner as hooks

from tests.support.gateway_events import Sent, rest_event

Observed = dict[str, Any]


def main(serve: Callable[[int], Observed]) -> None:
    _report(0, serve)
    hooks.run_before_snapshot()
    for copy in (1, 2):
        if os.fork() == 0:
            asyncio.set_event_loop(asyncio.new_event_loop())  # unlike a snapshot, a fork does not copy threads
            hooks.run_after_restore()
            _report(copy, serve)
            os._exit(0)
        _, status = os.wait()
        assert status == 0


def _report(copy: int, serve: Callable[[int], Observed]) -> None:
    seen = serve(copy) | {"random": random.random(), "connections": _connections()}
    print("SEEN", json.dumps(seen), flush=True)


def _connections() -> list[str]:
    """Inode numbers of this process's open TCP sockets."""
    of_tcp = {line.split()[9] for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]}
    open_files = {file.resolve().name for file in Path("/proc/self/fd").iterdir()}
    return sorted(number for number in of_tcp if f"socket:[{number}]" in open_files)


def _http() -> Callable[[int], Observed]:
    from handler.http_entry import handler  # noqa: PLC0415  the import is what is tested

    def call(method: str, path: str) -> dict[str, Any]:
        return handler(rest_event(Sent(method, path)), None)

    def serve(_: int) -> Observed:
        first = call("GET", "/health")["headers"]
        ticket = json.loads(call("POST", "/uploads")["body"])
        result = call("GET", f"/{ticket['result']}")  # connects to S3; there is no such result
        return {
            "timing": first["server-timing"],
            "status": result["statusCode"],
            "ids": [first["x-request-id"], ticket["id"], ticket["fields"]["x-amz-meta-request-id"]],
        }

    return serve


def _worker() -> Callable[[int], Observed]:
    from handler.s3_entry import handler  # noqa: PLC0415  the import is what is tested

    def serve(copy: int) -> Observed:
        place = {"bucket": {"name": os.environ["UPLOADS_BUCKET"]}, "object": {"key": f"{copy}.png"}}
        event = {"detail-type": "Object Created", "time": "2026-11-20T08:15:30Z", "detail": place}
        return {"reply": handler(event, SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000))}

    return serve


if __name__ == "__main__":
    main({"http": _http, "worker": _worker}[sys.argv[1]]())
