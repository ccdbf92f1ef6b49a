"""Three voices, by certainty; the outline of what the model looked at; the crop box."""

import json
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.system.browser.pages import Pages, cards, choose_files, hold_requests, release_requests, titles

pytestmark = pytest.mark.browser

Samples = dict[str, Path]


def respond(page: Page, known: bool, confident: bool, scores: dict[str, float]) -> None:
    """Has the server answer with these scores."""
    predictions = [{"label": label, "class_id": i, "score": score} for i, (label, score) in enumerate(scores.items())]
    result = {**predictions[0], "known": known, "known_score": 0.9, "confident": confident, "predictions": predictions}
    page.route("**/classify?*", lambda route: route.fulfill(body=json.dumps(result)))


@pytest.mark.parametrize(
    ("known", "confident", "scores", "title", "message"),
    [
        pytest.param(True, True, {"Dress": 0.97, "Shirt": 0.02}, "Dress", "97.0% confidence", id="sure"),
        pytest.param(
            True, False, {"Dress": 0.6, "Ankle boot": 0.3}, "Perhaps a dress, or an ankle boot", "60.0%", id="unsure"
        ),
        pytest.param(True, False, {"Trouser": 0.7, "Bag": 0.05}, "Perhaps trousers", "70.0%", id="one guess"),
        pytest.param(False, False, {"Bag": 0.9, "Coat": 0.1}, "None of these classes", "something else", id="none"),
    ],
)
def test_title_says_how_certain_the_result_is(  # noqa: PLR0913, PLR0917  a row of the table
    page: Page, sample_paths: Samples, known: bool, confident: bool, scores: dict[str, float], title: str, message: str
) -> None:
    respond(page, known, confident, scores)
    choose_files(page, sample_paths["dress"])
    expect(titles(page)).to_have_text([title])
    expect(cards(page).locator(".message")).to_contain_text(message)


def test_certainty_in_chinese(pages: Pages, sample_paths: Samples) -> None:
    page = pages.open(locale="zh-CN")
    respond(page, True, False, {"T-shirt/top": 0.6, "Trouser": 0.3})
    choose_files(page, sample_paths["dress"])
    expect(titles(page)).to_have_text(["可能是T恤，也可能是裤子"])


def test_outline_surrounds_the_garment(page: Page, sample_paths: Samples, tmp_path: Path) -> None:
    moved = tmp_path / "moved.png"
    sneaker = Image.open(sample_paths["sneaker"])
    canvas = Image.new("RGB", (960, 560), sneaker.getpixel((3, 3)))
    canvas.paste(sneaker, (480, 0))
    canvas.save(moved)
    choose_files(page, moved)
    outline, preview = page.locator(".outline path").last, page.locator(".preview").bounding_box()
    expect(outline).to_be_visible()
    drawn = outline.bounding_box()
    assert preview
    assert drawn
    assert (drawn["x"] - preview["x"]) / preview["width"] > 0.45
    expect(page.get_by_text("The line surrounds what the model looked at.")).to_be_visible()


def two_garments(samples: Samples, folder: Path) -> Path:
    """A bag on the left and a dress on the right."""
    bag, dress = (Image.open(samples[name]).resize((480, 560)) for name in ("bag", "dress"))
    both = Image.new("RGB", (960, 560))
    both.paste(bag, (0, 0))
    both.paste(dress, (480, 0))
    both.save(folder / "both.png")
    return folder / "both.png"


def test_dragged_crop_is_classified_again(page: Page, sample_paths: Samples, tmp_path: Path) -> None:
    choose_files(page, two_garments(sample_paths, tmp_path))
    expect(cards(page)).to_have_attribute("aria-busy", "false")
    page.get_by_role("button", name="Crop").click()
    bounds = page.locator(".preview").bounding_box()
    assert bounds
    for share, action in ((0.02, page.mouse.down), (0.48, page.mouse.up)):
        page.mouse.move(bounds["x"] + share * bounds["width"], bounds["y"] + 2 * share * 0.99 * bounds["height"])
        action()
    page.get_by_role("button", name="Classify this part").click()
    expect(titles(page)).to_have_text(["Bag"])
    page.get_by_role("button", name="Whole image").click()
    expect(page.get_by_role("button", name="Whole image")).to_be_hidden()
    assert page.locator(".image").evaluate("image => image.decode().then(() => image.naturalWidth)") == 960


def test_crop_of_a_waiting_image_replaces_its_request(page: Page, sample_paths: Samples, tmp_path: Path) -> None:
    held = hold_requests(page)
    choose_files(page, two_garments(sample_paths, tmp_path))
    expect(cards(page)).to_have_attribute("data-state", "working")
    page.get_by_role("button", name="Crop").click()
    page.keyboard.press("Shift+ArrowLeft")
    with page.expect_event("requestfailed") as request:
        page.get_by_role("button", name="Classify this part").click()
    assert request.value.failure == "net::ERR_ABORTED"
    while len(held) < 2:  # the test's own time limit ends it
        page.wait_for_timeout(50)
    release_requests(page, held[1:])
    expect(cards(page)).to_have_attribute("aria-busy", "false")
    expect(page.get_by_role("button", name="Whole image")).to_be_visible()


def test_crop_by_keyboard(page: Page, sample_paths: Samples, tmp_path: Path) -> None:
    choose_files(page, two_garments(sample_paths, tmp_path))
    expect(cards(page)).to_have_attribute("aria-busy", "false")
    page.get_by_role("button", name="Crop").click()
    box = page.get_by_role("group", name="Crop box: 10% from the left, 10% from the top, 80% wide, 80% high")
    expect(box).to_be_focused()
    for key, times in (("Shift+ArrowLeft", 16), ("ArrowRight", 20), ("ArrowUp", 5), ("Shift+ArrowDown", 10)):
        for _ in range(times):
            page.keyboard.press(key)
    box = page.get_by_role("group", name="Crop box: 50% from the left, 0% from the top, 48% wide, 100% high")
    expect(box).to_be_focused()
    page.get_by_role("button", name="Classify this part").click()
    expect(titles(page)).to_have_text(["Dress"])
