"""An emulated AWS in a process of its own, on an inherited socket: `python -m tests.support.emulation DESCRIPTOR`."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from infra.emulation import aws as emulation
from infra.emulation.names import CREDENTIALS
from tests.support.machine import PROJECT


@contextmanager
def emulated_aws() -> Iterator[int]:
    """The port of an emulated AWS, which shares nothing with others; it listens on every address, for containers.

    It runs beside the tests: what sends, what works and what emulates would take the interpreter from each other.
    """
    with socket.create_server(("0.0.0.0", 0)) as listener:
        command = [sys.executable, "-m", "tests.support.emulation", str(listener.fileno())]
        with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, pass_fds=[listener.fileno()]) as process:
            try:
                yield listener.getsockname()[1]
            finally:
                process.terminate()


def main() -> None:
    """Serve until told to end, or until whoever started this is gone."""
    from tests.support.mended_moto import mend  # noqa: PLC0415  only this process needs moto's Step Functions

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
    mend()
    with socket.socket(fileno=int(sys.argv[1])) as listener, emulation.emulated_aws(listener) as port:
        # For the state machines, which are clients of what serves them.
        os.environ.update(CREDENTIALS, MOTO_PORT=str(port), AWS_MAX_ATTEMPTS="10")
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
