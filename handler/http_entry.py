"""The entry for HTTP: everything is built once, at import; `app` is for uvicorn, `handler` for AWS Lambda."""

import logging

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from handler import problems
from handler.api import create_app
from handler.classifier import Classifier, read_card
from handler.gateway_paths import GatewayPaths
from handler.metrics import Metrics
from handler.request_reports import RequestReport, log_request
from handler.settings import Settings

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
