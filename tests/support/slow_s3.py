"""An S3 that sends some objects slowly, or never answers for them; its connections are real ones."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

_PAUSE_SECONDS: Final = 0.02  # between two bytes


class SlowS3:
    """Counts the connections that its clients have closed."""

    def __init__(self, size: int) -> None:
        self.stopped, self.closed = threading.Event(), threading.Semaphore(0)
        slow = self

        class Slow(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if "silent" in self.path:
                    slow.stopped.wait()
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(size))
                self.send_header("ETag", '"slow"')
                self.send_header("Last-Modified", "Fri, 20 Nov 2026 08:15:30 GMT")
                self.end_headers()
                try:
                    while not slow.stopped.wait(_PAUSE_SECONDS):
                        self.wfile.write(b"x")
                except OSError:
                    slow.closed.release()

            def log_message(self, *_: Any) -> None:
                """Tests print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)


@contextmanager
def slow_s3(client: Any, size: int) -> Iterator[SlowS3]:
    """Objects of `client` with "slow" in their key have `size` bytes that trickle; those with "silent" never come."""
    slow, session = SlowS3(size), URLLib3Session()
    thread = threading.Thread(target=slow.server.serve_forever)

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        path = request.url.partition("?")[0].rpartition("/")[2]
        if "slow" not in path and "silent" not in path:
            return None
        request.url = f"http://127.0.0.1:{slow.server.server_port}/{path}"
        return session.send(request)

    client.meta.events.register_first("before-send.s3.GetObject", answer)
    thread.start()
    try:
        yield slow
    finally:
        client.meta.events.unregister("before-send.s3.GetObject", answer)
        slow.stopped.set()
        slow.server.shutdown()
        thread.join()
        slow.server.server_close()
