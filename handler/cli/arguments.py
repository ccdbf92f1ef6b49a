"""Arguments of the command line, for argparse, and the shell completion that shtab makes from them."""

import argparse
import os
import sys
from pathlib import Path
from typing import Final

from handler import __version__
from handler.bounded_int import bounded_int

COMMAND: Final = "clothes-classifier"
SHELLS: Final = ("bash", "zsh", "fish", "tcsh")
REMOTE_JOBS: Final = 8
_MAX_JOBS: Final = 256
_MAX_WORKERS: Final = 64
_MAX_PORT: Final = 65_535
_MAX_TOP_K: Final = 10_000
_CLASSIFY_EPILOG: Final = (
    "The exit status is 1 if any file failed, 2 if the command cannot start or the endpoint is down, 130 after Ctrl-C."
    " If the environment variable CLASSIFIER_API_KEY is set, it is sent to the endpoint as x-api-key."
)
# What the shells offer for an argument: shtab's own words.
_FISH_PATHS: Final = "(__fish_complete_path (commandline -ct))"
_FILES: Final = {"bash": "_shtab_compgen_files", "zsh": "_files", "fish": _FISH_PATHS, "tcsh": "f"}
_FOLDERS: Final = {"bash": "_shtab_compgen_dirs", "zsh": "_files -/", "fish": _FISH_PATHS, "tcsh": "d"}


def parser() -> argparse.ArgumentParser:
    """The whole command line: `classify`, `watch`, `serve` and `completion`."""
    root = argparse.ArgumentParser(prog=_program(), description="Classify images, or serve the HTTP API.")
    _add_version(root)
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_classify(commands)
    _add_watch(commands)
    _add_serve(commands)
    _add_completion(commands)
    return root


def completion_script(shell: str) -> str:
    """What makes `shell` complete the command. Raises ModuleNotFoundError without shtab."""
    import shtab  # noqa: PLC0415  an optional dependency

    root = parser()
    root.prog = COMMAND
    return str(shtab.complete(root, shell))


def port_number(text: str) -> int:
    """A TCP port, for argparse."""
    port = bounded_int(text, 1, _MAX_PORT)
    if port is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, a whole number from 1 to {_MAX_PORT}")
    return port


def _program() -> str:
    return "python -m handler" if Path(sys.argv[0]).name == "__main__.py" else COMMAND


def _add_version(command: argparse.ArgumentParser) -> None:
    command.add_argument("--version", action="version", version=f"{COMMAND} {__version__}")


def _add_classify(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    classify = commands.add_parser(
        "classify",
        help="classify image files",
        description="Classify image files. A file that fails does not stop the others.",
        epilog=_CLASSIFY_EPILOG,
    )
    paths = classify.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="an image file, a folder (searched recursively for image files), or - for standard input",
    )
    paths.complete = _FILES  # type: ignore[attr-defined]  # shtab reads it
    _add_common(classify)


def _add_watch(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    watch = commands.add_parser(
        "watch",
        help="classify the image files that arrive in a folder",
        description="Classify each image file that arrives in a folder or below it, once it is complete; until Ctrl-C.",
    )
    folder = watch.add_argument("folder", metavar="FOLDER", help="the folder to watch")
    folder.complete = _FOLDERS  # type: ignore[attr-defined]  # shtab reads it
    watch.add_argument("--existing", action="store_true", help="begin with the files that are there already")
    _add_common(watch)


def _add_common(command: argparse.ArgumentParser) -> None:
    _add_version(command)
    form = command.add_mutually_exclusive_group()
    for name, text in (("json", "one JSON object per line"), ("csv", "CSV, a row for each class,")):
        form.add_argument(
            f"--{name}",
            action="store_const",
            dest="output",
            const=name,
            default="table",
            help=f"print {text} instead of a table",
        )
    command.add_argument("--quiet", action="store_true", help="print no summary and no progress bar")
    command.add_argument(
        "--top-k",
        type=lambda text: _whole_number(text, _MAX_TOP_K),
        default=1,
        metavar="N",
        help="number of classes to print for each image, at most those of the model (default: 1)",
    )
    command.add_argument(
        "--threshold",
        type=_score,
        metavar="SCORE",
        help="lowest score of a confident answer, 0 to 1 (default: the model card's, or the server's)",
    )
    where = command.add_mutually_exclusive_group()
    _add_model(where)
    where.add_argument(
        "--endpoint", metavar="URL", help="send the files to this server (default: classify them in this process)"
    )
    command.add_argument(
        "--jobs",
        type=lambda text: _whole_number(text, _MAX_JOBS),
        metavar="N",
        help=f"number of files to classify at once (default: the number of processors; {REMOTE_JOBS} with --endpoint)",
    )


def _add_model(command: "argparse.ArgumentParser | argparse._MutuallyExclusiveGroup") -> None:
    model = command.add_argument(
        "--model",
        metavar="FOLDER",
        help="folder of another model, or of its run (default: the variable MODEL_DIR, else the package's own model)",
    )
    model.complete = _FOLDERS  # type: ignore[attr-defined]  # shtab reads it


def _add_serve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    serve = commands.add_parser("serve", help="serve the HTTP API", description="Serve the HTTP API until Ctrl-C.")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument(
        "--port",
        type=port_number,
        default=os.environ.get("PORT") or "8000",
        help="port to listen on (default: the environment variable PORT, else 8000)",
    )
    _add_model(serve)
    serve.add_argument("--uds", metavar="PATH", help="listen on this Unix domain socket instead of a port")
    serve.add_argument(
        "--workers",
        type=lambda text: _whole_number(text, _MAX_WORKERS),
        default=1,
        metavar="N",
        help="number of processes that share the port (default: 1)",
    )
    serve.add_argument(
        "--root-path", default="", metavar="/PATH", help="public path prefix, if a proxy strips it from requests"
    )


def _add_completion(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    completion = commands.add_parser(
        "completion",
        help="print a script for shell completion",
        description=f'Print a script for shell completion, for example: eval "$({COMMAND} completion bash)"',
    )
    completion.add_argument("shell", choices=SHELLS, help="the shell to complete in")


def _score(text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        score = -1
    if not 0 <= score <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return score


def _whole_number(text: str, highest: int) -> int:
    number = bounded_int(text, 1, highest)
    if number is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {highest}")
    return number
