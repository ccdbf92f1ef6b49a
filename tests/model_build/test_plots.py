"""Plots show the arrays that they are given, and reject wrong ones; `show` writes them as PNG files."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from handler.contract import Label
from handler.inference.decoding import decode
from handler.inference.preprocessing import DETAIL_SIDE, views_of
from model_build.__main__ import app
from model_build.checks import WrongArray, check_array, check_images
from model_build.datasets.mnist import DATASETS, MNIST, download
from model_build.options import Plot
from model_build.reporting import plots
from model_build.reporting.preprocessing_steps import preprocessing_steps
from model_build.reporting.show import run_figure
from model_build.reporting.tsne import flat_map, pooled_features
from model_build.run_files import BEST_WEIGHTS_FILE, RunError, save_config
from model_build.training.network import build_network
from tests.support.small_run import ONE_EPOCH

pytestmark = pytest.mark.slow

LABELS = DATASETS["fashion-mnist"].labels
DARK = np.zeros((20, 28, 28), np.uint8)


def clusters(count: int, each: int) -> torch.Tensor:
    """Features (count * each, 16): `count` clusters, far from each other."""
    generator = torch.Generator().manual_seed(0)
    centres = 10 * torch.randn(count, 16, generator=generator)
    return centres.repeat_interleave(each, dim=0) + torch.randn(count * each, 16, generator=generator)


def test_map_keeps_neighbours_together() -> None:
    points = flat_map(clusters(10, 50))
    assert points.shape == (500, 2)
    assert points.isfinite().all()
    cluster = torch.arange(10).repeat_interleave(50)
    nearest = torch.cdist(points, points).topk(11, largest=False).indices[:, 1:]
    assert (cluster[nearest] == cluster[:, None]).float().mean() > 0.9


def test_map_is_deterministic() -> None:
    features = clusters(3, 10)
    assert torch.equal(flat_map(features), flat_map(features))


def test_pooled_features_are_the_input_of_the_last_layer() -> None:
    network = build_network(ONE_EPOCH).eval()
    features = pooled_features(network, torch.from_numpy(DARK), MNIST)
    normalized = torch.full((20, 1, 28, 28), -MNIST.mean / MNIST.std)
    with torch.inference_mode():
        torch.testing.assert_close(network.head(features), network(normalized))
    assert not network.head._forward_pre_hooks


def test_embedding_shows_every_point_and_every_class() -> None:
    classes = np.arange(30) % 10
    figure = plots.embedding(np.zeros((30, 2), np.float32), classes, LABELS)
    assert sum(len(np.ma.getdata(points.get_offsets())) for points in figure.axes[0].collections) == 30
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [label.english for label in LABELS]


def test_confusion_matrix_shows_every_count() -> None:
    counts = np.arange(100).reshape(10, 10)
    written = [text.get_text() for text in plots.confusion(counts, LABELS).axes[0].texts]
    assert written == [str(count) for count in range(100)]


def test_names_at_the_axes_are_no_formulas_and_short() -> None:
    names = (r"$5 to $10", r"$\frac$", "x" * 200)
    figure = plots.confusion(np.zeros((3, 3), np.int64), [Label(i, name, name) for i, name in enumerate(names)])
    figure.canvas.draw()  # where a formula would be parsed
    ticks = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert ticks == [*names[:2], "x" * 29 + "…"]


def test_curves_leave_out_columns_without_numbers(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text(
        "epoch,train_loss,validation_accuracy,photo_accuracy\n0,2.0,0.5,nan\n1,1.0,0.75,nan\n"
    )
    losses, accuracies = plots.curves(tmp_path / "history.csv").axes
    assert [list(np.asarray(line.get_ydata())) for line in losses.lines] == [[2.0, 1.0]]
    assert [list(np.asarray(line.get_ydata())) for line in accuracies.lines] == [[50.0, 75.0]]


def test_pixels_shows_the_value_of_every_pixel() -> None:
    image = np.arange(784, dtype=np.uint16).astype(np.uint8).reshape(28, 28)
    written = [text.get_text() for text in plots.pixels(image).axes[0].texts]
    assert written == [str(value) for value in image.ravel()]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_last_preprocessing_step_is_the_input_of_the_model(mode: str, drawing: bytes) -> None:
    image = decode(drawing, 50_000_000, DETAIL_SIDE).convert(mode)
    steps = preprocessing_steps(image)
    assert np.array_equal(steps[-1].image, views_of(image)[0][0])
    assert len(plots.preprocessing(steps).axes) == len(steps)


def test_preprocessing_of_model_sized_image_has_two_steps() -> None:
    pixels = np.arange(784, dtype=np.uint16).astype(np.uint8).reshape(28, 28)
    decoded, seen = preprocessing_steps(Image.fromarray(pixels))
    assert np.array_equal(decoded.image[..., 0], pixels)
    assert np.array_equal(seen.image, pixels)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda: plots.grid(DARK[:, None], ["a"] * 20),
            r"expected uint8 of shape \(N, 28, 28\), but got uint8 of shape \(20, 1, 28, 28\)",
            id="a channel too many",
        ),
        pytest.param(lambda: plots.grid(DARK, ["a"]), "1 titles and 20 images", id="too few titles"),
        pytest.param(lambda: plots.pixels(DARK[0] / 255), "but got float64", id="numbers from 0 to 1"),
        pytest.param(lambda: plots.confusion(np.zeros((9, 9), np.int64), LABELS), r"\(10, 10\)", id="a class too few"),
        pytest.param(
            lambda: plots.embedding(np.zeros((3, 2), np.float32), np.zeros(2, np.int64), LABELS),
            "2 classes and 3 points",
            id="a point without a class",
        ),
        pytest.param(lambda: flat_map(torch.zeros(5)), r"but got float32 of shape \(5,\)", id="one dimension"),
        pytest.param(
            lambda: pooled_features(build_network(ONE_EPOCH), torch.full((4, 28, 28), 255, dtype=torch.uint8), MNIST),
            "expected bright objects on black background",
            id="white background",
        ),
    ],
)
def test_wrong_array_is_rejected(make: Callable[[], object], message: str) -> None:
    with pytest.raises(WrongArray, match=message):
        make()


@pytest.mark.parametrize("dataset", list(DATASETS))
def test_check_images_accepts_datasets_and_rejects_their_negatives(dataset: str, data_dir: Path) -> None:
    download(DATASETS[dataset], data_dir)
    images = DATASETS[dataset].torchvision_class(data_dir, train=False).data
    check_images("test images", images)
    with pytest.raises(WrongArray, match="255 - images"):
        check_images("test images", 255 - images)


def test_checks_accept_empty_arrays() -> None:
    check_images("no images", torch.empty(0, 28, 28, dtype=torch.uint8))
    check_array("numbers", np.zeros(3), "float64", ("N",))


def test_show_writes_plots_of_a_run(
    trained_run: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").symlink_to(data_dir)
    monkeypatch.chdir(tmp_path)
    run = Path("runs", "fashion-mnist")
    shutil.copytree(trained_run, run)
    for plot in ("curves", "embedding"):
        done = CliRunner().invoke(app, ["show", plot, "--images", "50"])
        assert done.stdout == f"wrote {run / plot}.png\n"
        assert (run / f"{plot}.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(RunError, match=r"has no metrics\.json yet: python -m model_build evaluate"):
        run_figure(Plot.CONFUSION, run, 50)


def test_weights_of_another_network_are_an_error(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").symlink_to(data_dir)
    monkeypatch.chdir(tmp_path)
    save_config(tmp_path, ONE_EPOCH)
    torch.save(build_network(replace(ONE_EPOCH, widths=(4, 16))).state_dict(), tmp_path / BEST_WEIGHTS_FILE)
    with pytest.raises(RunError, match="do not fit its configuration"):
        run_figure(Plot.EMBEDDING, tmp_path, 50)
