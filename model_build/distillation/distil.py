"""Distil a network: train the teachers that are missing, then the student of a run; resumes where it stopped."""

import logging
import math
from pathlib import Path

from model_build.datasets.packed import unpack
from model_build.distillation.examples import load_distillation_set
from model_build.distillation.recipe import Distillation
from model_build.distillation.student import train_student
from model_build.distillation.teachers import TEACHERS_DIR, load_teachers, train_teachers

log = logging.getLogger(__name__)


def distil(run_dir: Path, distillation: Distillation, *, seconds: float = math.inf, packed: Path | None = None) -> bool:
    """Write the student's weights into `run_dir`, and the teachers' below it; True once all epochs are done.

    A student that starts from a run has that run's teachers. Stops at the end of an epoch of the student after
    `seconds`. `packed` is a file of `pack`, where the datasets themselves are not at hand.
    Raises RunError if the run to start from lacks a teacher.
    """
    training_set = unpack(packed) if packed else load_distillation_set(distillation.config)
    folder = (distillation.start or run_dir) / TEACHERS_DIR
    if distillation.start is None:
        train_teachers(folder, distillation, training_set.dataset, training_set.validation)
    done = train_student(run_dir, distillation, training_set, load_teachers(folder, distillation), seconds)
    log.info("done" if done else "stopped after an epoch; the same command goes on")
    return done
