"""Build the learned cut-out: compose pictures, train on them in two processes, export to int8, evaluate."""

import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch
from torch import distributed, multiprocessing

from handler.inference.classifier import CARD_PATH
from handler.inference.cutout import CUTOUT_PATH, CutOut
from model_build.cutout.evaluate import Score, evaluate
from model_build.cutout.examples import load_examples
from model_build.cutout.export import export
from model_build.cutout.network import CutOutNetwork
from model_build.cutout.train import WEIGHTS_FILE, CutOutConfig, train
from model_build.run_files import write_json

_PROCESSES: Final = 2
_CALIBRATION: Final = 300  # composites that give the ranges of the activations
_CARD_KEY: Final = "cut_out"

log = logging.getLogger(__name__)


def build(run_dir: Path, config: CutOutConfig, target: Path = CUTOUT_PATH, card: Path = CARD_PATH) -> None:
    """All stages, from where an earlier call stopped. Writes `target`, and its entry in `card`, at the end."""
    run_dir.mkdir(parents=True, exist_ok=True)
    pictures = load_examples(config.composites, config.seed).images[:_CALIBRATION]
    if not (run_dir / WEIGHTS_FILE).exists():
        with tempfile.TemporaryDirectory() as folder:
            multiprocessing.spawn(_train, (run_dir, config, f"{folder}/rendezvous"), _PROCESSES)  # type: ignore[no-untyped-call,attr-defined]
    network = CutOutNetwork()
    network.load_state_dict(torch.load(run_dir / WEIGHTS_FILE, weights_only=True))
    file = run_dir / target.name
    export(network, pictures, file)
    metrics = _metrics(evaluate(CutOut(file)))
    for kind, found in metrics.items():
        log.info("%s: %s", kind, found)
    shutil.copyfile(file, target)
    add_to_card(card, _entry(file, network, config, metrics))


def add_to_card(card: Path, entry: Mapping[str, Any]) -> None:
    """Name the cut-out in the model card at `card`, after the classifier's own file."""
    document = json.loads(card.read_text(encoding="utf-8"))
    ordered = {}
    for key, value in document.items():
        if key != _CARD_KEY:
            ordered[key] = value
        if key == "model":
            ordered[_CARD_KEY] = entry
    write_json(card, ordered)


def _metrics(scores: Mapping[str, Mapping[str, Score]]) -> Mapping[str, Mapping[str, Any]]:
    """By kind of picture: their number, and accuracies with 95 % margins."""
    return {
        kind: {
            "images": found["learned"].count,
            "accuracy": round(found["learned"].accuracy, 4),
            "margin": round(found["learned"].margin, 4),
            "accuracy_without_cut_out": round(found["classical"].accuracy, 4),
        }
        for kind, found in scores.items()
    }


def _entry(file: Path, network: CutOutNetwork, config: CutOutConfig, metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    content = file.read_bytes()
    return {
        "file": file.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "parameters": network.parameter_count,
        "input": "images: uint8 (N, 64, 64, 3), RGB, any photo squeezed to a square",
        "output": ["steps: uint8 (N, 1, 64, 64), 32 times the logit of the main garment, plus 128"],
        "metrics": metrics,
        "configuration": asdict(config),
    }


def _train(rank: int, run_dir: Path, config: CutOutConfig, rendezvous: str) -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)  # a second thread waits at each of many small operators
    distributed.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=_PROCESSES)
    train(load_examples(config.composites, config.seed), run_dir, config)
    distributed.destroy_process_group()
