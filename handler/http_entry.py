"""The entry for HTTP: everything is built once, at import; `app` is for uvicorn, `handler` for AWS Lambda."""

import base64
import gc
import io
import logging
from contextlib import redirect_stdout
from typing import Any

gc.disable()  # of what follows nothing can be thrown away, and to look for it takes a tenth of a cold start

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from handler.api import problems
from handler.api.app import create_app
from handler.api.middleware.root_path import GatewayPaths
from handler.inference.classifier import Classifier, read_card
from handler.lifecycle.snapstart import before_snapshot
from handler.lifecycle.warm_up import small_photo
from handler.settings import Settings
from handler.telemetry.metrics import Metrics
from handler.telemetry.reports import RequestReport, log_request

_settings = Settings.from_environment()
logging.getLogger("handler").setLevel(_settings.log_level)

_card = read_card()
_metrics = Metrics(_settings.metrics_namespace, str(_card.document["version"]))


def _report(report: RequestReport) -> None:
    log_request(report)
    _metrics.of_request(report)


app = create_app(Classifier.shipped(_settings.known_threshold), _card, _settings, _report)

# lifespan would run at each invocation; a type that is not listed as text goes out as base64.
handler = Mangum(GatewayPaths(app), lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, problems.MEDIA_TYPE])


def _warm_up() -> None:
    """One photo through everything, so that the first request finds all loaded and made; it counts nowhere."""
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
        "body": base64.b64encode(small_photo()).decode(),
        "isBase64Encoded": True,
    }
    logging.disable()
    with redirect_stdout(io.StringIO()):
        handler(event, None)  # type: ignore[arg-type]  # nothing asks for the context
    logging.disable(logging.NOTSET)
    app.cold_start.end()


def _load_what_signs_tickets() -> None:
    import botocore.session  # noqa: F401, PLC0415  it takes as long to load as all the rest


_warm_up()
before_snapshot(_load_what_signs_tickets)
gc.freeze()  # all this stays, and need not be looked at again
gc.enable()
