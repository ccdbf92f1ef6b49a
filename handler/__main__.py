"""The command line: `python -m handler serve` for HTTP on this machine, `classify` for files."""

import argparse
import json
import os
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from io import TextIOWrapper
from pathlib import Path

from handler.classifier import Classifier
from handler.contract import Classification
from handler.errors import RejectedImage
from handler.images import model_pixels
from handler.settings import Settings


@dataclass(frozen=True)
class Row:
    """What became of one path: its classification, or the reason why there is none."""

    path: str
    outcome: Classification | str


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one sub-command; its exit status is 0 if all went well, 1 if a file failed, 2 if it cannot start."""
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.from_environment()
    except ValueError as error:
        return _complain(str(error), status=2)
    if options.command == "serve":
        return _serve(options.host, options.port)
    return _classify(options.paths, options.top_k, options.json, settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m handler", description="Say which piece of clothing a picture shows."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="serve HTTP on this machine", description="Serve HTTP until Ctrl-C.")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument(
        "--port",
        type=int,
        default=os.environ.get("PORT") or "8000",
        help="port to listen on (default: the variable PORT, else 8000)",
    )

    classify = commands.add_parser(
        "classify",
        help="classify image files",
        description="Classify image files, each by itself: a file that fails does not stop the others.",
        epilog="The exit status is 1 if any file failed.",
    )
    classify.add_argument("paths", nargs="+", metavar="PATH", help="an image file, or - for standard input")
    classify.add_argument("--json", action="store_true", help="write one JSON object a line instead of a table")
    classify.add_argument(
        "--top-k", type=int, choices=range(1, 11), default=1, metavar="N", help="classes to name, 1 to 10 (default: 1)"
    )
    return parser


def _serve(host: str, port: int) -> int:
    try:
        import uvicorn  # noqa: PLC0415  on Lambda, and for `classify`, there is none
    except ModuleNotFoundError:
        return _complain("serving needs uvicorn, which is not installed: pip install uvicorn", status=2)
    from handler.http_entry import app  # noqa: PLC0415  it loads all that serving needs

    uvicorn.run(app, host=host, port=port)
    return 0


def _classify(paths: list[str], top_k: int, as_json: bool, settings: Settings) -> int:
    classifier = Classifier.shipped()
    path_width = max(map(_width, ["PATH", *paths]))
    if not as_json:
        print(_table_line("PATH", "LABEL", "SCORE", "KNOWN", path_width))
    failed = False
    for path in paths:
        row = _row(classifier, path, top_k, settings.max_pixels)
        if isinstance(row.outcome, str):
            failed = True
            _complain(f"{path}: {row.outcome}")
        for line in _json_lines(row) if as_json else _table_lines(row, path_width):
            print(line, flush=True)
    return 1 if failed else 0


def _row(classifier: Classifier, path: str, top_k: int, max_pixels: int) -> Row:
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        (classification,) = classifier.classify(model_pixels(data, max_pixels), top_k)
    except OSError as error:
        return Row(path, error.strerror or str(error))
    except RejectedImage as error:
        return Row(path, str(error))
    return Row(path, classification)


def _json_lines(row: Row) -> Iterator[str]:
    if isinstance(row.outcome, str):
        yield json.dumps({"path": row.path, "error": row.outcome})
    else:
        yield json.dumps({"path": row.path, **asdict(row.outcome.predictions[0]), **asdict(row.outcome)})


def _table_lines(row: Row, path_width: int) -> Iterator[str]:
    if isinstance(row.outcome, Classification):
        known = "yes" if row.outcome.known else "no"
        for prediction in row.outcome.predictions:
            yield _table_line(row.path, prediction.label, f"{prediction.score:.3f}", known, path_width)


def _table_line(path: str, label: str, score: str, known: str, path_width: int) -> str:
    return f"{path}{' ' * (path_width - _width(path))}  {label:<11}  {score}  {known}"


def _width(text: str) -> int:
    # Chinese characters take two columns of a terminal.
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _complain(message: str, status: int = 1) -> int:
    print(message, file=sys.stderr, flush=True)
    return status


def _run() -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # the bytes of a path need not be text
    try:
        return main()
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; Python would complain about it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(_run())
