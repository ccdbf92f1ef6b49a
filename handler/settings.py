"""What the environment decides, read once and checked at start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Limits on what is accepted, and where results go."""

    max_body_bytes: int = 20_000_000
    max_pixels: int = 50_000_000
    results_bucket: str = ""
    s3_endpoint_url: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """The settings that `environment` asks for. Raises ValueError that names a wrong variable."""
        return cls(
            max_body_bytes=_positive(environment, "MAX_BODY_BYTES", cls.max_body_bytes),
            max_pixels=_positive(environment, "MAX_PIXELS", cls.max_pixels),
            results_bucket=environment.get("RESULTS_BUCKET", cls.results_bucket),
            s3_endpoint_url=environment.get("S3_ENDPOINT_URL") or None,
        )


def _positive(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "")
    if not text:
        return default
    if not (text.isdecimal() and int(text) > 0):
        raise ValueError(f"{name} must be a whole number above 0, but is {text!r}")
    return int(text)
