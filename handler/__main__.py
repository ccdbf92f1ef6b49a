"""Command line: `clothes-classifier classify` and `watch` for files, `serve` for HTTP on this machine.

`python -m handler` is the same, without an installation.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Final

from handler.cli.arguments import REMOTE_JOBS, completion_script, parser
from handler.cli.classify import CANNOT_RUN, ClassifyOptions, classify_all, watch
from handler.cli.display import Display
from handler.cli.errors import CannotWrite
from handler.cli.inputs import find_inputs
from handler.cli.interruption import INTERRUPTED, exit_on_interrupt
from handler.contract import Classification
from handler.errors import InvalidModel
from handler.settings import Settings

if TYPE_CHECKING:
    from handler.inference.classifier import Classifier

_ENDS_NORMALLY: Final = (0, 1)
_MODEL_VARIABLE: Final = "MODEL_DIR"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0, 1 if a file failed, 2 if it cannot run, 128 + signal number."""
    options = parser().parse_args(arguments)
    try:
        settings = Settings.from_environment()
    except ValueError as error:
        return _print_error(str(error))
    match options.command:
        case "serve":
            return _serve(options)
        case "completion":
            return _print_completion(options.shell)
        case _:
            return _classify(options, settings)


def _serve(options: argparse.Namespace) -> int:
    try:
        import httptools  # noqa: F401, PLC0415  not installed on Lambda, nor needed by `classify`
        import uvicorn  # noqa: F401, PLC0415  as above
    except ModuleNotFoundError as error:
        return _print_error(f"`serve` needs {error.name}, which is not installed: pip install uvicorn httptools")
    from handler.serving.serve import ServeOptions, serve  # noqa: PLC0415  it imports uvicorn
    from handler.serving.server import CannotListen  # noqa: PLC0415

    if options.model:
        os.environ[_MODEL_VARIABLE] = options.model  # the app reads it, perhaps in several processes
    try:
        if options.workers > 1:  # here, where one sentence can say what is wrong
            _load_model(Settings.from_environment())
        serve(ServeOptions(options.host, options.port, options.root_path, options.uds, options.workers))
    except (CannotListen, InvalidModel) as error:
        return _print_error(str(error))
    return 0


def _print_completion(shell: str) -> int:
    try:
        Display(0).print_result(completion_script(shell))
    except ModuleNotFoundError:
        return _print_error("`completion` needs shtab, which is not installed: pip install shtab")
    return 0


def _classify(options: argparse.Namespace, settings: Settings) -> int:
    exit_on_interrupt()
    settings = replace(settings, model_dir=options.model or settings.model_dir)
    jobs = options.jobs or (os.cpu_count() or 1 if options.endpoint is None else REMOTE_JOBS)
    try:
        if options.endpoint is None:
            classify = _classify_here(options.top_k, settings)
        else:
            classify = _classify_at(options.endpoint, options.top_k, jobs)
    except ValueError as error:
        return _print_error(str(error))
    how = ClassifyOptions(classify, jobs, settings.max_body_bytes, options.output, options.quiet, options.threshold)
    if options.command == "watch":
        return watch(options.folder, how, existing=options.existing)
    return classify_all(find_inputs(options.paths), how)


def _classify_here(top_k: int, settings: Settings) -> Callable[[bytes], Classification]:
    from handler.inference.pipeline import classify  # noqa: PLC0415  --endpoint needs no model

    classifier = _load_model(settings)
    if top_k > len(classifier.labels):
        raise ValueError(f"--top-k is {top_k}, but the model has {len(classifier.labels)} classes")
    return lambda image: classify(classifier, image, settings.max_pixels, top_k)


def _load_model(settings: Settings) -> "Classifier":
    from handler.inference.classifier import load_model  # noqa: PLC0415  --endpoint needs no model

    classifier, _ = load_model(settings.model_dir, settings.known_threshold, settings.confident_threshold)
    return classifier


def _classify_at(url: str, top_k: int, jobs: int) -> Callable[[bytes], Classification]:
    from handler.cli.endpoint import API_KEY_VARIABLE, Endpoint  # noqa: PLC0415  it imports urllib3

    endpoint = Endpoint(url, os.environ.get(API_KEY_VARIABLE, ""), connections=jobs)
    return lambda image: endpoint.classify(image, top_k)


def _print_error(message: str, status: int = CANNOT_RUN) -> int:
    with suppress(OSError):  # standard error takes no more; the exit status tells
        print(message, file=sys.stderr, flush=True)
    return status


def _replace_closed_streams() -> None:
    """What is written to a stream that the shell has closed (``2>&-``) is dropped: Python has None in its place."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  it stays open


def run() -> None:
    """Entry point of the command `clothes-classifier`: run it and exit."""
    _replace_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a path may hold bytes that are not valid text
    try:
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = _print_error("interrupted", INTERRUPTED)
    except CannotWrite as error:
        status = _print_error(str(error))
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe; Python would print another error at exit.
        os._exit(1)
    if status not in _ENDS_NORMALLY:
        os._exit(status)  # do not wait for threads with requests in flight; all output is flushed
    sys.exit(status)


if __name__ == "__main__":
    run()
