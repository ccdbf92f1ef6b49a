"""The page about the model, in both languages and themes; its code samples classify a photo as they stand."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from handler.contract import ModelCard
from tests.system.browser.pages import Pages
from tests.system.browser.test_accessibility import findings, widths_that_scroll

pytestmark = pytest.mark.browser


@pytest.fixture
def about(pages: Pages) -> Page:
    return open_about(pages)


def open_about(pages: Pages, **options: Any) -> Page:
    page = pages.new_page(pages.new_context(**options))
    page.goto(f"{pages.address}/about")
    expect(page.locator("#weaknesses li").first).to_be_visible()
    return page


def test_tables_show_the_figures_of_the_card(about: Page, card: ModelCard) -> None:
    matrix = card.document["metrics"]["int8"]["confusion_matrix"]
    cells = about.locator("#confusion tbody td").all_inner_texts()
    assert [int(text or 0) for text in cells] == [count for row in matrix for count in row]
    photos = card.document["photos"]
    expect(about.locator("#accuracy tbody tr")).to_have_count(len(photos["by_class"]))
    expect(about.locator("#coverage tbody tr")).to_have_count(len(photos["coverage"]))
    chosen = about.locator("#coverage tr.chosen th")
    expect(chosen).to_have_text(f"{card.document['calibration']['confident_threshold']:.2f}")


def test_card_without_measurements_hides_their_sections(pages: Pages) -> None:
    page = pages.new_page(pages.new_context())
    page.route("**/model", lambda route: route.fulfill(json={"labels": [], "known_weaknesses": ["None."]}))
    page.goto(f"{pages.address}/about")
    expect(page.locator("#weaknesses li")).to_have_text(["None."])
    expect(page.locator("section:visible h2")).to_have_text(["Known weaknesses", "Use it from code"])


def test_about_page_in_chinese(pages: Pages) -> None:
    page = open_about(pages, locale="zh-CN")
    expect(page.get_by_role("heading", name="照片上的准确率")).to_be_visible()
    expect(page.locator("#accuracy th").filter(has_text="连衣裙")).to_be_visible()
    expect(page.locator("#weaknesses li").first).to_contain_text("衬衫")


def test_axe_finds_no_violations_about_the_model(about: Page) -> None:
    assert findings(about) == []
    about.emulate_media(color_scheme="dark")
    assert findings(about) == []
    assert widths_that_scroll(about) == []


@pytest.mark.parametrize(
    ("tab", "command"),
    [("curl", ["sh"]), ("Python", [sys.executable]), ("JavaScript", ["node", "--input-type=module"])],
)
def test_code_sample_classifies_a_photo(
    about: Page, sample_paths: dict[str, Path], tmp_path: Path, tab: str, command: list[str]
) -> None:
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    shutil.copy(sample_paths["bag"], tmp_path / "photo.jpg")
    about.get_by_role("tab", name=tab).click()
    code = about.locator("#snippet").inner_text()
    ran = subprocess.run(command, input=code, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert re.search(r"\bBag\b", ran.stdout), (code, ran.stderr)


def test_copied_is_said_of_the_copied_snippet_only(pages: Pages) -> None:
    page = open_about(pages, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#copy")).to_have_text("Copied")
    page.get_by_role("tab", name="Python").click()
    expect(page.locator("#copy")).to_have_text("Copy")


def test_arrow_keys_switch_tabs(about: Page) -> None:
    about.get_by_role("tab", name="curl").focus()
    about.keyboard.press("ArrowLeft")
    expect(about.get_by_role("tab", name="JavaScript")).to_be_focused()
    expect(about.get_by_role("tabpanel")).to_contain_text("openAsBlob")
