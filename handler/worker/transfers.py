"""End a download from another thread, when it is slow or nobody waits for it any more."""

import math
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

from handler.errors import OutOfTime
from handler.worker.s3_events import Upload

if TYPE_CHECKING:
    from botocore.response import StreamingBody


class Transfer:
    """The download of an upload: `seconds` for the response of S3, and as many for the body."""

    def __init__(self, upload: Upload, seconds: float) -> None:
        self.upload = upload
        self._seconds, self._deadline = seconds, math.inf
        self._body: StreamingBody | None = None
        self._is_cut, self._lock = False, threading.Lock()

    @property
    def is_late(self) -> bool:
        return monotonic() > self._deadline

    def start_clock(self) -> None:
        self._deadline = monotonic() + self._seconds

    def stop_clock(self) -> None:
        """Waiting for other downloads takes none of the seconds."""
        self._deadline = math.inf

    def read(self, body: "StreamingBody") -> bytes:
        """Read the whole `body`. Raises botocore's errors, and OutOfTime after `cut`."""
        with self._lock:
            if self._is_cut:
                raise OutOfTime("nobody waits for this download")
            self._body = body
        self.start_clock()
        try:
            return body.read()
        finally:
            with self._lock:
                self._body = None
            self.stop_clock()

    def cut(self) -> None:
        """End `read` at once, in whichever thread it waits. What waits for a response ends when that comes."""
        with self._lock:
            self._is_cut = True
            if self._body is not None:
                _shut_down(self._body)


def _shut_down(body: "StreamingBody") -> None:
    """Shut down the connection of `body`: closing it would leave its reader waiting."""
    any_body: Any = body
    try:
        any_body._raw_stream.shutdown()  # a private member: botocore has no other way to the connection
    except (AttributeError, OSError, RuntimeError, ValueError):
        return  # read already, or in memory
