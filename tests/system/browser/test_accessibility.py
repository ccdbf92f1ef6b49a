"""Accessibility: languages, themes, screen sizes, keyboard, screen reader and reduced motion."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from tests.system.browser.pages import Pages, cards, choose_files, hold_requests, open_details, titles

pytestmark = pytest.mark.browser

Samples = dict[str, Path]

_BACKGROUND = "getComputedStyle(document.body).backgroundColor"


def test_chinese_browser_gets_the_chinese_page(pages: Pages) -> None:
    page = pages.open(locale="zh-CN")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page).to_have_title("服装分类器")
    expect(page.locator("#classes li").first).to_have_text("T恤")
    page.get_by_role("button", name="运动鞋").click()
    expect(titles(page)).to_have_text(["运动鞋"])
    page.get_by_role("button", name="全部类别").click()
    expect(page.locator(".scores")).to_contain_text("踝靴")


def test_other_browsers_get_the_english_page(pages: Pages) -> None:
    page = pages.open(locale="fr-FR")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page).to_have_title("Clothes classifier")


def test_language_switch_translates_results_and_is_remembered(pages: Pages, text_file: Path) -> None:
    context = pages.new_context()
    page = pages.open_in(context)
    page.get_by_role("button", name="Mug").click()
    choose_files(page, text_file)
    expect(titles(page)).to_have_text(["Classification failed", "None of these classes"])

    page.get_by_role("button", name="中文").click()
    expect(titles(page)).to_have_text(["识别失败", "不属于这些类别"])
    expect(cards(page).first).to_contain_text("notes.txt 不是支持的图片")
    expect(page.get_by_role("button", name="移除 notes.txt")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")

    again = pages.open_in(context)
    expect(again).to_have_title("服装分类器")
    again.get_by_role("button", name="English").click()
    expect(again).to_have_title("Clothes classifier")


def test_page_works_without_local_storage(pages: Pages) -> None:
    context = pages.new_context()
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('forbidden'); } })"
    )
    page = pages.open_in(context)
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="深色模式").click()
    expect(page).to_have_title("服装分类器")


def test_theme_follows_the_system_until_one_is_chosen(pages: Pages) -> None:
    context = pages.new_context(color_scheme="dark")
    page = pages.open_in(context)
    dark = page.evaluate(_BACKGROUND)
    switch = page.get_by_role("button", name="Dark mode")
    expect(switch).to_have_attribute("aria-pressed", "true")

    page.emulate_media(color_scheme="light")
    expect(switch).to_have_attribute("aria-pressed", "false")
    light = page.evaluate(_BACKGROUND)
    assert light != dark

    switch.click()
    assert page.evaluate(_BACKGROUND) == dark
    again = pages.open_in(context)
    again.emulate_media(color_scheme="light")
    assert again.evaluate(_BACKGROUND) == dark  # the choice is remembered

    again.get_by_role("button", name="Dark mode").click()
    again.emulate_media(color_scheme="dark")
    assert again.evaluate(_BACKGROUND) == dark  # it follows the system again


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_page_never_scrolls_sideways(pages: Pages, sample_paths: Samples, text_file: Path, locale: str) -> None:
    page = pages.open(locale=locale, has_touch=True)  # touch devices have one more button
    assert widths_that_scroll(page) == []
    long_name = text_file.rename(text_file.with_name("a" * 120 + ".txt"))
    page.set_input_files("#file", [sample_paths["mug"], long_name])
    expect(page.locator("[data-state=unknown], [data-state=failed]")).to_have_count(2)
    page.locator(".heatmap-toggle").first.click()
    open_details(page)
    assert widths_that_scroll(page) == []


def widths_that_scroll(page: Page) -> list[int]:
    """The screen widths at which the page scrolls sideways."""
    found = []
    for width in (320, 360, 768, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 740})
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(width)
    return found


def test_new_result_scrolls_into_view_on_phone(pages: Pages) -> None:
    page = pages.open(viewport={"width": 360, "height": 740}, has_touch=True)
    page.get_by_role("button", name="Dress").tap()
    expect(titles(page).first).to_be_in_viewport()


def test_keyboard_reaches_everything_in_visual_order(page: Page) -> None:
    def focused() -> str:
        name: str = page.evaluate(
            "() => { const at = document.activeElement;"
            " return at.ariaLabel || at.textContent.trim() || at.labels?.[0]?.textContent.trim(); }"
        )
        return name

    def tab(times: int = 1) -> str:
        for _ in range(times):
            page.keyboard.press("Tab")
        return focused()

    assert [tab(), tab(), tab(), tab()] == ["中文", "Dark mode", "Choose images", "Live camera"]
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    assert tab() == "Or try one of these"
    assert tab(3) == "Dress"
    page.keyboard.press("Enter")
    expect(titles(page)).to_have_text(["Dress"])
    assert tab(6) == "Clear all"
    assert [tab(), tab()] == ["All classes", "Heat map"]
    page.keyboard.press("Space")
    expect(page.locator(".scale")).to_be_visible()
    assert [tab(), tab()] == ["Crop", "Details"]
    page.keyboard.press("Enter")
    assert [tab(), tab()] == ["Copy the curl command for dress.jpg", "Remove dress.jpg"]
    page.keyboard.press("Enter")
    expect(cards(page)).to_have_count(0)
    assert focused() == "Choose images"
    with page.expect_file_chooser():
        page.keyboard.press("Enter")


def test_file_button_shows_its_focus(page: Page) -> None:
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.locator("label.choose")).to_have_css("outline-style", "solid")


@pytest.mark.parametrize("state", ["empty", "result", "unknown", "failed", "waiting"])
def test_axe_finds_no_violations(pages: Pages, sample_paths: Samples, text_file: Path, state: str) -> None:
    page = pages.open(color_scheme="light")
    files = {"result": sample_paths["dress"], "unknown": sample_paths["mug"], "failed": text_file}
    if state == "waiting":
        hold_requests(page)
        choose_files(page, sample_paths["dress"])
        expect(titles(page)).to_have_text(["Classifying…"])
    elif state != "empty":
        choose_files(page, files[state])
        expect(cards(page)).to_have_attribute("data-state", "done" if state == "result" else state)
    if state == "result":
        for name in ("All classes", "Heat map", "Crop"):
            page.get_by_role("button", name=name).click()
        open_details(page)
    assert findings(page) == []
    page.emulate_media(color_scheme="dark")
    assert findings(page) == []


def findings(page: Page) -> list[tuple[str, str]]:
    """Violations that axe-core finds, of any severity: rule and first element."""
    violations = Axe().run(page).response["violations"]
    return [(finding["id"], finding["nodes"][0]["html"]) for finding in violations]


def test_reduced_motion_stops_all_animations(page: Page) -> None:
    page.get_by_role("button", name="Dress").click()
    expect(titles(page)).to_have_text(["Dress"])
    assert page.evaluate("document.getAnimations().length") == 0
