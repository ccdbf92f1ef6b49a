"""Soak a real server with good, hostile, slow and broken-off requests: `python -m tests.system.soak [--minutes N]`.

Prints memory, open files and threads at start and end, with those of the processes that decode, and the number of
responses by status. Fails if any of them has grown beyond its bound, or if a response is a 5xx other than 503.
"""

import argparse
import random
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from tests.conftest import RunningServer, serving
from tests.support.cost_cases import CASES
from tests.support.decoder_children import children
from tests.support.hostile_inputs import HOSTILE
from tests.support.images import FORMATS, encoded, trousers

CLIENTS: Final = 8
WARM_UP_SECONDS: Final = 20
REST_SECONDS: Final = 12  # idle threads end after 10
# Of those that are made in little time, and small.
BOMBS: Final = ("scans", "WebP", "HEIC", "GIF", "9,000", "interlaced", "strips of TIFF", "within")
LARGEST_BOMB_BYTES: Final = 6_000_000
HEAD: Final = b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"

Send = Callable[[httpx2.Client, str, random.Random], str]


@dataclass(frozen=True)
class Usage:
    """What the server and its child processes hold."""

    mebibytes: float
    files: int
    threads: int
    children: int

    @classmethod
    def of(cls, server: RunningServer) -> "Usage":
        processes = [server.process_id, *children(server.process_id)]
        statuses = [Path(f"/proc/{pid}/status").read_text(encoding="ascii") for pid in processes]
        return cls(
            mebibytes=sum(_field(status, "VmRSS") for status in statuses) / 1024,
            files=len(list(Path(f"/proc/{server.process_id}/fd").iterdir())),
            threads=_field(statuses[0], "Threads"),
            children=len(processes) - 1,
        )


# At most. The free memory that malloc keeps varies by tens of MiB with the images that came last.
GROWTH: Final = Usage(mebibytes=100, files=10, threads=4, children=1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.system.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    minutes = parser.parse_args().minutes
    bombs = [case.make() for case in CASES if any(word in case.name for word in BOMBS)]
    bombs = [bomb for bomb in bombs if bomb.bytes < LARGEST_BOMB_BYTES]
    senders = [_good, _good, _hostile, _bomb(bombs), _slow, _gone]
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "log.txt") as server:
        _run(server, senders, WARM_UP_SECONDS)
        start = Usage.of(server)
        print(f"start: {start}", flush=True)
        found = _run(server, senders, minutes * 60)
        end = Usage.of(server)
    print(
        f"end:   {end}\n{sum(found.values()):8} requests\n"
        + "\n".join(f"{count:8} {status}" for status, count in sorted(found.items()))
    )
    grown = [name for name, most in vars(GROWTH).items() if getattr(end, name) - getattr(start, name) > most]
    failed = [status for status in found if status.startswith("5") and status != "503"]
    for problem in [*(f"more {name} than at the start" for name in grown), *(f"status {status}" for status in failed)]:
        print(problem)
    return len(grown) + len(failed)


def _run(server: RunningServer, senders: list[Send], seconds: float) -> Counter[str]:
    """Send requests from all clients for so many seconds, then let the server rest. Returns counts by status."""
    found: Counter[str] = Counter()
    deadline = time.monotonic() + seconds

    def send(seed: int) -> None:
        rng = random.Random(seed)
        with httpx2.Client(base_url=server.address, timeout=120) as client:
            while time.monotonic() < deadline:
                found[rng.choice(senders)(client, server.address, rng)] += 1

    threads = [threading.Thread(target=send, args=(seed,)) for seed in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(REST_SECONDS)
    return found


def _good(client: httpx2.Client, _: str, rng: random.Random) -> str:
    image = encoded(trousers(rng.randrange(28, 900)), rng.choice(FORMATS))
    response = client.post("/classify", content=image)
    return f"{response.status_code}" if response.status_code in (200, 503) else "500: a good image is refused"


def _hostile(client: httpx2.Client, _: str, rng: random.Random) -> str:
    query, sending, _status = rng.choice(HOSTILE).values
    return _status_of(client, f"/classify{query}", sending)


def _bomb(bombs: list[Any]) -> Send:
    def send(client: httpx2.Client, _: str, rng: random.Random) -> str:
        bomb = rng.choice(bombs)
        return _status_of(client, bomb.path, bomb.sending)

    return send


def _slow(_: httpx2.Client, address: str, rng: random.Random) -> str:
    """A request in a few pieces, with pauses; some never come to their end."""
    image = encoded(trousers(200))
    whole = HEAD % len(image) + image
    with _connection(address) as connection, suppress(OSError):
        for start in range(0, len(whole), 1 + len(whole) // 4):
            connection.sendall(whole[start : start + 1 + len(whole) // 4])
            time.sleep(rng.random())
            if rng.random() < 0.1:
                return "slow, then gone"
        return connection.recv(100)[9:12].decode() or "closed"
    return "closed"


def _gone(_: httpx2.Client, address: str, rng: random.Random) -> str:
    """A whole request, whose client does not wait for the response."""
    image = encoded(trousers(600), rng.choice(FORMATS))
    with _connection(address) as connection, suppress(OSError):
        connection.sendall(HEAD % len(image) + image)
    return "gone"


def _status_of(client: httpx2.Client, path: str, sending: dict[str, Any]) -> str:
    try:
        return str(client.post(path, **sending).status_code)
    except httpx2.TransportError:  # the server may refuse a large body before all of it has arrived
        return "closed"


def _connection(address: str) -> socket.socket:
    host, port = address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=60)


def _field(status: str, name: str) -> int:
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{name}:"))


if __name__ == "__main__":
    sys.exit(main())
