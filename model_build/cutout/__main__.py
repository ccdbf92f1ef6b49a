"""Command line: `python -m model_build.cutout RUN_DIR` builds the learned cut-out; an interrupted run resumes."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from model_build.cutout.build import build
from model_build.cutout.train import CutOutConfig


def main(run_dir: Annotated[Path, typer.Argument(help="Folder of the run, such as runs/cutout.")]) -> None:
    """Build the learned cut-out and publish it into handler/model; an interrupted run resumes."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    build(run_dir, CutOutConfig())


if __name__ == "__main__":
    typer.run(main)
