"""Names of the emulated buckets, and credentials that clients of the emulation need."""

from typing import Final

REGION: Final = "us-east-1"
CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
UPLOADS: Final = "uploads"
RESULTS: Final = "results"
