"""Prometheus metrics of `serve`, at `/metrics`; with several workers, of all of them together.

    clothes_classifier_requests_total{method, endpoint, status}     requests
    clothes_classifier_request_seconds{endpoint}                    histogram of their durations
    clothes_classifier_received_bytes_total                         bytes of their bodies
    clothes_classifier_images_total{label, known}                   images that were classified
    clothes_classifier_rejected_images_total{reason}                images that could not be classified
    clothes_classifier_info{version, model_version}                 always 1

No label has a value that a client can choose freely. prometheus_client is not part of the Lambda package.
"""

import os
from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import Response

from handler import __version__
from handler.contract import Classification
from handler.telemetry.reports import RequestReport

_SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"  # of several processes; prometheus_client reads it, too
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_ENDPOINTS: Final = frozenset(
    {
        *("about", "classify", "corrections", "docs", "health", "healthz", "huggingface", "labels", "metrics"),
        *("model", "openapi.json", "readyz", "results", "static", "swagger", "uploads", "v1", "v2"),
    }
)
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)


class PrometheusMetrics:
    """Records requests, and serves the metrics. Create one in each process."""

    def __init__(self, model_version: str) -> None:
        self._is_shared = _SHARED_FOLDER in os.environ
        self._registry = registry = CollectorRegistry()
        if not self._is_shared:  # several processes have no common memory or files to report
            ProcessCollector(registry=registry)
            PlatformCollector(registry=registry)
        prefix = "clothes_classifier"
        self._requests = Counter(f"{prefix}_requests", "Requests.", ("method", "endpoint", "status"), registry=registry)
        self._seconds = Histogram(
            f"{prefix}_request_seconds", "Durations of requests.", ("endpoint",), buckets=_SECONDS, registry=registry
        )
        self._bytes = Counter(f"{prefix}_received_bytes", "Bytes of the bodies of requests.", registry=registry)
        self._images = Counter(
            f"{prefix}_images", "Images that were classified.", ("label", "known"), registry=registry
        )
        self._rejected = Counter(
            f"{prefix}_rejected_images", "Images that could not be classified.", ("reason",), registry=registry
        )
        # Finding a counter by its labels takes as long as counting; no label has many values.
        self._requests_of, self._seconds_of = cache(self._requests.labels), cache(self._seconds.labels)
        self._images_of = cache(self._images.labels)
        info = Gauge(
            f"{prefix}_info", "Versions.", ("version", "model_version"), registry=registry, multiprocess_mode="max"
        )
        info.labels(__version__, model_version).set(1)

    def record(self, report: RequestReport) -> None:
        """Count one finished request, and its images."""
        method = report.method if report.method in _METHODS else "other"
        endpoint = _endpoint(report.path.removeprefix(report.root_path))
        self._requests_of(method, endpoint, str(report.status)).inc()
        self._seconds_of(endpoint).observe(report.seconds)
        self._bytes.inc(report.bytes_in)
        for outcome in report.outcomes:
            if isinstance(outcome, Classification):
                label = outcome.predictions[0].label
                self._images_of(label, "true" if outcome.known else "false").inc()
            else:
                self._rejected.labels(outcome.title).inc()

    async def respond(self, request: Request) -> Response:
        """The metrics in Prometheus' text format, or in OpenMetrics' if the client asks for that."""
        registry = self._registry
        if self._is_shared:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type, "cache-control": "no-store"})


def _endpoint(path: str) -> str:
    """The first part of `path`; "other" for what this service does not have."""
    first = path.split("/")[1] if "/" in path else ""
    return f"/{first}" if first in _ENDPOINTS or path == "/" else "other"
