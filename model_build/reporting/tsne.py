"""Images in, a two-dimensional map out, on which images that look alike to the network lie close together."""

import torch
from sklearn.manifold import TSNE
from torch import Tensor, nn

from model_build.checks import check_array, check_images
from model_build.datasets.mnist import Dataset, normalize
from model_build.training.network import Network


def pooled_features(network: Network, images: Tensor, dataset: Dataset) -> Tensor:
    """What the last layer of `network` sees of uint8 images (N, 28, 28): float32 (N, channels)."""
    check_images("images to embed", images)
    seen: list[Tensor] = []

    def keep(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen.append(inputs[0])

    hook = network.head.register_forward_pre_hook(keep)
    with hook, torch.inference_mode():
        for part in images.split(1_000):
            network(normalize(part, dataset))
    return torch.cat(seen).clone()


def flat_map(features: Tensor, seed: int = 1) -> Tensor:
    """Points (N, 2) for features (N, channels): neighbours among the features become neighbours on the map.

    t-SNE (van der Maaten and Hinton, JMLR 9, 2008), since a linear projection lays the classes over each other.
    """
    check_array("features", features, "float32", ("N", "channels"))
    perplexity = min(30, (len(features) - 1) / 3)
    mapping = TSNE(init="pca", perplexity=perplexity, random_state=seed)
    return torch.from_numpy(mapping.fit_transform(features.numpy()))
