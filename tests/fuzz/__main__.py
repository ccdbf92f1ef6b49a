"""Fuzz all targets, each in a process of its own: `python -m tests.fuzz [--seconds N] [TARGET ...]`.

What fails a target is written to build/fuzz/crashes/; `python -m tests.fuzz --reproduce TARGET FILE` runs it again.
"""

import argparse
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tests.support.machine import PROJECT

FOLDER: Final = PROJECT / "build" / "fuzz"
NAMES: Final = ("decode", "read_header", "requests", "worker_events", "lambda_events")
_LIMITS: Final = ("-timeout=60", "-report_slow_units=60", "-rss_limit_mb=2048", "-max_len=20000")  # seconds, MiB, bytes


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=180, help="for all targets together")
    parser.add_argument("--reproduce", nargs=2, metavar=("TARGET", "FILE"))
    parser.add_argument("target", nargs="*", choices=[*NAMES, []], help="all if none is named")
    arguments = parser.parse_args()
    if arguments.reproduce:
        return _reproduce(*arguments.reproduce)
    if find_spec("atheris") is None:
        print("Nothing is fuzzed: atheris, which guides it, is not installed. It has wheels for Linux only.")
        return 0
    names = arguments.target or NAMES
    failed = [name for name in names if not _fuzz(name, max(1, arguments.seconds // len(names)))]
    print(
        f"failed: {', '.join(failed)}; see {FOLDER / 'crashes'}" if failed else f"nothing found in {', '.join(names)}"
    )
    return len(failed)


def _fuzz(name: str, seconds: int) -> bool:
    from tests.fuzz.seeds import seeds  # noqa: PLC0415  loads the model

    print(f"\n{name}: {seconds} s", flush=True)
    corpus, crashes = FOLDER / "corpus" / name, FOLDER / "crashes"
    for folder in (corpus, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()[name]):
        (corpus / f"seed-{number}").write_bytes(seed)
    command = [sys.executable, "-m", "tests.fuzz.guided", name, str(corpus), f"-artifact_prefix={crashes / name}-"]
    ended = subprocess.run([*command, f"-max_total_time={seconds}", *_LIMITS], cwd=PROJECT, check=False)
    return ended.returncode == 0


def _reproduce(name: str, path: str) -> int:
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415  loads the model

    TARGETS[name](Path(path).read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
