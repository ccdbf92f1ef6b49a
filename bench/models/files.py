"""Write the shipped model as a file for each runtime; companion files get the same stem."""

from pathlib import Path

import onnx
import torch

from bench.models.layers import layers_of
from bench.models.onnx_forms import in_float, unfused
from bench.models.pytorch import FromPixels
from handler.contract import IMAGE_SIDE
from handler.inference.classifier import MODEL_PATH


def shipped(path: Path) -> None:
    path.write_bytes(MODEL_PATH.read_bytes())


def onnx_float(path: Path) -> None:
    onnx.save(in_float(_model()), path)


def pytorch_module(path: Path) -> None:
    torch.save(_pytorch(), path)


def pytorch_compiled(path: Path) -> None:
    """Compile for any number of images and threads."""
    images = torch.zeros(8, 1, IMAGE_SIDE, IMAGE_SIDE, dtype=torch.uint8)
    any_number = {0: torch.export.Dim("N", min=1, max=4096)}
    with torch.no_grad():
        program = torch.export.export(_pytorch(), (images,), dynamic_shapes=(any_number,))
        options = {"cpp.dynamic_threads": True}
        torch._inductor.aoti_compile_and_package(program, package_path=str(path), inductor_configs=options)


def litert_int8(path: Path) -> None:
    _litert(path, int8=True)


def litert_float(path: Path) -> None:
    _litert(path, int8=False)


def openvino_int8(path: Path) -> None:
    _openvino(unfused(_model()), path)


def openvino_float(path: Path) -> None:
    _openvino(in_float(_model()), path)


def _model() -> onnx.ModelProto:
    return onnx.load(MODEL_PATH)


def _pytorch() -> FromPixels:
    # Its convolutions are faster with channels last.
    return FromPixels(layers_of(_model())).eval().to(memory_format=torch.channels_last)


def _litert(path: Path, *, int8: bool) -> None:
    from bench.models.litert import litert_file  # noqa: PLC0415  LiteRT is optional

    path.write_bytes(litert_file(layers_of(_model()), int8=int8))


def _openvino(model: onnx.ModelProto, path: Path) -> None:
    import openvino  # noqa: PLC0415  OpenVINO is optional

    source = path.with_suffix(".onnx")
    onnx.save(model, source)
    openvino.save_model(openvino.convert_model(source), path, compress_to_fp16=False)
    source.unlink()
