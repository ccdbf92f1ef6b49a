"""Pictures show what they are given, and refuse what is not the right array; `show` writes them as PNG files."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from handler.inference.decoding import decode
from handler.inference.preprocessing import views_of
from model_build.__main__ import app
from model_build.checks import WrongArray, check_array, check_images
from model_build.datasets.mnist import DATASETS, MNIST, download
from model_build.reporting import plots
from model_build.reporting.preprocessing_steps import conversion_stages
from model_build.reporting.runs import RunError
from model_build.reporting.show import Picture, run_picture
from model_build.reporting.tsne import flat_map, pooled_features
from model_build.training.network import build_network
from model_build.training.train import BEST_FILE, train
from tests.support.small_run import ONE_EPOCH

LABELS = DATASETS["fashion-mnist"].labels
DARK = np.zeros((20, 28, 28), np.uint8)


def clusters(count: int, each: int) -> torch.Tensor:
    """Features (count * each, 16): `count` heaps, far from each other."""
    generator = torch.Generator().manual_seed(0)
    centres = 10 * torch.randn(count, 16, generator=generator)
    return centres.repeat_interleave(each, dim=0) + torch.randn(count * each, 16, generator=generator)


def test_the_map_keeps_neighbours_together() -> None:
    points = flat_map(clusters(10, 50))
    assert points.shape == (500, 2)
    assert points.isfinite().all()
    heap = torch.arange(10).repeat_interleave(50)
    nearest = torch.cdist(points, points).topk(11, largest=False).indices[:, 1:]
    assert (heap[nearest] == heap[:, None]).float().mean() > 0.9


def test_the_map_is_the_same_each_time() -> None:
    features = clusters(3, 10)
    assert torch.equal(flat_map(features), flat_map(features))


def test_the_pooled_features_are_what_the_last_layer_sees() -> None:
    network = build_network(ONE_EPOCH).eval()
    features = pooled_features(network, torch.from_numpy(DARK), MNIST)
    normalized = torch.full((20, 1, 28, 28), -MNIST.mean / MNIST.deviation)
    with torch.inference_mode():
        torch.testing.assert_close(network.head(features), network(normalized))
    assert not network.head._forward_pre_hooks


def test_every_point_and_every_class_is_on_the_map() -> None:
    classes = np.arange(30) % 10
    figure = plots.embedding(np.zeros((30, 2), np.float32), classes, LABELS)
    assert sum(len(np.ma.getdata(heap.get_offsets())) for heap in figure.axes[0].collections) == 30
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [label.english for label in LABELS]


def test_every_count_is_written_into_the_confusion_matrix() -> None:
    counts = np.arange(100).reshape(10, 10)
    written = [text.get_text() for text in plots.confusion(counts, LABELS).axes[0].texts]
    assert written == [str(count) for count in range(100)]


def test_curves_leave_out_what_was_never_measured(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text(
        "epoch,train_loss,validation_accuracy,photo_accuracy\n0,2.0,0.5,nan\n1,1.0,0.75,nan\n"
    )
    losses, accuracies = plots.curves(tmp_path / "history.csv").axes
    assert [list(np.asarray(line.get_ydata())) for line in losses.lines] == [[2.0, 1.0]]
    assert [list(np.asarray(line.get_ydata())) for line in accuracies.lines] == [[50.0, 75.0]]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_the_last_stage_of_a_conversion_is_what_the_model_sees(mode: str, drawing: bytes) -> None:
    picture = decode(drawing, 50_000_000).convert(mode)
    steps = conversion_stages(picture)
    assert np.array_equal(steps[-1].image, views_of(picture)[0][0])
    assert len(plots.stages(steps).axes) == len(steps)


def test_a_picture_that_needs_no_conversion_has_stages_too() -> None:
    image = np.arange(784, dtype=np.uint16).astype(np.uint8).reshape(28, 28)
    decoded, seen = conversion_stages(Image.fromarray(image))
    assert np.array_equal(decoded.image[..., 0], image)
    assert np.array_equal(seen.image, image)


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
            "expected bright things on black ground",
            id="white ground",
        ),
    ],
)
def test_a_wrong_array_is_told_from_a_right_one(make: Callable[[], object], message: str) -> None:
    with pytest.raises(WrongArray, match=message):
        make()


@pytest.mark.parametrize("dataset", list(DATASETS))
@pytest.mark.usefixtures("datasets_dir")
def test_the_datasets_are_bright_on_black_and_negated_they_are_not(dataset: str, tmp_path: Path) -> None:
    download(DATASETS[dataset], tmp_path)
    images = DATASETS[dataset].torchvision_class(tmp_path, train=False).data
    check_images("test images", images)
    with pytest.raises(WrongArray, match="255 - images"):
        check_images("test images", 255 - images)


def test_no_images_at_all_are_right_as_well() -> None:
    check_images("no images", torch.empty(0, 28, 28, dtype=torch.uint8))
    check_array("numbers", np.zeros(3), "float64", ("N",))


@pytest.mark.usefixtures("datasets_dir")
def test_show_says_where_it_wrote_a_picture_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = Path("runs", "fashion-mnist")
    train(run, ONE_EPOCH)
    for picture in ("curves", "embedding"):
        done = CliRunner().invoke(app, ["show", picture, "--images", "50"])
        assert done.stdout == f"wrote {run / picture}.png\n"
        assert (run / f"{picture}.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(RunError, match=r"has no metrics\.json yet: python -m model_build evaluate"):
        run_picture(Picture.CONFUSION, run)


@pytest.mark.usefixtures("datasets_dir")
def test_weights_of_another_network_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ONE_EPOCH.save(tmp_path)
    torch.save(build_network(replace(ONE_EPOCH, widths=(4, 16))).state_dict(), tmp_path / BEST_FILE)
    with pytest.raises(RunError, match="does not fit the network of today"):
        run_picture(Picture.EMBEDDING, tmp_path)
