"""Many results: tiles with counts, filter, sort, export, undo; batches with the results that single requests get."""

import csv
import json
import shutil
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.system.browser.pages import cards, choose_files, titles

pytestmark = pytest.mark.browser

Samples = dict[str, Path]


@pytest.fixture
def many(page: Page, sample_paths: Samples, text_file: Path, tmp_path: Path) -> list[Path]:
    """40 classified images and a text file on the page."""
    samples = [sample_paths[name] for name in ("bag", "dress", "mug", "sneaker")]
    paths = [Path(shutil.copy(samples[i % 4], tmp_path / f"{i:02}, {samples[i % 4].name}")) for i in range(40)]
    choose_files(page, *paths, text_file)
    expect(page.locator("#progress")).to_be_hidden()
    return paths


def test_many_images_become_tiles_with_counts(page: Page, many: list[Path]) -> None:
    expect(cards(page)).to_have_count(len(many) + 1)
    expect(page.locator(".tile")).to_have_count(41)
    expect(page.locator("#counts")).to_contain_text("41 images: 10 × ")
    expect(page.locator("#counts")).to_contain_text("10 unknown · 1 failed")


@pytest.mark.usefixtures("many")
def test_filter_and_sort(page: Page) -> None:
    page.locator("#filter").select_option("Failed")
    expect(page.locator("#cards > li:visible .file-name")).to_have_text(["notes.txt"])
    page.locator("#filter").select_option("Dress")
    expect(page.locator("#cards > li:visible")).to_have_count(10)
    page.locator("#filter").select_option("All")
    page.locator("#sort").select_option("Class")
    expect(page.locator(".tile .label").first).to_have_text("Dress")
    expect(page.locator(".tile .label").nth(10)).to_have_text("Sneaker")


def test_exports_equal_the_api(page: Page, many: list[Path], text_file: Path, server: str) -> None:
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    with Path(download.value.path()).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [*(path.name for path in many), "notes.txt"]
    assert (
        rows[-1]["error"]
        == httpx2.post(f"{server}/classify", content=text_file.read_bytes(), timeout=60).json()["detail"]
    )
    for row, path in list(zip(rows, many, strict=False))[:4]:
        api = httpx2.post(f"{server}/classify", content=path.read_bytes(), timeout=60).json()
        assert (row["label"], row["known"]) == (api["label"], str(api["known"]).lower())
        assert float(row["score"]) == pytest.approx(api["score"], abs=1e-6)
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON").click()
    exported = json.loads(Path(download.value.path()).read_text())
    assert [str(each.get("score", "")) for each in exported] == [row["score"] for row in rows]


def test_long_queue_is_sent_in_batches_bounded_in_parallel(page: Page, sample_paths: Samples, tmp_path: Path) -> None:
    held = []
    page.route("**/classify/batch?*", lambda route: held.append(route))  # noqa: PLW0108  Playwright sets attributes on it
    paths = [Path(shutil.copy(sample_paths["bag"], tmp_path / f"{i}.jpg")) for i in range(60)]
    choose_files(page, *paths)
    expect(page.locator("[data-state=working]")).to_have_count(32)
    while len(held) < 4:  # the test's own time limit ends it
        page.wait_for_timeout(50)
    page.wait_for_timeout(300)
    assert len(held) == 4
    page.get_by_role("button", name="Clear all").click()
    page.unroute("**/classify/batch?*")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#counts")).to_have_text("60 images: 60 × Bag")


@pytest.mark.usefixtures("many")
def test_opened_tile_is_a_card_with_an_explanation(page: Page) -> None:
    page.get_by_role("button", name="01, dress.jpg: Dress. Show details").click()
    expect(page.get_by_role("heading", name="Dress", exact=True)).to_be_visible()
    expect(page.locator(".outline")).to_be_visible()
    page.get_by_role("button", name="Show less").click()
    expect(page.get_by_role("button", name="01, dress.jpg: Dress. Show details")).to_be_focused()


def test_tiles_that_become_cards_get_their_outlines(page: Page, sample_paths: Samples, tmp_path: Path) -> None:
    paths = [Path(shutil.copy(sample_paths["dress"], tmp_path / f"{i}.jpg")) for i in range(7)]
    choose_files(page, *paths)
    expect(page.locator("[data-state=done]")).to_have_count(7)
    page.get_by_role("button", name="0.jpg: Dress. Show details").click()
    page.get_by_role("button", name="Remove 0.jpg").click()
    expect(page.locator(".card .outline:visible")).to_have_count(6)


@pytest.mark.usefixtures("many")
def test_cleared_results_can_be_restored(page: Page) -> None:
    page.get_by_role("button", name="Clear all").click()
    expect(cards(page)).to_have_count(0)
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(cards(page)).to_have_count(41)
    expect(page.locator("#counts")).to_contain_text("10 unknown · 1 failed")
    page.get_by_role("button", name="01, dress.jpg: Dress. Show details").click()
    expect(page.locator(".outline")).to_be_visible()


def test_restored_results_are_in_the_language_chosen_meanwhile(page: Page) -> None:
    page.get_by_role("button", name="Dress", exact=True).click()
    expect(titles(page)).to_have_text(["Dress"])
    page.get_by_role("button", name="Clear all").click()
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="撤销").click()
    expect(titles(page)).to_have_text(["连衣裙"])


def test_clearing_cancels_the_requests_of_batches(page: Page, sample_paths: Samples) -> None:
    page.route("**/classify/batch?*", lambda _: None)  # holds them
    with page.expect_request("**/classify/batch?*"):
        choose_files(page, *sample_paths.values())
    with page.expect_event("requestfailed") as request:
        page.get_by_role("button", name="Clear all").click()
    assert request.value.failure == "net::ERR_ABORTED"


def test_newest_result_comes_first(page: Page) -> None:
    for name in ("Bag", "Dress"):
        page.get_by_role("button", name=name, exact=True).click()
    expect(cards(page).locator(".file-name")).to_have_text(["dress.jpg", "bag.jpg"])
