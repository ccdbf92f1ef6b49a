"""Command line: `clothes-classifier classify` for files, `serve` for HTTP on this machine.

`python -m handler` is the same, without an installation.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Final

from handler import __version__
from handler.bounded_int import bounded_int
from handler.cli.classify import ClassifyOptions, classify_all
from handler.cli.inputs import find_inputs
from handler.cli.interruption import INTERRUPTED, exit_on_interrupt
from handler.contract import Classification
from handler.settings import Settings

_COMMAND: Final = "clothes-classifier"
_MAX_JOBS: Final = 256
_REMOTE_JOBS: Final = 8
_MAX_PORT: Final = 65_535


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0, 1 if a file failed, 2 if it cannot start, 128 + signal number."""
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.from_environment()
    except ValueError as error:
        return _print_error(str(error), status=2)
    if options.command == "serve":
        return _serve(options.host, options.port, options.root_path)
    return _classify(options, settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_program(), description="Classify images of clothes, or serve the HTTP API.")
    parser.add_argument("--version", action="version", version=f"{_COMMAND} {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_classify_arguments(
        commands.add_parser(
            "classify",
            help="classify image files",
            description="Classify image files. A file that fails does not stop the others.",
            epilog="The exit status is 1 if any file failed, 2 if the command cannot start, 130 after Ctrl-C."
            " If the environment variable CLASSIFIER_API_KEY is set, it is sent to the endpoint as x-api-key.",
        )
    )
    _add_serve_arguments(
        commands.add_parser("serve", help="serve the HTTP API", description="Serve the HTTP API until Ctrl-C.")
    )
    return parser


def _program() -> str:
    return "python -m handler" if Path(sys.argv[0]).name == "__main__.py" else _COMMAND


def _add_classify_arguments(classify: argparse.ArgumentParser) -> None:
    classify.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="an image file, a folder (searched recursively for image files), or - for standard input",
    )
    classify.add_argument("--json", action="store_true", help="print one JSON object per line instead of a table")
    classify.add_argument(
        "--top-k",
        type=int,
        choices=range(1, 11),
        default=1,
        metavar="N",
        help="number of classes to print for each image, 1 to 10 (default: 1)",
    )
    classify.add_argument(
        "--endpoint", metavar="URL", help="send the files to this server (default: classify them in this process)"
    )
    classify.add_argument(
        "--jobs",
        type=_jobs,
        metavar="N",
        help=f"number of files to classify at once (default: the number of processors; {_REMOTE_JOBS} with --endpoint)",
    )


def _jobs(text: str) -> int:
    jobs = bounded_int(text, 1, _MAX_JOBS)
    if jobs is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {_MAX_JOBS}")
    return jobs


def port_number(text: str) -> int:
    """A TCP port, for argparse."""
    port = bounded_int(text, 1, _MAX_PORT)
    if port is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, a whole number from 1 to {_MAX_PORT}")
    return port


def _add_serve_arguments(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument(
        "--port",
        type=port_number,
        default=os.environ.get("PORT") or "8000",
        help="port to listen on (default: the environment variable PORT, else 8000)",
    )
    serve.add_argument(
        "--root-path", default="", metavar="/PATH", help="public path prefix, if a proxy strips it from requests"
    )


def _serve(host: str, port: int, root_path: str) -> int:
    try:
        import uvicorn  # noqa: F401, PLC0415  not installed on Lambda, nor needed by `classify`
    except ModuleNotFoundError:
        return _print_error("`serve` needs uvicorn, which is not installed: pip install uvicorn", status=2)
    from handler.serving.server import Server, listen, server_config  # noqa: PLC0415  it imports uvicorn

    try:
        sockets = listen(host, port)
    except UnicodeError:
        return _print_error(f"cannot listen at {host!r}: not a host name", status=2)
    except OSError as error:
        reason, *_ = str(error.strerror).split(" (")  # Python adds the address, in parentheses
        return _print_error(f"cannot listen at {host!r}, port {port}: {reason}", status=2)
    from handler.http_entry import app  # noqa: PLC0415  it loads the model and the web framework

    with suppress(KeyboardInterrupt):  # Ctrl-C, which uvicorn raises again after its shutdown
        Server(server_config(app, root_path)).run(sockets)
    return 0


def _classify(options: argparse.Namespace, settings: Settings) -> int:
    exit_on_interrupt()
    jobs = options.jobs or (os.cpu_count() or 1 if options.endpoint is None else _REMOTE_JOBS)
    try:
        if options.endpoint is None:
            classify = _classify_here(options.top_k, settings)
        else:
            classify = _classify_at(options.endpoint, options.top_k, jobs)
    except ValueError as error:
        return _print_error(str(error), status=2)
    return classify_all(
        find_inputs(options.paths), ClassifyOptions(classify, jobs, settings.max_body_bytes, options.json)
    )


def _classify_here(top_k: int, settings: Settings) -> Callable[[bytes], Classification]:
    from handler.inference.classifier import Classifier  # noqa: PLC0415  --endpoint needs no model
    from handler.inference.pipeline import classify  # noqa: PLC0415

    classifier = Classifier.shipped(settings.known_threshold)
    return lambda image: classify(classifier, image, settings.max_pixels, top_k)


def _classify_at(url: str, top_k: int, jobs: int) -> Callable[[bytes], Classification]:
    from handler.cli.endpoint import API_KEY_VARIABLE, Endpoint  # noqa: PLC0415  it imports urllib3

    endpoint = Endpoint(url, os.environ.get(API_KEY_VARIABLE, ""), connections=jobs)
    return lambda image: endpoint.classify(image, top_k)


def _print_error(message: str, status: int) -> int:
    print(message, file=sys.stderr, flush=True)
    return status


def run() -> None:
    """Entry point of the command `clothes-classifier`: run it and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a path may hold bytes that are not valid text
    try:
        status = main()
    except KeyboardInterrupt:
        status = _print_error("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe; Python would print another error at exit.
        os._exit(1)
    if status >= INTERRUPTED:
        os._exit(status)  # do not wait for threads with requests in flight; all output is flushed
    sys.exit(status)


if __name__ == "__main__":
    run()
