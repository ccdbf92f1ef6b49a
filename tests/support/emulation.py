"""Emulated AWS in a subprocess, on an inherited socket: `python -m tests.support.emulation DESCRIPTOR`."""

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
    """Start an emulated AWS with its own state, and yield its port. It listens on all addresses, for containers.

    It is a separate process, so that it does not compete with the tests for the interpreter lock.
    """
    with socket.create_server(("0.0.0.0", 0)) as listener:
        command = [sys.executable, "-m", "tests.support.emulation", str(listener.fileno())]
        with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, pass_fds=[listener.fileno()]) as process:
            try:
                yield listener.getsockname()[1]
            finally:
                process.terminate()


def main() -> None:
    """Serve until terminated, or until the parent process closes stdin."""
    from tests.support.patched_moto import patch_moto  # noqa: PLC0415  only this process needs moto's Step Functions

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
    patch_moto()
    with socket.socket(fileno=int(sys.argv[1])) as listener, emulation.emulated_aws(listener) as port:
        # For the state machines, which are clients of this server.
        os.environ.update(CREDENTIALS, MOTO_PORT=str(port), AWS_MAX_ATTEMPTS="10")
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
