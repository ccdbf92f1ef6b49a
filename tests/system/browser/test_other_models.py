"""The page of another model, whose classes have long names."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from handler.contract import InputFormat
from tests.conftest import serving
from tests.support.other_models import colour_of, write_model
from tests.system.browser.pages import checked_pages, choose_files
from tests.system.browser.test_accessibility import widths_that_scroll

pytestmark = pytest.mark.browser

FORM = InputFormat(32, 3, "resize")
NAMES = ("short", "x" * 120, "word " * 20 + "end", "方块" * 30)


@pytest.fixture(scope="module")
def long_names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server whose model has classes of these names."""
    labels = [{"class_id": i, "english": name, "chinese": name} for i, name in enumerate(NAMES)]
    model = write_model(tmp_path_factory.mktemp("model"), FORM, len(NAMES), labels=labels)
    with serving(tmp_path_factory.mktemp("server") / "log.txt", "--model", str(model)) as server:
        yield server.address


def test_long_names_of_classes_fit_on_every_screen(chromium: Browser, long_names: str, tmp_path: Path) -> None:
    images = [tmp_path / f"{i}.png" for i in range(len(NAMES))]
    for i, path in enumerate(images):
        Image.new("RGB", (32, 32), colour_of(i, FORM, len(NAMES))).save(path)
    with checked_pages(chromium, long_names) as pages:
        page = pages.new_page(pages.new_context())
        page.goto(long_names)
        expect(page.locator("#classes li")).to_have_count(len(NAMES))
        assert widths_that_scroll(page) == []
        choose_files(page, images[1])
        page.locator(".all-classes").click()
        assert widths_that_scroll(page) == []
        choose_files(page, *images, *images)
        expect(page.locator("#counts")).to_contain_text("3 × xxx")
        assert widths_that_scroll(page) == []
