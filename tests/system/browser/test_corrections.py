""" "Wrong? It is ...": a card's control stores what an image really shows, if the server takes corrections."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.conftest import serving
from tests.support.images import trousers
from tests.system.browser.pages import Pages, announcements, cards, checked_pages, choose_files, titles
from tests.system.browser.test_accessibility import findings

pytestmark = pytest.mark.browser

Samples = dict[str, Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corrections")


@pytest.fixture(scope="module")
def correcting_server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that takes corrections."""
    command = ("env", f"CORRECTIONS={folder}", sys.executable, "-m", "handler", "serve")
    with serving(tmp_path_factory.mktemp("server") / "log.txt", command=command) as server:
        yield server.address


@pytest.fixture
def correcting(chromium: Browser, correcting_server: str) -> Iterator[Pages]:
    with checked_pages(chromium, correcting_server) as pages:
        yield pages


def control(page: Page) -> Locator:
    return page.locator(".correction").first


def test_correction_is_chosen_and_sent_by_keyboard(correcting: Pages, folder: Path) -> None:
    page = correcting.open()
    page.get_by_role("button", name="Dress").click()
    choice, send = page.get_by_label("Wrong? It is"), page.get_by_role("button", name="Send")
    expect(send).to_be_disabled()
    choice.focus()
    page.keyboard.type("Shirt")
    expect(choice).to_have_value("6")
    page.keyboard.press("Tab")
    expect(send).to_be_focused()
    page.keyboard.press("Enter")
    thanks = control(page).get_by_text("Thank you. Noted: Shirt.")
    expect(thanks).to_be_focused()
    expect(choice).to_be_hidden()
    expect(announcements(page)).to_contain_text("Thank you. Noted: Shirt.")
    (document,) = (json.loads(path.read_text()) for path in folder.glob("shirt/*.json"))
    assert (document["class_id"], document["guess"]["label"]) == (6, "Dress")
    assert len(list(folder.glob("shirt/*.jpg"))) == 1

    page.get_by_role("button", name="中文").click()
    expect(control(page)).to_contain_text("谢谢，已记录：衬衫。")


def test_correction_of_one_of_many_survives_closing_its_card(correcting: Pages, sample_paths: Samples) -> None:
    page = correcting.open()
    choose_files(page, *sample_paths.values())
    page.get_by_role("button", name="mug.jpg").click()
    page.get_by_label("Wrong? It is").select_option("Bag")
    page.get_by_role("button", name="Send").click()
    expect(control(page)).to_contain_text("Thank you. Noted: Bag.")
    page.get_by_role("button", name="Show less").click()
    page.get_by_role("button", name="mug.jpg").click()
    expect(control(page)).to_contain_text("Thank you. Noted: Bag.")


def test_large_image_is_reduced_before_it_is_sent(correcting: Pages, folder: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.bmp"
    trousers(1200).save(large)
    page = correcting.open()
    choose_files(page, large)
    page.get_by_label("Wrong? It is").select_option("Coat")
    with page.expect_request("**/corrections?*") as sent:
        page.get_by_role("button", name="Send").click()
    expect(control(page)).to_contain_text("Thank you. Noted: Coat.")
    assert large.stat().st_size > 3_000_000
    assert len(sent.value.post_data_buffer or b"") < 500_000
    assert len(list(folder.glob("coat/*.jpg"))) == 1


def test_failure_is_shown_and_can_be_repeated(correcting: Pages) -> None:
    page = correcting.open()
    page.get_by_role("button", name="Dress").click()
    page.route("**/corrections?*", lambda route: route.abort())
    page.get_by_label("Wrong? It is").select_option("None of these classes")
    page.get_by_role("button", name="Send").click()
    expect(control(page)).to_contain_text("No response from the server for dress.jpg.")
    expect(page.get_by_role("button", name="Send")).to_be_focused()
    page.unroute("**/corrections?*")
    page.get_by_role("button", name="Send").click()
    expect(control(page)).to_contain_text("Thank you. Noted: None of these classes.")


def test_axe_finds_no_violations_before_and_after(correcting: Pages) -> None:
    page = correcting.open(viewport={"width": 390, "height": 844})
    page.get_by_role("button", name="Dress").click()
    expect(titles(page)).to_have_text(["Dress"])
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("Wrong? It is").select_option("Coat")
    assert findings(page) == []
    page.get_by_role("button", name="Send").click()
    expect(control(page)).to_contain_text("Thank you.")
    assert findings(page) == []


def test_control_is_absent_if_the_server_takes_no_corrections(page: Page) -> None:
    page.get_by_role("button", name="Dress").click()
    expect(titles(page)).to_have_text(["Dress"])
    expect(cards(page)).to_have_count(1)
    expect(control(page)).to_be_hidden()
