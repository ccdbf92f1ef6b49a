"""Fault-injection campaign: send uploads to the worker through faults, and count lost, doubled and wrong results.

    python -m tests.system.campaign --events 10000 --seed 7

The worker is the real one, with boto3 clients of moto's S3 and SQS. The same seed prints the same numbers.
"""

import argparse
import logging
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from moto import mock_aws

from handler.worker.s3_events import UnknownEvent, uploads_in_text
from tests.support.faults import Faults
from tests.system.campaign.cloud import Cloud
from tests.system.campaign.polling import BATCH, Lambda
from tests.system.campaign.senders import FORBIDDEN, Senders

NETWORK: Final = {
    "connect timeout": 0.004,
    "connection reset": 0.004,
    "response lost": 0.004,
    "500 InternalError": 0.004,
}
RATES: Final = {
    "GetObject": {**NETWORK, "503 SlowDown": 0.02, "400 RequestTimeout": 0.002, "body truncated": 0.004},
    "PutObject": {
        **NETWORK,
        "503 SlowDown": 0.01,
        "409 ConditionalRequestConflict": 0.01,
        "crash before the write": 0.002,
        "crash after the write": 0.002,
    },
    "ReceiveMessage": {"connection reset": 0.01, "403 ThrottlingException": 0.01},
    "DeleteMessageBatch": {"response lost": 0.01, "connection reset": 0.01},
}


@dataclass(frozen=True)
class Verdict:
    """Counts over all uploads."""

    done: int
    rejected: int
    dead_lettered: int
    unknown: int  # dead letters that are not S3 events
    lost: int  # uploads with neither result nor dead letter
    doubled: int  # results written twice, and uploads with two results
    wrong: int  # results with wrong contents


def main() -> int:
    """Exit status: 1 if anything was lost, doubled or wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.campaign", description="Send uploads through faults.")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)  # the worker logs each fault
    with mock_aws():
        verdicts = campaign(arguments.events, arguments.seed)
    return int(any(verdict.lost or verdict.doubled or verdict.wrong for verdict in verdicts))


def campaign(events: int, seed: int) -> tuple[Verdict, Verdict]:
    """Send about `events` events and empty the queue; then disable the faults, and redrive the dead letters."""
    faults = Faults(seed, RATES, FORBIDDEN)
    cloud = Cloud.create()
    senders, service = Senders(cloud, faults, seed), Lambda(cloud, faults)
    while senders.events < events:
        for _ in range(BATCH):
            senders.act()
        while service.poll() == BATCH:
            pass
    senders.send()
    first, dead = _drained(cloud, service)
    faults.disabled = True
    cloud.send(dead)
    last, _ = _drained(cloud, service)
    _print(f"seed {seed}: sent {senders.events:,} events about {len(cloud.puts):,} uploads", service.counted)
    _print("results", first)
    _print("after the redrive", last)
    _print("faults", faults.injected)
    return first, last


def _drained(cloud: Cloud, service: Lambda) -> tuple[Verdict, list[str]]:
    """Empty the queue; returns the verdict and the dead letters."""
    while service.poll():
        pass
    dead = list(cloud.dead_letters())
    return _verdict(cloud, dead), dead


def _verdict(cloud: Cloud, dead: Sequence[str]) -> Verdict:
    documents = cloud.documents()
    results = [versions[0] for versions in documents.values()]
    found = Counter(result["version_id"] for result in results)
    known, unknown = _versions_in(dead)
    return Verdict(
        done=sum(result["status"] == "done" for result in results),
        rejected=sum(result["status"] == "rejected" for result in results),
        dead_lettered=len(dead),
        unknown=unknown,
        lost=len(cloud.puts.keys() - cloud.optional - found.keys() - known),
        doubled=sum(len(versions) - 1 for versions in documents.values()) + found.total() - len(found),
        wrong=sum(not _is_right(cloud, result) for result in results),
    )


def _versions_in(dead: Sequence[str]) -> tuple[set[str | None], int]:
    """The versions that the dead letters refer to, and the number of letters that are not S3 events."""
    known: set[str | None] = set()
    unknown = 0
    for body in dead:
        try:
            known.update(upload.version_id for upload in uploads_in_text(body))
        except UnknownEvent:
            unknown += 1
    return known, unknown


def _is_right(cloud: Cloud, result: Mapping[str, Any]) -> bool:
    put = cloud.puts[result["version_id"]]
    actual = (result["key"], result["etag"], result["bytes"], result["sequencer"], result.get("label"))
    return actual == (put.key, put.etag, put.bytes, put.sequencer, put.label)


def _print(title: str, numbers: Mapping[str, int] | Verdict) -> None:
    print(title)
    for name, number in sorted((asdict(numbers) if isinstance(numbers, Verdict) else numbers).items()):
        print(f"  {name.replace('_', ' '):28} {number:>7,}")


if __name__ == "__main__":
    sys.exit(main())
