"""Measure status, computing time and memory of hostile requests, each in a process of its own.

    python -m tests.support.costs           print a table of all cases
    python -m tests.support.costs WebP      those whose name has "WebP" in it
    python -m tests.support.costs --json    one line of JSON for each case, as the test reads it

This process loads the app once, and forks for each case: the copy's memory at that moment is the rest.
"""

import asyncio
import json
import os
import pickle
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from httpx2 import ASGITransport, AsyncClient, Response

from handler.api.app import create_app
from handler.inference.classifier import Classifier, read_card
from handler.inference.decoder_process import close_decoders
from handler.settings import Settings
from tests.support.cost_cases import CASES, Case, Request
from tests.support.images import FORMATS, encoded, trousers

MAX_CPU_SECONDS: Final = 2
MAX_MEBIBYTES: Final = 400
# As large as the worker's largest object, so that its images can be sent to the API as well.
SETTINGS: Final = Settings(max_body_bytes=Settings.max_upload_bytes)

Result = TypeVar("Result")


@dataclass(frozen=True)
class Cost:
    """What one request took, with the child processes that decoded its images."""

    name: str
    kilobytes: float  # of the request
    expected: str
    status: str  # and of the images of a batch
    cpu_seconds: float
    mebibytes: float  # above rest: peak of this process, and of the largest child process

    @property
    def is_bounded(self) -> bool:
        return self.cpu_seconds < MAX_CPU_SECONDS and self.mebibytes < MAX_MEBIBYTES


def main(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    chosen = [case for case in CASES if all(word in case.name for word in arguments if word != "--json")]
    app = create_app(Classifier.shipped(), read_card(), SETTINGS, report=lambda _: None)
    _warm_up(app)
    if not as_json:
        print(f"{'case':58} {'kB':>8}  {'status':26} {'CPU s':>6} {'MiB':>5}")
    failed = 0
    for case in chosen:
        cost = _measured(app, case)
        as_expected = cost.is_bounded and cost.status == cost.expected
        failed += not as_expected
        print(json.dumps(asdict(cost)) if as_json else _row(cost, as_expected=as_expected), flush=True)
    return 0 if as_json else failed


def _row(cost: Cost, *, as_expected: bool) -> str:
    row = f"{cost.name:58} {cost.kilobytes:8.1f}  {cost.status:26} {cost.cpu_seconds:6.2f} {cost.mebibytes:5.0f}"
    return row if as_expected else f"{row}  <- expected {cost.expected}, {MAX_CPU_SECONDS} s, {MAX_MEBIBYTES} MiB"


def _warm_up(app: Any) -> None:
    """Load what ordinary images need, but no decoder process: it would not outlast the fork."""
    for name in FORMATS:
        if name != "AVIF":
            asyncio.run(_sent(app, Request("/classify", {"content": encoded(trousers(), name)})))


def _measured(app: Any, case: Case) -> Cost:
    request = _in_copy(case.make)  # so that what making it leaves in memory is not counted as the rest
    status, cpu_seconds, peak = _in_copy(lambda: _cost_of(app, request))
    return Cost(case.name, request.bytes / 1000, case.expected, status, cpu_seconds, peak)


def _cost_of(app: Any, request: Request) -> tuple[str, float, float]:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # resets the peak (proc_pid_clear_refs(5))
    rest, started = _mebibytes("VmRSS"), _cpu_seconds()
    response = asyncio.run(_sent(app, request))
    peak = _mebibytes("VmHWM") - rest
    close_decoders()  # only a process that has ended is counted
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return _statuses(response), _cpu_seconds() - started, peak + children


async def _sent(app: Any, request: Request) -> Response:
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver", timeout=300) as client:
        return await client.post(request.path, **request.sending)


def _statuses(response: Response) -> str:
    """The status of a response, and those of the images of a batch."""
    document = response.json()
    results = document.get("results") if isinstance(document, dict) else None
    if results is None:
        return str(response.status_code)
    return f"{response.status_code}: " + ", ".join(sorted({str(result["status"]) for result in results}))


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _mebibytes(field: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))


def _in_copy(work: Callable[[], Result]) -> Result:
    """The result of `work` in a copy of this process."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reader)
            with os.fdopen(writer, "wb") as file:
                pickle.dump(work(), file)
            code = 0
        except BaseException:  # this copy must end here
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        content = file.read()
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError(f"the copy ended with {os.waitstatus_to_exitcode(status)}")
    result: Result = pickle.loads(content)  # of this program's own copy
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
