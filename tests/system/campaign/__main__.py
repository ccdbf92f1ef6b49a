"""Fault-injection campaign: send uploads to the worker through faults, and count lost, doubled and wrong results.

    python -m tests.system.campaign --events 10000 --seed 7

The worker is the real one, with boto3 clients of moto's S3 and SQS. The same seed prints the same numbers.
"""

import argparse
import logging
import sys
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from moto import mock_aws

from handler.worker.s3_events import UnknownEvent, uploads_in_text
from infra.emulation.names import RESULTS, UPLOADS
from infra.operations.missing import Missing
from tests.support.faults import OF_RESULT, Faults
from tests.system.campaign.cloud import Cloud
from tests.system.campaign.events import event_of_backfill
from tests.system.campaign.polling import BATCH, Lambda
from tests.system.campaign.senders import FORBIDDEN, REPLACED, Senders

NETWORK: Final = {
    "connect timeout": 0.004,
    "connection reset": 0.004,
    "response lost": 0.004,
    "500 InternalError": 0.004,
}
RATES: Final = {
    "GetObject": {
        **NETWORK,
        "503 SlowDown": 0.02,
        "400 RequestTimeout": 0.002,
        "400 KMS.DisabledException": 0.004,
        "body truncated": 0.004,
        "body stalls": 0.002,
        REPLACED: 0.01,
    },
    "HeadObject": {"503 SlowDown": 0.2},
    OF_RESULT: {**NETWORK, "503 SlowDown": 0.1},
    "PutObject": {
        **NETWORK,
        "503 SlowDown": 0.01,
        "400 KMS.DisabledException": 0.004,
        "409 ConditionalRequestConflict": 0.01,
        "crash before the write": 0.004,
        "crash after the write": 0.004,
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


def campaign(events: int, seed: int) -> tuple[Verdict, ...]:
    """Send about `events` events and empty the queue; then disable the faults, redrive dead letters, and backfill."""
    faults = Faults(seed, RATES, FORBIDDEN)
    cloud = Cloud.create()
    senders, service = Senders(cloud, faults, seed), Lambda(cloud, faults)
    while senders.events < events:
        for _ in range(BATCH):
            senders.act()
        while service.poll() == BATCH:
            senders.send_replacements()
    senders.send()
    first, dead = _drained(cloud, service, senders)
    faults.disabled = True
    cloud.send(dead)
    last, dead = _drained(cloud, service, senders)
    backfilled = _backfilled(cloud, service, senders, dead)
    _print(f"seed {seed}: sent {senders.events:,} events about {len(cloud.puts):,} uploads", service.counted)
    _print("results", first)
    _print("after the redrive", last)
    _print("after the backfill", backfilled)
    _print("faults", faults.by_operation)
    return first, last, backfilled


def _backfilled(cloud: Cloud, service: Lambda, senders: Senders, dead: Sequence[str]) -> Verdict:
    """Send the objects without a result, such as those whose delete marker was removed. What then has none is lost."""
    missing = Missing(cloud.s3, UPLOADS, RESULTS)
    found = list(missing)
    cloud.backfilled.update(each["VersionId"] for each in found)
    cloud.send([event_of_backfill(each) for each in found])
    _drained(cloud, service, senders)
    verdict = _verdict(cloud, dead)
    return replace(verdict, lost=verdict.lost + missing.compare().missing)


def _drained(cloud: Cloud, service: Lambda, senders: Senders) -> tuple[Verdict, list[str]]:
    """Empty the queue; returns the verdict and the dead letters."""
    while senders.send_replacements() or service.poll():
        pass
    dead = list(cloud.dead_letters())
    return _verdict(cloud, dead), dead


def _verdict(cloud: Cloud, dead: Sequence[str]) -> Verdict:
    documents = cloud.documents()
    results = [versions[0] for versions in documents.values()]
    found = Counter(_id(result) for result in results)
    known, unknown = _versions_in(dead)
    return Verdict(
        done=sum(result["status"] == "done" for result in results),
        rejected=sum(result["status"] == "rejected" for result in results),
        dead_lettered=len(dead),
        unknown=unknown,
        lost=len(cloud.puts.keys() - cloud.optional - found.keys() - known),
        doubled=sum(_written_in_vain(cloud, versions) for versions in documents.values()) + found.total() - len(found),
        wrong=sum(not _is_right(cloud, result, known) for result in results),
    )


def _versions_in(dead: Sequence[str]) -> tuple[set[str | None], int]:
    """The versions that the dead letters refer to, and the number of letters that are not S3 events."""
    known: set[str | None] = set()
    unknown = 0
    for body in dead:
        try:
            uploads = uploads_in_text(body)
        except UnknownEvent as error:
            uploads = error.uploads
            unknown += 1
        known.update(upload.version_id or upload.etag for upload in uploads)
    return known, unknown


def _id(result: Mapping[str, Any]) -> str:
    return str(result["version_id"] or result["etag"])


def _written_in_vain(cloud: Cloud, versions: Sequence[Mapping[str, Any]]) -> int:
    """How often a document was written beyond once for each upload of its bytes."""
    return max(0, len(versions) - len(cloud.puts[_id(versions[0])].sequencers))


def _is_right(cloud: Cloud, result: Mapping[str, Any], dead: Set[str | None]) -> bool:
    """Whether a result is that of the last upload, or of an earlier one of the same bytes if there is a dead letter."""
    put = cloud.puts[_id(result)]
    sequencers = put.sequencers if _id(result) in dead else put.sequencers[-1:]
    actual = (result["bucket"], result["key"], result["etag"], result["bytes"], result.get("label"))
    expected = (put.bucket, put.key, put.etag, put.bytes, put.label)
    return actual == expected and (result["sequencer"] in sequencers or _id(result) in cloud.backfilled)


def _print(title: str, numbers: Mapping[str, int] | Verdict) -> None:
    print(title)
    for name, number in sorted((asdict(numbers) if isinstance(numbers, Verdict) else numbers).items()):
        print(f"  {name.replace('_', ' '):44} {number:>7,}")


if __name__ == "__main__":
    sys.exit(main())
