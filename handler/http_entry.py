"""Entry for HTTP. Everything is built once, at import: `app` for uvicorn, `handler` for AWS Lambda."""

import base64
import gc
import io
import logging
import os
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any, Final

gc.disable()  # nothing that follows becomes garbage, and looking for it takes a tenth of a cold start

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from handler.api import problems
from handler.api.app import create_app
from handler.api.lambda_events import UndecodableBody, http_event
from handler.api.middleware.root_path import RootPath
from handler.inference.classifier import load_model
from handler.inference.pipeline import classify
from handler.lifecycle.cold_start import ColdStart
from handler.lifecycle.ping import is_ping
from handler.lifecycle.snapstart import before_snapshot
from handler.lifecycle.warm_up import small_image
from handler.settings import Settings
from handler.telemetry.metrics import Metrics
from handler.telemetry.reports import RequestReport, log_request

_settings = Settings.from_environment()
logging.getLogger("handler").setLevel(_settings.log_level)

_classifier, _card = load_model(_settings.model_dir, _settings.known_threshold, _settings.confident_threshold)
model_version: Final = _card.version
_metrics = Metrics(_settings.metrics_namespace, model_version)
_cold_start = ColdStart()
reporters: Final[list[Callable[[RequestReport], None]]] = [log_request, _metrics.record_request]  # `serve` adds one


def _report(report: RequestReport) -> None:
    for record in reporters:
        record(report)


app = create_app(
    _classifier,
    _card,
    _settings,
    _report,
    offload="AWS_LAMBDA_FUNCTION_NAME" not in os.environ,  # Lambda sends a process one request at a time
    cold_start=_cold_start,
)

# lifespan would run at each invocation; a type that is not listed as text is sent as base64.
_adapter = Mangum(
    UndecodableBody(RootPath(app)), lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, problems.MEDIA_TYPE]
)
_EMPTY: Final = {"statusCode": 200, "headers": {}, "body": "", "isBase64Encoded": False}


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Answer the HTTP request in an event of API Gateway, a Function URL or a load balancer.

    A warm-up ping gets an empty response. Raises UnsupportedEvent for any other event.
    """
    return _EMPTY if is_ping(event) else _adapter(http_event(event), context)


def _warm_up() -> None:
    """Send one image through everything, so that the first request finds it loaded; without logs and metrics."""
    event: Any = {
        "resource": "/{proxy+}",
        "path": "/classify",
        "httpMethod": "POST",
        "headers": {"Host": "localhost"},
        "multiValueHeaders": {"Host": ["localhost"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": "classify"},
        "requestContext": {"path": "/classify", "identity": {}},
        "body": base64.b64encode(small_image()).decode(),
        "isBase64Encoded": True,
    }
    logging.disable()
    with redirect_stdout(io.StringIO()):
        response = handler(event, None)  # the app does not use the context
    logging.disable(logging.NOTSET)
    if response["statusCode"] >= 500:
        classify(_classifier, small_image(), _settings.max_pixels, top_k=1)  # raises what the log does not have
    _cold_start.finish()


def _load_the_rest() -> None:
    """What only some requests need: where nobody waits for the start, it is loaded then."""
    import botocore.session  # noqa: F401, PLC0415  takes as long to import as all the rest

    app.load()


_warm_up()
before_snapshot(_load_the_rest)
if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "provisioned-concurrency":
    _load_the_rest()
gc.freeze()  # exempts everything so far from garbage collection
gc.enable()
