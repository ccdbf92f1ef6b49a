"""Write LiteRT files: the part of LiteRT's schema that a small network needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from bench.models.layers import Floats, Quantization

_TYPES: Final = {"f4": "FLOAT32", "i4": "INT32", "i1": "INT8", "u1": "UINT8"}
_VERSIONS: Final = {
    "ADD": 2,
    "CONV_2D": 3,
    "DEQUANTIZE": 2,
    "PAD": 2,
}  # the first with int8, or with a scale per channel
_OPTIONS: Final = {
    "ADD": "Add",
    "CONCATENATION": "Concatenation",
    "CONV_2D": "Conv2D",
    "FULLY_CONNECTED": "FullyConnected",
    "MEAN": "Reducer",
    "MUL": "Mul",
    "SOFTMAX": "Softmax",
    "SPLIT": "Split",
}


@dataclass(frozen=True)
class Tensor:
    """A tensor of the file: int8 if it has a quantization, else float. The first dimension can be resized."""

    index: int
    shape: tuple[int, ...]
    quantization: Quantization | None = None


class LiteFile:
    """A file being written: each method adds to it, and returns the new tensor."""

    def __init__(self) -> None:
        self._model, self._graph = schema.ModelT(), schema.SubGraphT()
        self._model.version = 3
        self._model.buffers, self._model.operatorCodes = [schema.BufferT()], []
        self._graph.tensors, self._graph.operators = [], []

    def pixels(self, shape: tuple[int, ...], quantization: Quantization) -> Tensor:
        """Add a uint8 tensor for the file's input."""
        parameters = _parameters(np.array([quantization.scale]), quantization.zero_point)
        return Tensor(self._add_tensor(shape, "u1", parameters), shape, quantization)

    def constant(self, values: NDArray[Any], scales: Floats | None = None) -> Tensor:
        """Add a constant: float or int32, or quantized if there are `scales` along the first axis."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        parameters = None if scales is None else _parameters(scales, 0)
        index = self._add_tensor(values.shape, values.dtype.str[1:], parameters, len(self._model.buffers) - 1)
        return Tensor(index, values.shape)

    def integers(self, *values: int) -> Tensor:
        return self.constant(np.array(values, np.int32))

    def operator(
        self,
        name: str,
        inputs: Sequence[Tensor],
        shape: tuple[int, ...],
        quantization: Quantization | None = None,
        **options: Any,
    ) -> Tensor:
        """Add the operator `name`, and return its output."""
        return self.operators(name, inputs, shape, quantization, outputs=1, **options)[0]

    def operators(
        self,
        name: str,
        inputs: Sequence[Tensor],
        shape: tuple[int, ...],
        quantization: Quantization | None = None,
        *,
        outputs: int,
        **options: Any,
    ) -> list[Tensor]:
        """Add the operator `name` with several outputs of the same shape."""
        parameters = quantization and _parameters(np.array([quantization.scale]), quantization.zero_point - 128)
        kind = "i1" if quantization else "f4"
        made = [Tensor(self._add_tensor(shape, kind, parameters), shape, quantization) for _ in range(outputs)]
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(name)
        operator.inputs, operator.outputs = [each.index for each in inputs], [each.index for each in made]
        if name in _OPTIONS:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, f"{_OPTIONS[name]}Options")
            operator.builtinOptions = getattr(schema, f"{_OPTIONS[name]}OptionsT")()
            for option, value in options.items():
                setattr(operator.builtinOptions, option, value)
        self._graph.operators.append(operator)
        return made

    def packed(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> bytes:
        self._graph.inputs, self._graph.outputs = [each.index for each in inputs], [each.index for each in outputs]
        self._model.subgraphs = [self._graph]
        builder = flatbuffers.Builder()
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _code(self, name: str) -> int:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)  # one byte, for older readers
        code.version = _VERSIONS.get(name, 1)
        self._model.operatorCodes.append(code)
        return len(self._model.operatorCodes) - 1

    def _add_tensor(self, shape: tuple[int, ...], kind: str, parameters: Any, buffer: int = 0) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.hasRank = list(shape), True
        tensor.type = getattr(schema.TensorType, _TYPES[kind])
        tensor.buffer, tensor.quantization = buffer, parameters
        tensor.name = str(len(self._graph.tensors))
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1


def _parameters(scales: NDArray[Any], zero_point: int) -> Any:
    parameters = schema.QuantizationParametersT()
    parameters.scale, parameters.zeroPoint = scales.astype(np.float32), np.full(len(scales), zero_point, np.int64)
    return parameters
