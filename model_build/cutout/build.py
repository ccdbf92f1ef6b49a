"""Build the learned cut-out: compose pictures, train on them in two processes, export to int8, evaluate."""

import json
import logging
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Final

import torch
from torch import distributed, multiprocessing

from handler.inference.cutout import CUTOUT_PATH, CutOut
from model_build.cutout.evaluate import evaluate
from model_build.cutout.examples import load_examples
from model_build.cutout.export import export
from model_build.cutout.network import CutOutNetwork
from model_build.cutout.train import WEIGHTS_FILE, CutOutConfig, train

_PROCESSES: Final = 2
_CALIBRATION: Final = 300  # composites that give the ranges of the activations
_METRICS_FILE: Final = "cutout.json"

log = logging.getLogger(__name__)


def build(run_dir: Path, config: CutOutConfig, target: Path = CUTOUT_PATH) -> None:
    """All stages; composites and training go on where an earlier call stopped. Writes `target` at the end."""
    run_dir.mkdir(parents=True, exist_ok=True)
    pictures = load_examples(config.composites, config.seed).images[:_CALIBRATION]
    if not (run_dir / WEIGHTS_FILE).exists():
        with tempfile.TemporaryDirectory() as folder:
            multiprocessing.spawn(_train, (run_dir, config, f"{folder}/rendezvous"), _PROCESSES)  # type: ignore[no-untyped-call,attr-defined]
    network = CutOutNetwork()
    network.load_state_dict(torch.load(run_dir / WEIGHTS_FILE, weights_only=True))
    file = run_dir / target.name
    export(network, pictures, file)
    scores = evaluate(CutOut(file))
    for kind, found in scores.items():
        log.info("%s: %s", kind, ", ".join(f"{name} {score}" for name, score in found.items()))
    metrics = {kind: {name: asdict(score) for name, score in found.items()} for kind, found in scores.items()}
    (run_dir / _METRICS_FILE).write_text(json.dumps({"configuration": asdict(config), "metrics": metrics}, indent=2))
    shutil.copyfile(file, target)


def _train(rank: int, run_dir: Path, config: CutOutConfig, rendezvous: str) -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)  # a second thread waits at each of many small operators
    distributed.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=_PROCESSES)
    train(load_examples(config.composites, config.seed), run_dir, config)
    distributed.destroy_process_group()
