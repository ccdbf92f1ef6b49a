"""t-SNE map of the network's features: images that are similar to the network lie close together."""

import torch
from sklearn.manifold import TSNE
from torch import Tensor, nn

from model_build.checks import check_array, check_images
from model_build.datasets.mnist import Dataset, normalize
from model_build.training.network import INFERENCE_BATCH, Network


def pooled_features(network: Network, images: Tensor, dataset: Dataset) -> Tensor:
    """The input of the last layer of `network` for uint8 images (N, 28, 28): float32 (N, channels)."""
    check_images("images to embed", images)
    inputs_of_head: list[Tensor] = []

    def keep(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        inputs_of_head.append(inputs[0])

    hook = network.head.register_forward_pre_hook(keep)
    with hook, torch.inference_mode():
        for part in images.split(INFERENCE_BATCH):
            network(normalize(part, dataset))
    return torch.cat(inputs_of_head).clone()


def flat_map(features: Tensor, seed: int = 1) -> Tensor:
    """Points (N, 2) for features (N, channels), by t-SNE: neighbours stay neighbours.

    L. van der Maaten and G. Hinton, JMLR 9, 2008. A linear projection would put the classes on top of each other.
    """
    check_array("features", features, "float32", ("N", "channels"))
    perplexity = min(30, (len(features) - 1) / 3)
    mapping = TSNE(init="pca", perplexity=perplexity, random_state=seed)
    return torch.from_numpy(mapping.fit_transform(features.numpy()))
