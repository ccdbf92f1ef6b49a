"""Estimate what an anonymous sender can cost a day, by each way in, with the template's defaults."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from infra.capacity.defaults import read_defaults
from infra.capacity.prices import Prices, read_prices

PRICES_FILE: Final = Path(__file__).with_name("traffic_prices.json")
THREAT_MODEL: Final = Path(__file__).parents[1] / "THREAT_MODEL.md"
_BEGIN, _END = "<!-- written by python -m infra bill -->\n", "<!-- end -->\n"

_DAY: Final = 86_400  # seconds
_MONTH: Final = 30  # days
_GB: Final = 1e9  # bytes; AWS counts 2**30, which is 7% more
_CONCURRENCY: Final = 1000  # AWS's default for an account; new accounts have 10
_DELETED_DAYS: Final = 1  # an expired upload is kept as a noncurrent version
_RESTARTS: Final = _DAY // 300  # assumption: an idle process is kept for five minutes at least
_LOG_BYTES: Final = 2500  # of a request: its own line, its metrics, and Lambda's START and REPORT
_ACCESS_LOG_BYTES: Final = 400
_SMALL_SECONDS: Final = 0.02  # of a small image or file, at the default memory
_BODY_SECONDS: Final = 0.3  # to read 4.5 MB of base64 and refuse them
_S3_SECONDS: Final = 0.06  # to sign a ticket, or to ask S3 twice
_LAST_IMAGE_SECONDS: Final = 4  # of an image that is begun just before RequestSeconds are over
_LARGEST_FILE: Final = 447_000  # bytes of Swagger UI, the largest response, as gzip
_LARGEST_FILE_WITHOUT_DOCS: Final = 34_000  # of the sample images
_SAMPLED: Final = 0.05  # share of requests that X-Ray traces, after the first one in each second


@dataclass(frozen=True)
class TrafficPrices:
    """Prices in dollars of what a request can use beside `Prices`, without free tier and volume discounts."""

    region: str
    looked_up: str  # ISO 8601 date
    sources: tuple[str, ...]
    gateway_request: float
    gb_out: float
    storage_gb_month: float
    log_gb: float
    log_gb_month: float
    restored_gb: float
    trace: float
    waf_request: float

    @classmethod
    def read(cls, path: Path = PRICES_FILE) -> Self:
        """The prices in `path`."""
        document = json.loads(path.read_text(encoding="utf-8"))
        logs = document["cloudwatch"]
        return cls(
            region=document["region"],
            looked_up=document["looked_up"],
            sources=tuple(sorted({each["source"] for each in document.values() if isinstance(each, dict)})),
            gateway_request=document["api_gateway"]["request"],
            gb_out=document["data_transfer"]["gb_out"],
            storage_gb_month=document["s3_storage"]["gb_month"],
            log_gb=logs["log_gb"],
            log_gb_month=logs["log_gb_month"],
            restored_gb=document["snapstart"]["restored_gb"],
            trace=document["x_ray"]["trace"],
            waf_request=document["waf"]["request"],
        )


@dataclass(frozen=True)
class Way:
    """A way in: what it costs a day at most, and what bounds that."""

    name: str
    dollars: float
    bound: str


@dataclass(frozen=True)
class Attack:
    """A day of requests at the throttles of `defaults`, the template's parameters."""

    defaults: dict[str, str]
    prices: Prices
    traffic: TrafficPrices

    def ways(self) -> Iterator[Way]:
        """All ways in, each at its own maximum."""
        requests = self._number("RequestsPerSecond") * _DAY
        tickets = self._number("TicketsPerSecond") * _DAY
        seconds = self._number("RequestSeconds") + _LAST_IMAGE_SECONDS
        yield Way("Small images, or any small request", self._answered(requests, _SMALL_SECONDS), "`RequestsPerSecond`")
        yield Way(
            "Batches of the slowest images",
            self._answered(requests, min(seconds, _CONCURRENCY * _DAY / requests)),
            f"`RequestSeconds`; {_CONCURRENCY:,} at once, or `HttpReservedConcurrency`",
        )
        yield Way(
            "Bodies of 4.5 MB", self._answered(requests, _BODY_SECONDS), "`RequestsPerSecond`; incoming data is free"
        )
        yield Way(
            "The largest file, of `/docs`", self._downloaded(requests, _LARGEST_FILE), "`Docs`, `RequestsPerSecond`"
        )
        yield Way(
            "The largest file with `Docs` off",
            self._downloaded(requests, _LARGEST_FILE_WITHOUT_DOCS),
            "`RequestsPerSecond`",
        )
        yield Way("CORS preflights", requests * self.traffic.gateway_request, "the gateway answers; no function runs")
        yield Way("Results that are asked for", self._results(requests), "`RequestsPerSecond`")
        yield Way("Bursts that start new processes", self._restarts(), "`SnapStart`, `HttpReservedConcurrency`")
        yield Way("Tickets, each with the largest upload", self._uploads(tickets), "`TicketsPerSecond`, `UploadDays`")
        yield Way("Workers for them, always busy", self._workers(tickets), "`WorkerConcurrency`; the rest waits")
        yield Way("Only with `Tracing`: X-Ray", (_DAY + requests * _SAMPLED) * self.traffic.trace, "AWS's sampling")
        yield Way("Only with `AccessLogs`", self._logs(requests * _ACCESS_LOG_BYTES), "`LogRetentionDays`")
        yield Way("Only with `RequestsPerAddress`: WAF", requests * self.traffic.waf_request, "it blocks an address")

    def _number(self, parameter: str) -> float:
        return float(self.defaults[parameter])

    def _compute(self, seconds: float) -> float:
        gb = self._number("MemorySize") / 1024
        return seconds * gb * self.prices.lambda_gb_second[self.defaults["Architecture"]]

    def _logs(self, size: float) -> float:
        months = self._number("LogRetentionDays") / _MONTH
        return size / _GB * (self.traffic.log_gb + months * self.traffic.log_gb_month)

    def _answered(self, requests: float, seconds: float) -> float:
        """Requests that reach the function, and take `seconds` each."""
        each = self.traffic.gateway_request + self.prices.lambda_request
        return requests * each + self._compute(requests * seconds) + self._logs(requests * _LOG_BYTES)

    def _downloaded(self, requests: float, size: int) -> float:
        return self._answered(requests, _SMALL_SECONDS) + requests * size / _GB * self.traffic.gb_out

    def _results(self, requests: float) -> float:
        return self._answered(requests, _S3_SECONDS) + 2 * requests * self.prices.s3_get

    def _restarts(self) -> float:
        return _RESTARTS * _CONCURRENCY * self._number("MemorySize") / 1024 * self.traffic.restored_gb

    def _uploads(self, tickets: float) -> float:
        months = (self._number("UploadDays") + _DELETED_DAYS) / _MONTH
        stored = tickets * self._number("MaxUploadBytes") / _GB * months
        return (
            self._answered(tickets, _S3_SECONDS)
            + tickets * self.prices.s3_put_or_list
            + stored * self.traffic.storage_gb_month
        )

    def _workers(self, tickets: float) -> float:
        each = self.prices.s3_get + self.prices.s3_put_or_list + 3 * self.prices.sqs_request
        busy = self._compute(self._number("WorkerConcurrency") * _DAY)
        return busy + tickets * each + self._logs(tickets * _LOG_BYTES)


def bill(attack: Attack) -> str:
    """The table, as Markdown, with the date of its prices."""
    rows = [f"| {way.name} | ${way.dollars:,.2f} | {way.bound} |" for way in attack.ways()]
    prices = f"Prices in {attack.traffic.region} as of {attack.traffic.looked_up}, without the free tier."
    return "\n".join([prices, "", "| way in | a day at most | bounded by |", "| --- | --- | --- |", *rows]) + "\n"


def with_bill(document: str) -> str:
    """The threat model `document` with today's table between its two marks. Raises ValueError without them."""
    before, begin, rest = document.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"the document lacks {_BEGIN.strip()} or {_END.strip()}")
    table = bill(Attack(read_defaults(), read_prices(), TrafficPrices.read()))
    return f"{before}{begin}{table}{end}{after}"
