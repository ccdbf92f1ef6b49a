"""Sends events through faults until all is settled, and prints what became of them.

    python -m tests.system.campaign --events 10000 --seed 7

The worker is the real one, with real boto3 clients, in front of moto's S3 and SQS; the same seed prints the same.
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

NETWORK: Final = {"connect timeout": 0.004, "connection reset": 0.004, "answer lost": 0.004, "500 InternalError": 0.004}
RATES: Final = {
    "GetObject": {**NETWORK, "503 SlowDown": 0.02, "400 RequestTimeout": 0.002, "body broken off": 0.004},
    "PutObject": {
        **NETWORK,
        "503 SlowDown": 0.01,
        "409 ConditionalRequestConflict": 0.01,
        "crash before the write": 0.002,
        "crash after the write": 0.002,
    },
    "ReceiveMessage": {"connection reset": 0.01, "403 ThrottlingException": 0.01},
    "DeleteMessageBatch": {"answer lost": 0.01, "connection reset": 0.01},
}


@dataclass(frozen=True)
class Verdict:
    """What became of the uploads."""

    done: int
    rejected: int
    dead_lettered: int
    unknown: int  # dead letters that are no storage events
    lost: int  # uploads with neither a result nor a dead letter
    doubled: int  # results that were written again, and uploads with a second one
    wrong: int  # results that do not say what the object shows


def main() -> int:
    """1 if anything was lost, doubled or wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.campaign", description="Send uploads through faults.")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)  # else the worker tells of each fault
    with mock_aws():
        verdicts = campaign(arguments.events, arguments.seed)
    return int(any(verdict.lost or verdict.doubled or verdict.wrong for verdict in verdicts))


def campaign(events: int, seed: int) -> tuple[Verdict, Verdict]:
    """Sends about so many `events` and empties the queue; then mends everything, and brings back the dead letters."""
    faults = Faults(seed, RATES, FORBIDDEN)
    cloud = Cloud.create()
    senders, service = Senders(cloud, faults, seed), Lambda(cloud, faults)
    while senders.events < events:
        for _ in range(BATCH):
            senders.act()
        while service.poll() == BATCH:
            pass
    senders.send()
    at_first, dead = _settled(cloud, service)
    faults.are_over = True
    cloud.send(dead)
    in_the_end, _ = _settled(cloud, service)
    _print(f"seed {seed}: sent {senders.events:,} events about {len(cloud.puts):,} uploads", service.counted)
    _print("results", at_first)
    _print("after the redrive", in_the_end)
    _print("faults", faults.injected)
    return at_first, in_the_end


def _settled(cloud: Cloud, service: Lambda) -> tuple[Verdict, list[str]]:
    """What there is once the queue is empty, and the dead letters."""
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
    """The versions that dead letters are about, and how many letters are about nothing."""
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
    says = (result["key"], result["etag"], result["bytes"], result["sequencer"], result.get("label"))
    return says == (put.key, put.etag, put.bytes, put.sequencer, put.label)


def _print(title: str, numbers: Mapping[str, int] | Verdict) -> None:
    print(title)
    for name, number in sorted((asdict(numbers) if isinstance(numbers, Verdict) else numbers).items()):
        print(f"  {name.replace('_', ' '):28} {number:>7,}")


if __name__ == "__main__":
    sys.exit(main())
