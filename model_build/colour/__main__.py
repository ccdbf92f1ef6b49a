"""Command line: `python -m model_build.colour RUN_DIR` builds the colour network; an interrupted run resumes."""

import logging
from pathlib import Path
from typing import Annotated

import torch
import typer

from model_build.colour.build import build


def main(run_dir: Annotated[Path, typer.Argument(help="Folder of the run, such as runs/colour.")]) -> None:
    """Build the colour network, RUN_DIR/colour.onnx; an interrupted run resumes."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)  # a second thread waits at each of many small operators
    run_dir.mkdir(parents=True, exist_ok=True)
    typer.echo(f"wrote {build(run_dir)}")


if __name__ == "__main__":
    typer.run(main)
