"""Run a network of your own classes without training it: pooled features and logits of images."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_build.own_classes.examples import Part
from model_build.own_classes.network import OwnNetwork, normalized
from model_build.progress import track

INFERENCE_BATCH: Final = 64


def logits_of(network: OwnNetwork, batches: Iterator[NDArray[np.uint8]]) -> Tensor:
    """(N, K), averaged over the views of each image (N, views, channels, side, side)."""
    network.eval()
    return torch.cat([_over_views(network, batch) for batch in batches])


def features_of(network: OwnNetwork, batches: Iterator[NDArray[np.uint8]]) -> Tensor:
    """Pooled features (N, width), averaged over the views of each image (N, views, channels, side, side)."""
    network.eval()
    return torch.cat([_over_views(network.pooled, batch) for batch in batches])


def pooled_features(network: OwnNetwork, part: Part, *, mirror: bool) -> tuple[Tensor, Tensor]:
    """Pooled features (N, width) and classes (N,), with those of the mirror images behind."""
    network.eval()
    parts = []
    for batch in track(list(part.batches(INFERENCE_BATCH)), "features of the images"):
        images = normalized(torch.from_numpy(batch[:, 0])).contiguous(memory_format=torch.channels_last)
        with torch.no_grad(), pick_precision():
            both = [network.pooled(images), *([network.pooled(images.flip(-1))] if mirror else [])]
        parts.append(torch.stack(both).float())
    features = torch.cat(parts, dim=1)
    return features.flatten(0, 1), part.targets.repeat(len(features))


def pick_precision() -> torch.autocast:
    """bfloat16 where the processor has it: about twice as fast there, and far slower elsewhere."""
    fast = bool(torch.cpu.get_capabilities().get("avx512_bf16"))
    return torch.autocast("cpu", torch.bfloat16, enabled=fast)


def _over_views(output_of: Callable[[Tensor], Tensor], batch: NDArray[np.uint8]) -> Tensor:
    views = torch.from_numpy(np.ascontiguousarray(batch)).flatten(0, 1)
    with torch.inference_mode(), pick_precision():
        images = normalized(views).contiguous(memory_format=torch.channels_last)
        output = output_of(images).float()
    mean: Tensor = output.unflatten(0, batch.shape[:2]).mean(dim=1)
    return mean
