"""Every way on which a picture comes in."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.system.browser.visits import Visits, announcements, cards, choose, hand_over, hold, let_go, verdicts

Samples = dict[str, Path]


def test_a_chosen_picture_is_shown_and_classified(page: Page, sample_paths: Samples) -> None:
    choose(page, sample_paths["dress"])
    expect(verdicts(page)).to_have_text(["Dress"])
    expect(cards(page)).to_contain_text("dress.jpg")
    expect(announcements(page)).to_contain_text("dress.jpg: Dress.")
    natural_width = page.get_by_alt_text("The picture dress.jpg").evaluate("image => image.naturalWidth")
    assert natural_width == 480


@pytest.mark.parametrize("event", ["paste", "drop"])
def test_pictures_are_pasted_or_dropped_anywhere(page: Page, sample_paths: Samples, event: str) -> None:
    hand_over(page, event, sample_paths["sneaker"], sample_paths["bag"])
    expect(verdicts(page)).to_have_text(["Sneaker", "Bag"])


@pytest.mark.parametrize(
    ("event", "complaint"),
    [("paste", "There is no picture on the clipboard."), ("drop", "That was no file.")],
)
def test_what_holds_no_picture_is_told_apart(page: Page, event: str, complaint: str) -> None:
    hand_over(page, event)
    expect(page.get_by_role("status")).to_contain_text(complaint)
    expect(cards(page)).to_have_count(0)


def test_a_drag_lights_the_page_up_until_it_leaves(page: Page, sample_paths: Samples) -> None:
    body = page.locator("body")
    hand_over(page, "dragenter", sample_paths["bag"])
    expect(body).to_contain_class("dragging")
    hand_over(page, "dragleave", sample_paths["bag"])
    expect(body).not_to_contain_class("dragging")


@pytest.mark.parametrize(("name", "verdict"), [("Trousers", "Trouser"), ("Ankle boot", "Ankle boot")])
def test_a_sample_is_one_click_away(page: Page, name: str, verdict: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    expect(verdicts(page)).to_have_text([verdict])


def test_a_phone_offers_its_camera(visits: Visits, sample_paths: Samples) -> None:
    page = visits.open(has_touch=True)
    with page.expect_file_chooser() as dialogue:
        page.locator("label.photograph").tap()
    assert dialogue.value.element.get_attribute("capture") == "environment"
    dialogue.value.set_files(sample_paths["bag"])
    expect(verdicts(page)).to_have_text(["Bag"])


def test_a_desktop_does_not_offer_a_camera(page: Page) -> None:
    expect(page.get_by_text("Take a photo")).to_be_hidden()


def test_many_pictures_keep_their_order_and_four_at_a_time_are_sent(page: Page, sample_paths: Samples) -> None:
    held = hold(page)
    names = sorted(sample_paths)
    choose(page, *[sample_paths[name] for name in names])
    expect(cards(page)).to_have_count(8)
    states = cards(page).evaluate_all("cards => cards.map((card) => card.dataset.state)")
    assert states == ["working"] * 4 + ["waiting"] * 4
    assert len(held) == 4

    let_go(page, held)
    expect(page.locator("[data-state=done], [data-state=unknown]")).to_have_count(8)
    assert cards(page).locator(".name").all_inner_texts() == [f"{name}.jpg" for name in names]


def test_one_bad_file_among_others_is_named_and_does_not_stop_them(
    page: Page, sample_paths: Samples, odd_file: Path
) -> None:
    choose(page, sample_paths["bag"], odd_file, sample_paths["dress"])
    expect(verdicts(page)).to_have_text(["Bag", "That did not work", "Dress"])
    expect(cards(page).nth(1)).to_contain_text("notes.txt is not a picture that can be read here.")
    expect(cards(page).nth(1).get_by_role("button", name="Try again")).to_be_hidden()


def test_a_file_that_is_gone_by_the_time_of_its_turn_is_not_mistaken_for_a_dead_server(
    page: Page, sample_paths: Samples, tmp_path: Path
) -> None:
    held = hold(page)
    copy = Path(shutil.copy(sample_paths["bag"], tmp_path / "gone.jpg"))
    choose(page, *[sample_paths[name] for name in ("bag", "dress", "hat", "mug")], copy)
    expect(cards(page).last).to_contain_text("Waiting for its turn")
    copy.unlink()
    let_go(page, held)
    expect(cards(page).last).to_contain_text("gone.jpg cannot be read.")


def test_cards_are_removed_one_by_one_or_all_and_give_their_memory_back(page: Page, sample_paths: Samples) -> None:
    page.evaluate(
        """() => {
          const { createObjectURL, revokeObjectURL } = URL;
          window.held = new Set();
          URL.createObjectURL = (file) => { const url = createObjectURL(file); held.add(url); return url; };
          URL.revokeObjectURL = (url) => { held.delete(url); revokeObjectURL(url); };
        }"""
    )
    choose(page, *[sample_paths[name] for name in ("bag", "dress", "hat")])
    assert page.evaluate("held.size") == 3
    page.get_by_role("button", name="Remove dress.jpg").click()
    expect(cards(page).locator(".name")).to_have_text(["bag.jpg", "hat.jpg"])
    expect(page.get_by_role("button", name="Remove hat.jpg")).to_be_focused()
    assert page.evaluate("held.size") == 2
    page.get_by_role("button", name="Clear all").click()
    expect(cards(page)).to_have_count(0)
    expect(page.get_by_role("heading", name="Results")).to_be_hidden()
    assert page.evaluate("held.size") == 0


def test_a_card_that_is_removed_while_it_waits_ends_its_request(page: Page, sample_paths: Samples) -> None:
    hold(page)
    choose(page, sample_paths["bag"])
    with page.expect_event("requestfailed") as request:
        page.get_by_role("button", name="Remove bag.jpg").click()
    assert request.value.failure == "net::ERR_ABORTED"
    let_go(page, [])
    choose(page, sample_paths["bag"])
    expect(verdicts(page)).to_have_text(["Bag"])
