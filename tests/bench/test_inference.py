"""Runtime benchmark: each form of the model gives the same outputs as the shipped file."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from bench import inference
from bench.machine import this_machine
from bench.models.layers import Floats, layers_of
from bench.models.onnx_forms import in_float, unfused
from bench.models.pytorch import FromPixels
from bench.runtimes.contenders import CONTENDERS, SHIPPED, Contender
from bench.runtimes.measurements import SIZES, THREADS, Measurements
from bench.runtimes.process import start_process
from bench.timing import Spread
from handler.contract import Pixels
from handler.inference.classifier import MODEL_PATH
from tests.support.images import trousers

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    """An image of trousers, and noise, for which the outputs are sensitive to rounding."""
    noise = np.random.default_rng(1).integers(0, 256, (20, 1, 28, 28), np.uint8)
    return np.concatenate([np.array(trousers(28).convert("L"))[None, None], noise])


@pytest.fixture(params=["as shipped", "fused"])
def int8(request: pytest.FixtureRequest, tmp_path: Path) -> onnx.ModelProto:
    """The shipped file, and the same optimized by ONNX Runtime."""
    if request.param == "as shipped":
        return onnx.load(MODEL_PATH)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "fused.onnx")
    ort.InferenceSession(MODEL_PATH, options)
    return onnx.load(tmp_path / "fused.onnx")


def test_model_in_standard_operators_gives_identical_outputs(int8: onnx.ModelProto, pixels: Pixels) -> None:
    standard = unfused(int8)

    assert {node.domain for node in standard.graph.node} == {""}
    for found, expected in zip(_outputs(standard, pixels), _outputs(int8, pixels), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_float_model_has_no_rounding_and_similar_outputs(int8: onnx.ModelProto, pixels: Pixels) -> None:
    real = in_float(int8)

    kinds = [node.op_type for node in real.graph.node]
    assert kinds.count("QuantizeLinear") == kinds.count("QLinearConv") == 0
    assert kinds.count("DequantizeLinear") <= 2  # of the images and the mirrored images
    for found, expected in zip(_outputs(real, pixels)[:2], _outputs(int8, pixels)[:2], strict=True):
        np.testing.assert_allclose(found, expected, atol=0.1)


def test_pytorch_network_equals_float_file(int8: onnx.ModelProto, pixels: Pixels) -> None:
    with torch.inference_mode():
        found = [each.numpy() for each in FromPixels(layers_of(int8))(torch.from_numpy(pixels))]

    _assert_alike(found, _outputs(in_float(int8), pixels))


@pytest.mark.parametrize("in_int8", [True, False], ids=["int8", "float"])
def test_litert_file_equals_onnx_file(
    in_int8: bool,
    int8: onnx.ModelProto,
    pixels: Pixels,
    tmp_path: Path,
) -> None:
    pytest.importorskip("ai_edge_litert", reason="only benchmarks install LiteRT")
    from bench.models.litert import litert_file  # noqa: PLC0415
    from bench.runtimes import litert  # noqa: PLC0415

    path = tmp_path / "model.tflite"
    path.write_bytes(litert_file(layers_of(int8), int8=in_int8))
    expected = _outputs(int8 if in_int8 else in_float(int8), pixels)

    _assert_alike(litert.default(path, 1)(pixels), expected, tolerance=0.03 if in_int8 else 1e-5)


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda each: each.title)
def test_contender_with_one_thread_keeps_one_core_busy(contender: Contender, pixels: Pixels, tmp_path: Path) -> None:
    if reason := contender.unavailable_reason(this_machine(), quick=True):
        pytest.skip(reason)
    images = tmp_path / "images.npy"
    np.save(images, pixels)
    contender.make(contender.path(tmp_path))

    with start_process(contender, 1, images) as process:
        assert process.busy_cores(8, 50) < 1.2
        assert process.class_ids(8)[0] == 1  # trousers


def test_missing_contender_names_how_to_install_it() -> None:
    elsewhere = replace(SHIPPED, distribution="elsewhere", package="no_such_package.at_all")

    assert elsewhere.unavailable_reason(this_machine(), quick=True) == "elsewhere is not installed (`make .venv/bench`)"


def test_failed_contender_raises_with_its_output(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.zeros((1, 1, 28, 28), np.uint8))

    fails = pytest.raises(ChildProcessError, match=r"(?s)ONNX Runtime, int8: the process ended before .*NoSuchFile")
    with fails, start_process(SHIPPED, 1, tmp_path / "images.npy"):
        pass


def test_notes_name_only_what_beats_the_shipped_model() -> None:
    shipped = _found(milliseconds=10.0, file_bytes=100)
    faster = replace(shipped, calls={**shipped.calls, (1, 64): _spread(5.0)})
    smaller = _found(milliseconds=10.5, file_bytes=80)
    _, same_package, third, fourth, *_ = CONTENDERS
    at_random = replace(shipped, importing=_spread(9.0))  # imports of the same package are not compared

    notes = list(inference.winners({SHIPPED: shipped, same_package: at_random, third: faster, fourth: smaller}))

    assert notes == [
        f"{third.title} is faster than the shipped model; share of its time: 64 images with one thread 50%.",
        f"{fourth.title} has a smaller file: 80% of the bytes.",
    ]


def test_quick_run_has_every_contender_with_same_classes(
    datasets_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert datasets_dir
    monkeypatch.chdir(tmp_path)  # the dataset is written here

    section = inference.measure(quick=True)

    costs, *latencies = section.tables
    assert [row[:2] for table in section.tables for row in table.rows] == 3 * [(e.name, e.form) for e in CONTENDERS]
    assert len(latencies) == len(THREADS)
    measured = [row for row in costs.rows if row[2] is not None]
    assert len(measured) + sum("PyTorch compiled" in note for note in section.notes) >= 4
    for *_, accuracy, same in measured:
        assert isinstance(accuracy, float)
        assert isinstance(same, float)
        assert accuracy > 90
        assert same > 97
    (plot,) = section.plots
    assert len(plot.series) == len(measured)


def _outputs(model: onnx.ModelProto, pixels: Pixels) -> list[Floats]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(each) for each in session.run(None, {"images": pixels})]


def _assert_alike(found: Sequence[Floats], expected: Sequence[Floats], tolerance: float = 1e-5) -> None:
    """Compare outputs; the maps less strictly, as the file has float weights of the head for them."""
    for one, other, allowed in zip(found, expected, (tolerance, tolerance, 0.5), strict=True):
        np.testing.assert_allclose(one, other, atol=allowed, rtol=0)


def _found(milliseconds: float, file_bytes: int) -> Measurements:
    same = _spread(milliseconds)
    return Measurements(
        1000, file_bytes, same, same, {(threads, size): same for threads in THREADS for size in SIZES}, [0]
    )


def _spread(milliseconds: float) -> Spread:
    return Spread.of([milliseconds / 1e3] * 3)
