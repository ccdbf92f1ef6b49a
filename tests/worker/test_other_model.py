"""The worker with a model of other classes: results, object tags and events carry labels of any script."""

from pathlib import Path

import pytest
from PIL import Image

from handler.contract import InputFormat
from handler.inference.classifier import load_model
from handler.settings import Settings
from handler.worker.worker import Worker
from tests.support.aws import RESULTS, UPLOADS, Cloud, work_through
from tests.support.images import encoded
from tests.support.other_models import colour_of, write_model

FORM, CLASSES = InputFormat(side=96, channels=3, preprocessing="resize"), 37


@pytest.mark.parametrize(
    ("class_id", "label", "tag"),
    [
        (0, "rote Äpfel", "rote Äpfel"),
        (2, "方块", "方块"),
        (4, "T-shirt/top", "T-shirt/top"),
        (36, "class 36", "class 36"),
    ],
)
def test_result_and_tags_carry_the_label(aws: Cloud, tmp_path: Path, class_id: int, label: str, tag: str) -> None:
    settings = Settings(uploads_bucket=UPLOADS, results_bucket=RESULTS, tag_objects=True)
    worker = Worker(aws.s3, *load_model(write_model(tmp_path, FORM, CLASSES)), settings)
    image = encoded(Image.new("RGB", (300, 200), colour_of(class_id, FORM, CLASSES)))
    aws.s3.put_object(Bucket=UPLOADS, Key="a.png", Body=image)
    work_through(aws, worker)
    (result,) = aws.results().values()
    assert (result["label"], result["class_id"], result["model"]["version"]) == (label, class_id, "sha256-0123456789ab")
    tags = {each["Key"]: each["Value"] for each in aws.s3.get_object_tagging(Bucket=UPLOADS, Key="a.png")["TagSet"]}
    assert tags["label"] == tag
