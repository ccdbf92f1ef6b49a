"""Responses of the Open Inference Protocol, for OpenAPI; `request_schema` has its requests."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

from handler.api.routes.open_inference import tensors
from handler.api.routes.open_inference.models import ServedModel

_DATA_TYPES: Final = {"UINT8": "TYPE_UINT8", "FP32": "TYPE_FP32", "BYTES": "TYPE_STRING"}
_FORMATS: Final = {"images": "FORMAT_NCHW", "rgb": "FORMAT_NHWC"}
_SCALAR: Final = {"dims": [1], "reshape": {"shape": []}}  # Triton's configuration knows no other form of one value


class ServerMetadata(BaseModel):
    """The server, and the protocol's extensions that it supports."""

    name: Literal["clothes-classifier"] = "clothes-classifier"
    version: str
    extensions: list[str] = ["binary_tensor_data", "classification", "model_configuration"]


class Live(BaseModel):
    live: bool = True


class Ready(BaseModel):
    ready: bool = True


class Models(BaseModel):
    models: list[str]


class ModelReady(BaseModel):
    name: str
    ready: bool = True


class IndexEntry(BaseModel):
    """One model of the repository."""

    name: str
    version: str
    state: Literal["READY"] = "READY"
    reason: str = ""


class TensorMetadata(BaseModel):
    """One input or output; -1 in its shape stands for the number of images."""

    name: str
    datatype: Literal["UINT8", "FP32", "BYTES"]
    shape: list[int]

    @classmethod
    def of(cls, tensor: tensors.Tensor) -> "TensorMetadata":
        return cls.model_validate({"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)})


class ModelMetadata(BaseModel):
    """A request has exactly one of the inputs: `images` and `rgb` are pixels, `encoded` are image files."""

    name: str
    versions: list[str]
    platform: Literal["onnx_onnxv1"] = "onnx_onnxv1"
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]

    @classmethod
    def of(cls, model: ServedModel) -> "ModelMetadata":
        return cls(
            name=model.name,
            versions=[model.version],
            inputs=[TensorMetadata.of(tensor) for tensor in model.inputs],
            outputs=[TensorMetadata.of(tensor) for tensor in model.outputs],
        )


class ConfiguredTensor(BaseModel):
    """One input or output of one image; `reshape` drops a dimension that Triton's configuration requires."""

    name: str
    data_type: Literal["TYPE_UINT8", "TYPE_FP32", "TYPE_STRING"]
    dims: list[int]
    format: Literal["FORMAT_NCHW", "FORMAT_NHWC"] | None = None
    reshape: dict[Literal["shape"], list[int]] | None = None
    optional: bool | None = None

    @classmethod
    def of(cls, tensor: tensors.Tensor, **others: Any) -> "ConfiguredTensor":
        dims: dict[str, Any] = {"dims": tensor.shape[1:]} if tensor.shape[1:] else _SCALAR
        values = {"name": tensor.name, "data_type": _DATA_TYPES[tensor.datatype], "format": _FORMATS.get(tensor.name)}
        return cls.model_validate({**values, **dims, **others})


class ConfiguredParameter(BaseModel):
    """Triton's form of a parameter: numbers are texts, too."""

    string_value: str


class ModelConfig(BaseModel):
    """The model configuration in Triton's form.

    An image is known if `known` reaches the parameter `known_threshold`. The answer is confident if the image is known
    and the highest of the `probabilities` reaches `confident_threshold`.
    """

    name: str
    platform: Literal["onnxruntime_onnx"] = "onnxruntime_onnx"
    backend: Literal["onnxruntime"] = "onnxruntime"
    max_batch_size: int
    input: list[ConfiguredTensor]
    output: list[ConfiguredTensor]
    parameters: dict[Literal["known_threshold", "confident_threshold"], ConfiguredParameter]

    @classmethod
    def of(cls, model: ServedModel, max_batch_images: int) -> "ModelConfig":
        is_choice = {"optional": True} if len(model.inputs) > 1 else {}
        thresholds = {"known_threshold": model.known_threshold, "confident_threshold": model.confident_threshold}
        return cls.model_validate(
            {
                "name": model.name,
                "max_batch_size": max_batch_images,
                "input": [ConfiguredTensor.of(tensor, **is_choice) for tensor in model.inputs],
                "output": [ConfiguredTensor.of(tensor) for tensor in model.outputs],
                "parameters": {name: {"string_value": str(value)} for name, value in thresholds.items()},
            }
        )


class OutputTensor(BaseModel):
    """One output in row-major order; with the classification extension BYTES, texts "value:index:label"."""

    name: Literal["probabilities", "known"]
    datatype: Literal["FP32", "BYTES"]
    shape: list[int]
    data: list[float] | list[str]


class Inference(BaseModel):
    """The requested outputs, in that order."""

    model_name: str
    model_version: str
    id: Annotated[str, Field(description="The id of the request, if it had one.")] = ""
    outputs: list[OutputTensor]


BINARY_RESPONSE: Final[dict[str, Any]] = {
    "description": "JSON; or, if binary data was requested, JSON followed by the tensors as bytes. "
    "The header Inference-Header-Content-Length then has the length of the JSON.",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}
