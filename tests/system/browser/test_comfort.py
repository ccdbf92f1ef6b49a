"""For whom the page is: English and Chinese, light and dark, phone and desktop, keyboard and screen reader."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from tests.system.browser.visits import Visits, cards, choose, hold, verdicts

Samples = dict[str, Path]

_GROUND = "getComputedStyle(document.body).backgroundColor"


def test_a_chinese_browser_gets_a_chinese_page(visits: Visits) -> None:
    page = visits.open(locale="zh-CN")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page).to_have_title("服装分类器")
    expect(page.locator("#kinds li").first).to_have_text("T恤")
    page.get_by_role("button", name="运动鞋").click()
    expect(verdicts(page)).to_have_text(["运动鞋"])
    expect(page.locator(".scores")).to_contain_text("踝靴")


def test_other_browsers_get_an_english_page(visits: Visits) -> None:
    page = visits.open(locale="fr-FR")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page).to_have_title("Clothes classifier")


def test_the_language_is_switched_with_all_that_is_shown_and_remembered(visits: Visits, odd_file: Path) -> None:
    context = visits.context()
    page = visits.open_in(context)
    page.get_by_role("button", name="Mug").click()
    choose(page, odd_file)
    expect(verdicts(page)).to_have_text(["Not one of my ten kinds", "That did not work"])

    page.get_by_role("button", name="中文").click()
    expect(verdicts(page)).to_have_text(["不属于这十类衣物", "没有成功"])
    expect(cards(page).last).to_contain_text("notes.txt 不是可以识别的图片")
    expect(page.get_by_role("button", name="移除 notes.txt")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")

    again = visits.open_in(context)
    expect(again).to_have_title("服装分类器")
    again.get_by_role("button", name="English").click()
    expect(again).to_have_title("Clothes classifier")


def test_the_page_works_where_the_browser_forbids_storage(visits: Visits) -> None:
    context = visits.context()
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('forbidden'); } })"
    )
    page = visits.open_in(context)
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="深色模式").click()
    expect(page).to_have_title("服装分类器")


def test_the_colours_are_the_system_s_until_others_are_chosen(visits: Visits) -> None:
    context = visits.context(color_scheme="dark")
    page = visits.open_in(context)
    dark = page.evaluate(_GROUND)
    switch = page.get_by_role("button", name="Dark colours")
    expect(switch).to_have_attribute("aria-pressed", "true")

    page.emulate_media(color_scheme="light")
    expect(switch).to_have_attribute("aria-pressed", "false")
    light = page.evaluate(_GROUND)
    assert light != dark

    switch.click()
    assert page.evaluate(_GROUND) == dark
    again = visits.open_in(context)
    again.emulate_media(color_scheme="light")
    assert again.evaluate(_GROUND) == dark  # the choice is remembered

    again.get_by_role("button", name="Dark colours").click()
    again.emulate_media(color_scheme="dark")
    assert again.evaluate(_GROUND) == dark  # it follows the system again


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_nothing_is_wider_than_the_screen(visits: Visits, sample_paths: Samples, odd_file: Path, locale: str) -> None:
    page = visits.open(locale=locale, has_touch=True)  # touch: one button more
    assert widths_that_scroll(page) == []
    long_name = odd_file.rename(odd_file.with_name("a" * 120 + ".txt"))
    page.set_input_files("#file", [sample_paths["mug"], long_name])
    expect(page.locator("[data-state=unknown], [data-state=failed]")).to_have_count(2)
    page.locator(".look").first.click()
    assert widths_that_scroll(page) == []


def widths_that_scroll(page: Page) -> list[int]:
    """The widths of screens on which one would have to scroll sideways."""
    found = []
    for width in (320, 360, 768, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 740})
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(width)
    return found


def test_on_a_phone_the_new_result_comes_into_view(visits: Visits) -> None:
    page = visits.open(viewport={"width": 360, "height": 740}, has_touch=True)
    page.get_by_role("button", name="Dress").tap()
    expect(verdicts(page).first).to_be_in_viewport()


def test_everything_can_be_done_with_the_keyboard_in_the_order_in_which_it_is_seen(page: Page) -> None:
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

    assert [tab(), tab(), tab(), tab()] == ["中文", "Dark colours", "Choose pictures", "T-shirt"]
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    assert tab(2) == "Dress"
    page.keyboard.press("Enter")
    expect(verdicts(page)).to_have_text(["Dress"])
    assert tab(6) == "Clear all"
    assert tab() == "Where it looked"
    page.keyboard.press("Space")
    expect(page.locator(".legend")).to_be_visible()
    assert [tab(), tab()] == ["Copy the curl command for dress.jpg", "Remove dress.jpg"]
    page.keyboard.press("Enter")
    expect(cards(page)).to_have_count(0)
    assert focused() == "Choose pictures"
    with page.expect_file_chooser():
        page.keyboard.press("Enter")


def test_the_focus_on_the_file_button_can_be_seen(page: Page) -> None:
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.locator("label.choose")).to_have_css("outline-style", "solid")


@pytest.mark.parametrize("state", ["empty", "result", "unknown", "failed", "waiting"])
def test_axe_finds_nothing_to_mend(visits: Visits, sample_paths: Samples, odd_file: Path, state: str) -> None:
    page = visits.open(color_scheme="light")
    files = {"result": sample_paths["dress"], "unknown": sample_paths["mug"], "failed": odd_file}
    if state == "waiting":
        hold(page)
        choose(page, sample_paths["dress"])
        expect(verdicts(page)).to_have_text(["Looking"])
    elif state != "empty":
        choose(page, files[state])
        expect(cards(page)).to_have_attribute("data-state", "done" if state == "result" else state)
    if state == "result":
        page.get_by_role("button", name="Where it looked").click()
    assert findings(page) == []
    page.emulate_media(color_scheme="dark")
    assert findings(page) == []


def findings(page: Page) -> list[tuple[str, str]]:
    """What axe-core finds, and where first, of whatever gravity."""
    violations = Axe().run(page).response["violations"]
    return [(finding["id"], finding["nodes"][0]["html"]) for finding in violations]


def test_nothing_moves_for_those_who_asked_for_that(page: Page) -> None:
    page.get_by_role("button", name="Dress").click()
    expect(verdicts(page)).to_have_text(["Dress"])
    assert page.evaluate("document.getAnimations().length") == 0
