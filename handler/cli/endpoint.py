"""HTTP client of this API's `POST /classify`, with retries, a proxy and an API key."""

import ssl
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import urllib3
from pydantic import BaseModel, TypeAdapter, ValidationError
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    SSLError,
)
from urllib3.util import Retry, Url, parse_url

from handler.cli.errors import Unusable
from handler.cli.retries import RETRIED_STATUSES, THROTTLED, first_contact, impatient, patient
from handler.contract import Classification

API_KEY_VARIABLE: Final = "CLASSIFIER_API_KEY"
_EXAMPLE: Final = "https://abc.execute-api.eu-central-1.amazonaws.com/Prod"
_TIMEOUT: Final = urllib3.Timeout(connect=10, read=60)  # seconds; a gateway gives up after 30

_CLASSIFICATION: Final = TypeAdapter(Classification)

# The endpoint accepts no connection, so it will accept none for the other files.
_DOWN: Final = (NewConnectionError, ConnectTimeoutError, SSLError, ProxyError)
# The address or the key is wrong, for every file.
_WRONG_FOR_ALL: Final = frozenset({301, 302, 303, 307, 308, 401, 403, 404, 405})
# Pages of this API, whose address people copy.
_PAGES: Final = frozenset(
    {
        *("about", "batch", "classify", "corrections", "docs", "health", "healthz", "labels", "model"),
        *("openapi.json", "readyz", "uploads", "v2"),
    }
)


class EndpointFailure(OSError):
    """The endpoint did not return a classification; ``str(error)`` says why."""


class EndpointUnusable(EndpointFailure, Unusable):
    """The endpoint will not return one for any other image, either."""


class Endpoint:
    """Client of the endpoint at `url`, which may have a path, such as that of a stage; thread-safe.

    Raises ValueError if `url` is not a valid URL, or if `api_key` would be sent unencrypted.
    """

    def __init__(self, url: str, api_key: str, connections: int, first_pause_seconds: float = 0.5) -> None:
        self._url = _checked_url(url)
        self._pool = _pool(self._url, _headers(self._url, api_key), connections)
        self._first_contact = first_contact(first_pause_seconds)
        self._patient, self._impatient = patient(first_pause_seconds), impatient(first_pause_seconds)
        self._was_reached = False
        self._is_available = True  # as of the latest request

    def classify(self, image: bytes, top_k: int) -> Classification:
        """POST the image, with retries while the endpoint is busy. Raises EndpointFailure or EndpointUnusable."""
        address = self._url._replace(path=f"{self._url.path}/classify", query=f"top_k={top_k}").url
        try:
            # A redirected POST would become a GET, and send the key to another host.
            response = self._pool.request("POST", address, body=image, retries=self._retries(), redirect=False)
        except HTTPError as error:
            self._is_available = False
            failure = EndpointUnusable if isinstance(_reason(error), _DOWN) else EndpointFailure
            raise failure(f"the endpoint {self._url} cannot be reached: {_cause(error)}") from error
        self._was_reached = True
        self._is_available = response.status == THROTTLED or response.status not in RETRIED_STATUSES
        if response.status == HTTPStatus.OK:
            return self._classification(response.data)
        if response.status in _WRONG_FOR_ALL:
            raise EndpointUnusable(_error_message(response) + self._suggestion())
        raise EndpointFailure(_error_message(response))

    def _retries(self) -> Retry:
        if not self._is_available:
            return self._impatient
        return self._patient if self._was_reached else self._first_contact

    def _classification(self, body: bytes) -> Classification:
        try:
            classification = _CLASSIFICATION.validate_json(body, strict=True)
        except ValidationError as error:
            suggestion = self._suggestion() or "; check the endpoint's address"
            raise EndpointUnusable(f"the response is not a classification{suggestion}") from error
        if not classification.predictions:
            raise EndpointUnusable("the response contains no class")
        return classification

    def _suggestion(self) -> str:
        """The base address, if this one is that of a page below it."""
        segments = (self._url.path or "").split("/")
        pages = [i for i, segment in enumerate(segments) if segment in _PAGES]
        if not pages:
            return ""
        base = self._url._replace(path="/".join(segments[: pages[0]]))
        return f"; the address should be that of the server, perhaps {base}"


def _checked_url(text: str) -> Url:
    try:
        url = parse_url(text)
        (url.host or "").encode("idna")
    except (LocationParseError, UnicodeError) as error:
        raise ValueError(f"the endpoint's address is not a valid URL; an example is {_EXAMPLE}") from error
    if url.auth:
        raise ValueError("the endpoint's address must not contain a user name or a password")
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(
            f"the endpoint's address must begin with https:// or http:// and a host, for example {_EXAMPLE}"
        )
    if url.query is not None or url.fragment is not None:
        raise ValueError("the endpoint's address must not contain ? or #")
    return url._replace(path=(url.path or "").rstrip("/"))


def _headers(url: Url, api_key: str) -> dict[str, str]:
    headers = {"accept": "application/json", "content-type": "application/octet-stream"}
    key = api_key.strip()
    if not key:
        return headers
    if not (key.isascii() and key.isprintable()):
        raise ValueError(f"{API_KEY_VARIABLE} contains characters that are not printable ASCII")
    if url.scheme == "http" and not _is_loopback(url):
        raise ValueError(f"{API_KEY_VARIABLE} is set, but http:// would send the key unencrypted: use https://")
    return {**headers, "x-api-key": key}


def _is_loopback(url: Url) -> bool:
    host = (url.host or "").strip("[]")
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _pool(url: Url, headers: dict[str, str], connections: int) -> urllib3.PoolManager:
    settings: dict[str, Any] = {"headers": headers, "maxsize": connections, "timeout": _TIMEOUT}
    if url.scheme == "https":
        settings["ssl_context"] = ssl.create_default_context()  # it reads SSL_CERT_FILE
    proxy = None if _is_loopback(url) or proxy_bypass(str(url.netloc)) else getproxies().get(str(url.scheme))
    try:
        return urllib3.ProxyManager(proxy, **settings) if proxy else urllib3.PoolManager(**settings)
    except HTTPError as error:
        raise ValueError(f"the proxy for {url.scheme} in the environment is not a valid URL") from error


def _reason(error: HTTPError) -> Exception:
    return error.reason if isinstance(error, MaxRetryError) and error.reason else error


def _cause(error: HTTPError) -> str:
    """The message of the innermost error; urllib3 wraps several."""
    reason = _reason(error)
    innermost = reason.args[-1] if isinstance(reason, ProtocolError) else reason.__cause__ or reason.__context__
    if isinstance(innermost, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({innermost.verify_message}); SSL_CERT_FILE can name another authority"
    return str(getattr(innermost, "strerror", None) or innermost or reason)


class _ErrorText(BaseModel):
    """The error text of a response: `detail` from this API, `message` from API Gateway."""

    detail: str = ""
    message: str = ""


def _error_message(response: urllib3.BaseHTTPResponse) -> str:
    try:
        text = _ErrorText.model_validate_json(response.data)
    except ValidationError:
        text = _ErrorText()
    if text.detail and 400 <= response.status < 500 and response.status != THROTTLED:
        return text.detail  # the same sentence as without an endpoint
    location = response.headers.get("location")
    reason = text.detail or text.message or (f"to {location}" if location else "")
    status = f"{response.status} {response.reason or ''}".rstrip()
    return f"the endpoint returned {status}" + (f": {reason}" if reason else "")
