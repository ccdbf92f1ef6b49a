"""The app as uvicorn serves it, for each worker process: with log lines, `/metrics`, and a bound on free memory."""

import ctypes
import platform
from typing import Final

from handler import http_entry
from handler.http_entry import app
from handler.serving.access_log import write_line
from handler.telemetry.reports import log_request

__all__ = ["app"]

_ARENA_MAX: Final = -8  # mallopt(3): M_ARENA_MAX
_ARENAS: Final = 2


def _bound_free_memory() -> None:
    """Let all threads share two pools of free memory: of its own, each would keep what large images took."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS)


def _add_metrics() -> None:
    try:
        from handler.serving.metrics import PrometheusMetrics  # noqa: PLC0415  prometheus_client is optional
    except ModuleNotFoundError:
        return
    metrics = PrometheusMetrics(http_entry.model_version)
    http_entry.reporters.append(metrics.record)
    app.add_route("/metrics", metrics.respond, methods=["GET"])


def _log_lines() -> None:
    """Write lines for people, where Lambda has JSON."""
    http_entry.reporters[http_entry.reporters.index(log_request)] = write_line


_bound_free_memory()
_log_lines()
_add_metrics()
