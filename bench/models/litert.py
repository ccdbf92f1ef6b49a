"""Write the layers as a LiteRT file: float, or int8 with the weights, scales and zero points of the ONNX file.

Written operator by operator, because the converters from PyTorch and ONNX need older versions of both, and quantize
again. Images are (N, 28, 28, 1), in LiteRT's layout; the file has N = 1, and can be resized.
"""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from bench.models.layers import Convolution, Layers, Quantization
from bench.models.litert_file import LiteFile, Tensor
from handler.contract import IMAGE_SIDE


def litert_file(layers: Layers, *, int8: bool) -> bytes:
    """Return the file: uint8 pixels to probabilities, known and activation maps, averaged with the mirror image."""
    network = _Network(int8=int8)
    pixels = network.file.pixels((1, IMAGE_SIDE, IMAGE_SIDE, 1), layers.pixel)
    images = network.file.operator("DEQUANTIZE", [pixels], pixels.shape)
    features = network.features(network.with_mirrored(images), layers)
    return network.file.packed([pixels], [*network.outputs(features, layers), network.maps(features, layers)])


class _Network:
    """Parts of the network; each method adds operators to `file`."""

    def __init__(self, *, int8: bool) -> None:
        self.file = LiteFile()
        self._int8 = int8

    def with_mirrored(self, images: Tensor) -> Tensor:
        count, *shape = images.shape
        return self.file.operator("CONCATENATION", [images, self._mirrored(images)], (2 * count, *shape))

    def features(self, images: Tensor, layers: Layers) -> Tensor:
        """Return the features in float, also where the convolutions are int8."""
        values = self._convolution(images, layers.stem)  # in float, unlike in the ONNX file
        if self._int8:
            values = self.file.operator("QUANTIZE", [values], values.shape, layers.stem.output)
        for block in layers.blocks:
            terms = [
                self._convolution(self._convolution(values, block.first), block.second),
                self._convolution(values, block.shortcut) if block.shortcut else values,
            ]
            output, activation = block.output if self._int8 else None, _activation(block.output)
            values = self.file.operator("ADD", terms, terms[0].shape, output, fusedActivationFunction=activation)
        return self.file.operator("DEQUANTIZE", [values], values.shape) if self._int8 else values

    def outputs(self, features: Tensor, layers: Layers) -> tuple[Tensor, Tensor]:
        """Return probabilities and known of the mean of both images; up to the logits, all is linear."""
        file, (count, *_, channels) = self.file, features.shape
        pooled = file.operator("MEAN", [features, file.integers(1, 2)], (count, channels))
        mean = self._mean(*self._halves(pooled))
        logits = self._scaled(self._head(mean, layers, slice(None, -1)), 1 / layers.temperature)
        known = file.operator("LOGISTIC", [self._head(mean, layers, slice(-1, None))], (1, 1))
        probabilities = file.operator("SOFTMAX", [logits], logits.shape, beta=1.0)
        return probabilities, file.operator("RESHAPE", [known, file.integers(-1)], (1,))

    def _head(self, pooled: Tensor, layers: Layers, part: slice) -> Tensor:
        weights, bias = layers.head_weights[part], layers.head_bias[part]
        terms = [pooled, self.file.constant(weights), self.file.constant(bias)]
        return self.file.operator("FULLY_CONNECTED", terms, (1, len(bias)))

    def maps(self, features: Tensor, layers: Layers) -> Tensor:
        weights = layers.head_weights[:-1, None, None, :]
        kernel = [self.file.constant(weights), self.file.constant(np.zeros(len(weights), np.float32))]
        spoken = self._convolved([features, *kernel], 1, None)
        first, second = self._halves(spoken)
        mean = self._mean(first, self._mirrored(second))
        count, height, width, classes = mean.shape
        return self.file.operator("TRANSPOSE", [mean, self.file.integers(0, 3, 1, 2)], (count, classes, height, width))

    def _convolution(self, values: Tensor, layer: Convolution) -> Tensor:
        """Add a convolution: int8 to int8, or float to float."""
        file = self.file
        if values.quantization:
            scales = layer.scales * np.float32(values.quantization.scale)
            bias = np.rint(layer.bias / scales).astype(np.int32)
            kernel = [file.constant(_last(layer.stored), layer.scales), file.constant(bias, scales)]
        else:
            kernel = [file.constant(_last(layer.weights)), file.constant(layer.bias)]
        return self._convolved(
            [values, *kernel],
            layer.stride,
            layer.output if values.quantization else None,
            fusedActivationFunction=_activation(layer.output),
        )

    def _convolved(self, terms: list[Tensor], stride: int, output: Quantization | None, **options: int) -> Tensor:
        values, kernel, _ = terms
        count, height, width, _ = values.shape
        channels, side = kernel.shape[:2]
        if stride > 1 and side > 1:  # PyTorch pads all sides; "SAME" in LiteRT pads only as needed
            terms = [self._padded(values, side // 2), *terms[1:]]
        options["padding"] = schema.Padding.SAME if stride == 1 else schema.Padding.VALID
        shape = (count, -(-height // stride), -(-width // stride), channels)
        return self.file.operator("CONV_2D", terms, shape, output, strideW=stride, strideH=stride, **options)

    def _padded(self, values: Tensor, width: int) -> Tensor:
        margins = self.file.constant(np.array([(0, 0), (width, width), (width, width), (0, 0)], np.int32))
        count, height, across, channels = values.shape
        shape = (count, height + 2 * width, across + 2 * width, channels)
        return self.file.operator("PAD", [values, margins], shape, values.quantization)

    def _mirrored(self, images: Tensor) -> Tensor:
        return self.file.operator("REVERSE_V2", [images, self.file.integers(2)], images.shape)

    def _halves(self, both: Tensor) -> list[Tensor]:
        count, *shape = both.shape
        terms = [self.file.constant(np.array(0, np.int32)), both]
        return self.file.operators("SPLIT", terms, (count // 2, *shape), outputs=2, numSplits=2)

    def _mean(self, one: Tensor, other: Tensor) -> Tensor:
        return self._scaled(self.file.operator("ADD", [one, other], one.shape), 0.5)

    def _scaled(self, values: Tensor, factor: float) -> Tensor:
        return self.file.operator("MUL", [values, self.file.constant(np.array(factor, np.float32))], values.shape)


def _activation(output: Quantization) -> int:
    functions = schema.ActivationFunctionType
    return int(functions.RELU if output.rectifies else functions.NONE)


def _last(weights: NDArray[Any]) -> NDArray[Any]:
    """(out, in, height, width) -> (out, height, width, in)."""
    return weights.transpose(0, 2, 3, 1)
