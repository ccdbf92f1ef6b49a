"""Requests per second, processor time and memory of this project's server beside those that people use instead."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from bench.environments import THIS, Checkout
from bench.load import LoadResult, load, need_wrk
from bench.machine import versions
from bench.processes import cpu_seconds, memory_mb
from bench.requests import KINDS, PHOTO, SMALL, TENSOR_BINARY, TENSOR_JSON
from bench.results import CannotMeasure, Cell, Figure, Section, Table, milliseconds, ratio, winner
from bench.servers import Running, Server, peers, running, serve

OWN: Final = THIS.name
_TWO: Final = f"{OWN}, 2 workers"
_PEERS: Final = [each.name for each in peers()]
_NOT_MEASURED: Final = (
    "Not measured: Triton, since the interpreter in PyTriton 0.7.0, its wheel, fails with the library of this Python;"
    " TorchServe, since it needs a Java runtime, and its maintainers archived it in 2025."
)
_METHOD: Final = (
    "wrk posts the same request repeatedly; each connection sends its next request on receiving a response. Servers"
    " take turns, round by round, on the same machine as wrk.",
    "Each response must have status 200 and the right content; others, and failed connections, count as errors.",
    "All servers have the same ONNX file, in a session with one thread, and run it once. Only an image in doubt, as one"
    " in 18 of the dataset is, does this project run again, mirrored: it has a row of its own.",
    "This project is `serve`, one process. FastAPI"
    " is a `def` endpoint under uvicorn with uvloop and httptools, without the access log, which would slow it."
    " LitServe, BentoML and MLServer are as their documentation shows, with one worker (the first two have further"
    " processes for HTTP); MLServer without its process for parallel inference, which makes it slower.",
    "The peers only resize a photo, and so mistake it for a dress; this project cuts the garment out and lets two"
    " networks vote. MLServer takes tensors, no image files, and over HTTP only JSON; its JSON is compared with the"
    " binary request, too.",
    "Processor time and memory are of a server's process and all that it has started; memory that processes share"
    " counts once. Ratios are taken round by round, then their median (and quartiles).",
)


@dataclass(frozen=True)
class _Case:
    kind: str
    connections: int

    def __str__(self) -> str:
        return f"{self.kind}, {self.connections} connection{'s' * (self.connections > 1)}"


@dataclass(frozen=True)
class _Sample:
    load: LoadResult
    cpu_seconds: float

    @property
    def cpu_ms(self) -> float:
        return 1e3 * self.cpu_seconds / max(self.load.responses, 1)


@dataclass(frozen=True)
class _Usage:
    """Of one server: seconds of each start, memory at first and after all requests."""

    starts: list[float]
    idle_mb: float
    loaded_mb: float


Samples = Mapping[_Case, Mapping[str, Sequence[_Sample]]]  # by server


def measure(*, quick: bool, against: Checkout | None) -> Section:
    """Measure all servers that can be installed and started. Raises CannotMeasure if wrk is missing."""
    need_wrk()
    rounds, connections, starts = (1, (8,), 1) if quick else (5, (1, 8, 32), 3)
    servers = [serve(THIS), serve(THIS, workers=2), *([serve(against)] if against else []), *peers()]
    notes: list[str] = []
    with ExitStack() as stack:
        up, seconds = _started(servers, starts, stack, notes)
        idle = {name: memory_mb(each.pid) for name, each in up.items()}
        samples = _samples(up, connections, rounds)
        usage = {name: _Usage(seconds[name], idle[name], memory_mb(each.pid)) for name, each in up.items()}
    if OWN not in usage:
        raise CannotMeasure(notes[0])
    return Section(
        "throughput",
        "Servers",
        (*_METHOD, f"{rounds} rounds of 1 s each, after a warm-up of 1 s; {starts} starts of each."),
        (*_rates(samples, list(usage)), _usage(usage, samples)),
        (*_figures(samples), *_ratios(samples)),
        (*notes, _NOT_MEASURED),
        versions(("fastapi", "httptools", "onnxruntime", "pillow", "starlette", "uvicorn", "uvloop")),
    )


def _started(
    servers: list[Server], starts: int, stack: ExitStack, notes: list[str]
) -> tuple[dict[str, Running], dict[str, list[float]]]:
    """Start each server `starts` times; keep the last running, and note why others are not."""
    up: dict[str, Running] = {}
    seconds: dict[str, list[float]] = {}
    for server in servers:
        try:
            seconds[server.name] = []
            for _ in range(starts - 1):
                with running(server) as each:
                    seconds[server.name].append(each.seconds)
            up[server.name] = stack.enter_context(running(server))
            seconds[server.name].append(up[server.name].seconds)
        except CannotMeasure as error:
            notes.append(f"{server.name} was not measured: {error}.")
    return up, seconds


def _samples(up: Mapping[str, Running], connections: tuple[int, ...], rounds: int) -> Samples:
    samples: dict[_Case, dict[str, list[_Sample]]] = {}
    asked = [(each, *of_kind) for each in up.values() for of_kind in each.payloads.items()]
    for each, kind, payload in asked:
        load(each.address(kind), payload, max(connections), 1)
    for _ in range(rounds):
        for kind in KINDS:
            for count in connections:
                for each, own_kind, payload in asked:
                    if own_kind == kind and (each.server.name != _TWO or kind in (SMALL, PHOTO)):
                        before = cpu_seconds(each.pid)
                        result = load(each.address(kind), payload, count, 1)
                        sample = _Sample(result, cpu_seconds(each.pid) - before)
                        samples.setdefault(_Case(kind, count), {}).setdefault(each.server.name, []).append(sample)
    return samples


def _rate(name: str, samples: Sequence[_Sample]) -> Figure:
    return Figure(name, "requests/s", tuple(each.load.requests_per_second for each in samples), more_is_better=True)


def _cpu(name: str, samples: Sequence[_Sample]) -> Figure:
    return Figure(name, "ms", tuple(each.cpu_ms for each in samples))


def _compared(samples: Samples, case: _Case) -> dict[str, Sequence[_Sample]]:
    """The servers of a row: for the binary tensor, MLServer by JSON."""
    if case.kind == TENSOR_BINARY:
        by_json = samples[_Case(TENSOR_JSON, case.connections)].items()
        return {**samples[case], **{name: each for name, each in by_json if name == "MLServer"}}
    return dict(samples[case])


def _rates(samples: Samples, servers: list[str]) -> Iterator[Table]:
    for title, figure in (("Requests per second", _rate), ("Processor time per request, ms", _cpu)):
        rows = []
        for case in samples:
            found = {name: figure(name, each) for name, each in _compared(samples, case).items()}
            others = [each for name, each in found.items() if name in _PEERS]
            cells: list[Cell] = [str(found[name]) if name in found else "" for name in servers]
            rows.append((case.kind, case.connections, *cells, winner(found[OWN], others) if others else ""))
        yield Table(f"{title}: median (quartiles)", ("request", "connections", *servers, "best"), tuple(rows))


def _usage(usage: Mapping[str, _Usage], samples: Samples) -> Table:
    rows = []
    for name, each in usage.items():
        loads = [one.load for found in samples.values() for one in found.get(name, ())]
        started = milliseconds(name, each.starts)
        errors, responses = sum(load.errors for load in loads), sum(load.responses for load in loads)
        rows.append((name, str(started), each.idle_mb, each.loaded_mb, responses, errors))
    columns = ("server", "start to first response, ms", "memory then, MB", "in the end, MB", "responses", "errors")
    return Table("Start, memory and errors", columns, tuple(rows))


def _figures(samples: Samples) -> Iterator[Figure]:
    for case, found in samples.items():
        for name, own in found.items():
            yield _rate(f"{case}: {name}", own)
            yield _cpu(f"{case}: {name}, processor time", own)


def _ratios(samples: Samples) -> Iterator[Figure]:
    for case in samples:
        found = _compared(samples, case)
        for name, other in found.items():
            if name == _TWO:
                yield ratio(f"{case}: two workers / one", _rate("", other), _rate("", found[OWN]))
            elif name != OWN:
                yield ratio(f"{case}: {OWN} / {name}", _rate("", found[OWN]), _rate("", other))
                yield ratio(f"{case}: {OWN} / {name}, processor time", _cpu("", found[OWN]), _cpu("", other))
