"""Image inputs: file dialogue, camera, clipboard, drag and drop, samples; the queue, and removal."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.system.browser.pages import (
    Pages,
    announcements,
    cards,
    choose_files,
    dispatch_files,
    hold_requests,
    release_requests,
    titles,
)

pytestmark = pytest.mark.browser

Samples = dict[str, Path]


def test_chosen_image_is_previewed_and_classified(page: Page, sample_paths: Samples) -> None:
    choose_files(page, sample_paths["dress"])
    expect(titles(page)).to_have_text(["Dress"])
    expect(cards(page)).to_contain_text("dress.jpg")
    expect(announcements(page)).to_contain_text("dress.jpg: Dress.")
    natural_width = page.get_by_alt_text("Preview of dress.jpg").evaluate("image => image.naturalWidth")
    assert natural_width == 480


@pytest.mark.parametrize("event", ["paste", "drop"])
def test_pasted_or_dropped_images_are_classified(page: Page, sample_paths: Samples, event: str) -> None:
    dispatch_files(page, event, sample_paths["sneaker"], sample_paths["bag"])
    expect(titles(page)).to_have_text(["Sneaker", "Bag"])


@pytest.mark.parametrize(
    ("event", "notice"),
    [("paste", "There is no image on the clipboard."), ("drop", "That was not a file.")],
)
def test_paste_or_drop_without_files_shows_notice(page: Page, event: str, notice: str) -> None:
    dispatch_files(page, event)
    expect(page.get_by_role("status")).to_contain_text(notice)
    expect(cards(page)).to_have_count(0)


def test_drag_highlights_the_page_until_it_leaves(page: Page, sample_paths: Samples) -> None:
    body = page.locator("body")
    dispatch_files(page, "dragenter", sample_paths["bag"])
    expect(body).to_contain_class("dragging")
    dispatch_files(page, "dragleave", sample_paths["bag"])
    expect(body).not_to_contain_class("dragging")


@pytest.mark.parametrize(("name", "label"), [("Trousers", "Trouser"), ("Ankle boot", "Ankle boot")])
def test_click_on_sample_classifies_it(page: Page, name: str, label: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    expect(titles(page)).to_have_text([label])


def test_touch_device_offers_the_camera(pages: Pages, sample_paths: Samples) -> None:
    page = pages.open(has_touch=True)
    with page.expect_file_chooser() as dialogue:
        page.locator("label.camera").tap()
    assert dialogue.value.element.get_attribute("capture") == "environment"
    dialogue.value.set_files(sample_paths["bag"])
    expect(titles(page)).to_have_text(["Bag"])


def test_desktop_does_not_offer_the_camera(page: Page) -> None:
    expect(page.get_by_text("Take a photo")).to_be_hidden()


def test_many_images_keep_their_order_with_four_requests_at_once(page: Page, sample_paths: Samples) -> None:
    held = hold_requests(page)
    names = sorted(sample_paths)
    choose_files(page, *[sample_paths[name] for name in names[:6]])
    expect(page.locator("[data-state=working]")).to_have_count(4)
    states = cards(page).evaluate_all("cards => cards.map((card) => card.dataset.state)")
    assert states == ["working"] * 4 + ["waiting"] * 2
    assert len(held) == 4

    release_requests(page, held)
    expect(page.locator("[data-state=done], [data-state=unknown]")).to_have_count(6)
    assert cards(page).locator(".file-name").all_inner_texts() == [f"{name}.jpg" for name in names[:6]]


def test_bad_file_does_not_stop_the_others(page: Page, sample_paths: Samples, text_file: Path) -> None:
    choose_files(page, sample_paths["bag"], text_file, sample_paths["dress"])
    expect(titles(page)).to_have_text(["Bag", "Classification failed", "Dress"])
    expect(cards(page).nth(1)).to_contain_text("notes.txt is not a supported image.")
    expect(cards(page).nth(1).get_by_role("button", name="Try again")).to_be_hidden()


def test_file_deleted_while_queued_is_unreadable(page: Page, sample_paths: Samples, tmp_path: Path) -> None:
    held = hold_requests(page)
    copy = Path(shutil.copy(sample_paths["bag"], tmp_path / "gone.jpg"))
    choose_files(page, *[sample_paths[name] for name in ("bag", "dress", "hat", "mug")], copy)
    expect(cards(page).last).to_contain_text("Queued")
    copy.unlink()
    release_requests(page, held)
    expect(cards(page).last).to_contain_text("gone.jpg cannot be read.")


def test_removed_cards_free_their_memory(page: Page, sample_paths: Samples) -> None:
    page.evaluate(
        """() => {
          const { createObjectURL, revokeObjectURL } = URL;
          window.objectUrls = new Set();
          URL.createObjectURL = (file) => { const url = createObjectURL(file); objectUrls.add(url); return url; };
          URL.revokeObjectURL = (url) => { objectUrls.delete(url); revokeObjectURL(url); };
        }"""
    )
    choose_files(page, *[sample_paths[name] for name in ("bag", "dress", "hat")])
    assert page.evaluate("objectUrls.size") == 3
    page.get_by_role("button", name="Remove dress.jpg").click()
    expect(cards(page).locator(".file-name")).to_have_text(["bag.jpg", "hat.jpg"])
    expect(page.get_by_role("button", name="Remove hat.jpg")).to_be_focused()
    assert page.evaluate("objectUrls.size") == 2
    page.get_by_role("button", name="Clear all").click()
    expect(cards(page)).to_have_count(0)
    expect(page.get_by_role("heading", name="Results")).to_be_hidden()
    page.get_by_role("button", name="Mug").click()  # nothing to undo any more
    assert page.evaluate("objectUrls.size") == 0


def test_removing_a_card_cancels_its_request(page: Page, sample_paths: Samples) -> None:
    hold_requests(page)
    choose_files(page, sample_paths["bag"])
    with page.expect_event("requestfailed") as request:
        page.get_by_role("button", name="Remove bag.jpg").click()
    assert request.value.failure == "net::ERR_ABORTED"
    release_requests(page, [])
    choose_files(page, sample_paths["bag"])
    expect(titles(page)).to_have_text(["Bag"])
