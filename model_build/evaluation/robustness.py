"""Accuracy under each corruption, and how often a corrupted photo gets a confident wrong answer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from handler.inference.decoding import decode
from handler.inference.vote import Vote
from model_build.evaluation.corruptions import CORRUPTIONS, SIDE, Source, corrupted, source
from model_build.evaluation.figures import Thresholds
from model_build.evaluation.outputs import MAX_PIXELS, Networks
from model_build.evaluation.pictures import Picture
from model_build.metrics import share_with_interval
from model_build.progress import track


def robustness(
    pictures: Sequence[Picture], networks: Networks, vote: Vote, thresholds: Thresholds
) -> Mapping[str, Mapping[str, Any]]:
    """For each corruption of `pictures` of the ten classes: shares right, known, confident, confident and wrong."""
    sources = _sources(pictures, networks)
    classes = np.array([picture.class_id for picture in pictures])
    rows = {}
    for name in track(CORRUPTIONS, "classifying corrupted photos"):
        output = networks.outputs(corrupted(name, each) for each in sources).voted(vote)
        right = output.probabilities.argmax(axis=1) == classes
        confident = thresholds.are_confident(output)
        rows[name] = {
            "right": share_with_interval(right),
            "known": round(float((output.known >= thresholds.known).mean()), 4),
            "confident": round(float(confident.mean()), 4),
            "confident_and_wrong": share_with_interval(confident & ~right),
        }
    return rows


def _sources(pictures: Sequence[Picture], networks: Networks) -> list[Source]:
    """Each picture with another one, which is of another class."""
    plain = [_source(picture, networks) for picture in pictures]
    sources = []
    for i, (picture, each) in enumerate(zip(pictures, plain, strict=True)):
        following = (*range(i + 1, len(pictures)), *range(i))
        other = next((j for j in following if pictures[j].class_id != picture.class_id), i)
        sources.append(replace(each, other=plain[other]))
    return sources


def _source(picture: Picture, networks: Networks) -> Source:
    photo = decode(picture.path.read_bytes(), MAX_PIXELS, SIDE)
    return source(photo, networks.cut_out.mask)
