"""Command line: `python -m model_build.cutout RUN_DIR` builds the learned cut-out; an interrupted run resumes."""

import logging
from pathlib import Path

import typer

from model_build.cutout.build import build
from model_build.cutout.train import CutOutConfig


def main(run_dir: Path) -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    build(run_dir, CutOutConfig())


if __name__ == "__main__":
    typer.run(main)
