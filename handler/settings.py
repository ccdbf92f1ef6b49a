"""Configuration from environment variables, validated at start."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from handler.bounded_int import bounded_int

# They become part of the Content-Security-Policy: a host name or address, and a port.
_ORIGIN = re.compile(r"https?://(?:[\w-]+(?:\.[\w-]+)*|\[[0-9a-fA-F:.]{2,45}\])(?::(\d{1,5}))?", re.ASCII)
_HIGHEST_PORT: Final = 65_535
# S3's rules for general purpose buckets: docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
# Capitals, too: SAM CLI calls a bucket without a name by its logical ID, and buckets from before 2018 may have them.
_BUCKET = re.compile(
    r"(?!xn--|sthree-|amzn-s3-demo-|\d+\.\d+\.\d+\.\d+$)"
    r"[A-Za-z0-9](?!.*\.\.)[A-Za-z0-9.-]{1,61}[A-Za-z0-9]"
    r"(?<!-s3alias)(?<!--ol-s3)(?<!\.mrap)(?<!--x-s3)(?<!--table-s3)"
)
_BUS = re.compile(r"[\w./:-]{1,1600}", re.ASCII)  # a name or an ARN
_REGION = re.compile(r"[a-z0-9-]{1,63}", re.ASCII)  # it becomes part of a host name
CORRECTIONS_IN_S3: Final = "s3"
_LEVELS: Final = ("INFO", "WARNING", "ERROR")  # nothing is logged below INFO
_NAMESPACE = re.compile(r"(?!AWS/)[\w./#:-]{1,255}", re.ASCII)  # CloudWatch's own rule
_HIGHEST: Final = 10**18 - 1


@dataclass(frozen=True)
class Settings:
    """The model, limits, CORS, buckets, logs and metrics.

    Each field comes from the environment variable of the same name in capitals; an empty variable counts as unset.
    AWS_DEFAULT_REGION is used where AWS_REGION is not set.
    """

    model_dir: str = ""  # folder of the model, or of the run that published it; the package's own model if empty
    max_body_bytes: int = 20_000_000
    max_upload_bytes: int = 50_000_000  # of an image that is uploaded straight to S3
    max_pixels: int = 50_000_000
    max_batch_images: int = 64
    max_batch_pixels: int = 100_000_000  # of all images of one request; those beyond are to be sent again
    request_seconds: int = 20  # after which no further image of a request is begun; the gateway waits for 29
    docs: bool = True  # whether the API serves its documentation pages
    known_threshold: float | None = None  # lowest `known_score` of a known image; None: the model card's
    confident_threshold: float | None = None  # lowest score of a confident answer; None: the model card's
    cors_origins: tuple[str, ...] = ()  # origins whose pages may call this API; "*" for all
    uploads_bucket: str = ""
    results_bucket: str = ""
    corrections: str = ""  # where visitors' corrections are stored: "s3", or a local folder; they are off if empty
    downloads_at_once: int = 8
    max_bytes_in_flight: int = 64_000_000  # of downloaded objects that the worker holds at once
    tag_objects: bool = False  # whether a classified object gets the tags `label` and `score`
    event_bus: str = ""  # EventBridge bus for an event of each result; none if empty
    aws_region: str | None = None  # of the buckets
    s3_endpoint_url: str | None = None  # only for an emulated S3
    log_level: str = "INFO"
    metrics_namespace: str = ""  # of CloudWatch metrics; none are written if empty

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read and validate `environment`. Raises ValueError, which names the wrong variable."""
        given = {field.name: environment.get(field.name.upper(), "").strip() for field in fields(cls)}
        given["aws_region"] = given["aws_region"] or environment.get("AWS_DEFAULT_REGION", "").strip()
        settings = cls(**{name: _value(name, text) for name, text in given.items() if text})
        settings._check_corrections(on_lambda="AWS_LAMBDA_FUNCTION_NAME" in environment)
        return settings

    def _check_corrections(self, *, on_lambda: bool) -> None:
        if self.corrections == CORRECTIONS_IN_S3 and not self.results_bucket:
            raise ValueError("CORRECTIONS is 's3', so RESULTS_BUCKET must be set")
        if on_lambda and self.corrections not in ("", CORRECTIONS_IN_S3):
            raise ValueError(f"CORRECTIONS must be 's3' on Lambda, which keeps no files, but is {self.corrections!r}")


