"""The command line: `python -m handler serve` for HTTP on this machine, `classify` for files."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from typing import Final

from handler.cli.classify import Plan, classify_all
from handler.cli.inputs import sources_of
from handler.cli.interruption import INTERRUPTED, leave_at_once
from handler.contract import Classification
from handler.settings import Settings

_MAX_JOBS: Final = 256
_REMOTE_JOBS: Final = 8


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one sub-command; its exit status is 0 if all went well, 1 if a file failed, 2 if it cannot start."""
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.from_environment()
    except ValueError as error:
        return _complain(str(error), status=2)
    if options.command == "serve":
        return _serve(options.host, options.port, options.root_path)
    return _classify(options, settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m handler", description="Say which piece of clothing a picture shows."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_serve_arguments(
        commands.add_parser("serve", help="serve HTTP on this machine", description="Serve HTTP until Ctrl-C.")
    )
    _add_classify_arguments(
        commands.add_parser(
            "classify",
            help="classify image files",
            description="Classify image files, each by itself: a file that fails does not stop the others.",
            epilog="The exit status is 1 if any file failed, 2 if it cannot start, 130 after Ctrl-C. An endpoint that"
            " asks for a key gets the one in the environment variable CLASSIFIER_API_KEY.",
        )
    )
    return parser


def _add_serve_arguments(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument(
        "--port",
        type=int,
        default=os.environ.get("PORT") or "8000",
        help="port to listen on (default: the variable PORT, else 8000)",
    )
    serve.add_argument(
        "--root-path", default="", metavar="/PATH", help="where the public finds it, if a proxy cuts that path off"
    )


def _add_classify_arguments(classify: argparse.ArgumentParser) -> None:
    classify.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="an image file, a folder for all pictures in it and below it, or - for standard input",
    )
    classify.add_argument("--json", action="store_true", help="write one JSON object a line instead of a table")
    classify.add_argument(
        "--top-k", type=int, choices=range(1, 11), default=1, metavar="N", help="classes to name, 1 to 10 (default: 1)"
    )
    classify.add_argument(
        "--endpoint", metavar="URL", help="send the files to a deployed endpoint (default: classify them here)"
    )
    classify.add_argument(
        "--jobs",
        type=_jobs,
        metavar="N",
        help=f"files to work on at once (default: the number of processors; {_REMOTE_JOBS} with --endpoint)",
    )


def _jobs(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= _MAX_JOBS):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {_MAX_JOBS}")
    return int(text)


def _serve(host: str, port: int, root_path: str) -> int:
    try:
        import uvicorn  # noqa: PLC0415  on Lambda, and for `classify`, there is none
    except ModuleNotFoundError:
        return _complain("serving needs uvicorn, which is not installed: pip install uvicorn", status=2)
    from handler.http_entry import app  # noqa: PLC0415  it loads all that serving needs

    uvicorn.run(app, host=host, port=port, root_path=root_path)
    return 0


def _classify(options: argparse.Namespace, settings: Settings) -> int:
    leave_at_once()
    jobs = options.jobs or (os.cpu_count() or 1 if options.endpoint is None else _REMOTE_JOBS)
    try:
        if options.endpoint is None:
            classify = _by_shipped_model(options.top_k, settings)
        else:
            classify = _by_endpoint(options.endpoint, options.top_k, jobs)
    except ValueError as error:
        return _complain(str(error), status=2)
    return classify_all(sources_of(options.paths), Plan(classify, jobs, settings.max_body_bytes, options.json))


def _by_shipped_model(top_k: int, settings: Settings) -> Callable[[bytes], Classification]:
    from handler.inference.classifier import Classifier  # noqa: PLC0415  with --endpoint no model is loaded
    from handler.inference.decoding import views_of  # noqa: PLC0415

    classifier = Classifier.shipped(settings.known_threshold)
    return lambda image: classifier.classify([views_of(image, settings.max_pixels)], top_k)[0]


def _by_endpoint(url: str, top_k: int, jobs: int) -> Callable[[bytes], Classification]:
    from handler.cli.endpoint import API_KEY_VARIABLE, Endpoint  # noqa: PLC0415  without --endpoint no urllib3

    endpoint = Endpoint(url, os.environ.get(API_KEY_VARIABLE, ""), connections=jobs)
    return lambda image: endpoint.classify(image, top_k)


def _complain(message: str, status: int) -> int:
    print(message, file=sys.stderr, flush=True)
    return status


def _run() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # the bytes of a path need not be text
    try:
        status = main()
    except KeyboardInterrupt:
        status = _complain("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; Python would complain about it once more at exit.
        os._exit(1)
    if status >= INTERRUPTED:
        os._exit(status)  # threads may still wait for an answer; all output is flushed
    sys.exit(status)


if __name__ == "__main__":
    _run()