def _value(name: str, text: str) -> Any:
    return _READERS[name](name.upper(), text)


def _positive(variable: str, text: str) -> int:
    number = bounded_int(text, 1, _HIGHEST)
    if number is None:
        raise ValueError(f"{variable} must be a whole number above 0, but is {text!r}")
    return number


def _up_to(highest: int) -> Callable[[str, str], int]:
    def read(variable: str, text: str) -> int:
        number = bounded_int(text, 1, highest)
        if number is None:
            raise ValueError(f"{variable} must be a whole number from 1 to {highest}, but is {text!r}")
        return number

    return read


def _probability(variable: str, text: str) -> float:
    if not re.fullmatch(r"0?\.\d{1,15}|[01](\.0*)?", text):
        raise ValueError(f"{variable} must be a number from 0 to 1, but is {text!r}")
    return float(text)


def _origins(variable: str, text: str) -> tuple[str, ...]:
    origins = tuple(origin.strip() for origin in text.split(","))
    wrong = [origin for origin in origins if origin != "*" and not _is_origin(origin)]
    if wrong:
        raise ValueError(f"{variable} must be '*' or origins such as https://example.com, but has {wrong[0]!r}")
    return origins


def _on_or_off(variable: str, text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError(f"{variable} must be 'on' or 'off', but is {text!r}")
    return text == "on"


def _corrections(variable: str, text: str) -> str:
    if text == "off":
        return ""
    is_misspelt = text != CORRECTIONS_IN_S3 and text.lower() in ("on", "off", "s3")  # "OFF" is hardly a folder
    if is_misspelt or (Path(text).exists() and not Path(text).is_dir()):
        raise ValueError(f"{variable} must be 's3', 'off' or a folder, but is {text!r}")
    return text


def _is_origin(text: str) -> bool:
    found = _ORIGIN.fullmatch(text)
    return found is not None and 1 <= int(found[1] or 1) <= _HIGHEST_PORT


def _url(variable: str, text: str) -> str:
    if not _is_origin(text):
        raise ValueError(f"{variable} must be a URL such as http://127.0.0.1:5000, but is {text!r}")
    return text


def _matching(pattern: re.Pattern[str], description: str) -> Callable[[str, str], str]:
    def read(variable: str, text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(f"{variable} must be {description}, but is {text!r}")
        return text

    return read


def _level(variable: str, text: str) -> str:
    if text not in _LEVELS:
        raise ValueError(f"{variable} must be one of {', '.join(_LEVELS)}, but is {text!r}")
    return text


def _namespace(variable: str, text: str) -> str:
    if not _NAMESPACE.fullmatch(text):
        raise ValueError(f"{variable} must be 1 to 255 letters, digits or any of ._/#:- and not begin with AWS/")
    return text


_bucket = _matching(_BUCKET, "the name of an S3 bucket, such as my-images")

_READERS: Final[Mapping[str, Callable[[str, str], Any]]] = {
    "model_dir": lambda _, text: text,  # a wrong folder is refused when the model is loaded
    "max_body_bytes": _positive,
    "max_upload_bytes": _positive,
    "max_pixels": _positive,
    "max_batch_images": _positive,
    "max_batch_pixels": _positive,
    "request_seconds": _up_to(900),  # Lambda's own limit
    "docs": _on_or_off,
    "known_threshold": _probability,
    "confident_threshold": _probability,
    "cors_origins": _origins,
    "uploads_bucket": _bucket,
    "results_bucket": _bucket,
    "corrections": _corrections,
    "downloads_at_once": _up_to(1000),  # threads, and connections that the pool makes room for at once
    "max_bytes_in_flight": _positive,
    "tag_objects": _on_or_off,
    "event_bus": _matching(_BUS, "the name or the ARN of an EventBridge bus"),
    "aws_region": _matching(_REGION, "a region such as eu-central-1"),
    "s3_endpoint_url": _url,
    "log_level": _level,
    "metrics_namespace": _namespace,
}
