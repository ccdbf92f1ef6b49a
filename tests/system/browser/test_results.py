"""Result cards: scores, model input, heat map, timing, curl command and errors."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.images import encoded, trousers
from tests.system.browser.pages import (
    Pages,
    announcements,
    cards,
    choose_files,
    hold_requests,
    open_details,
    release_requests,
    titles,
)

pytestmark = pytest.mark.browser

Samples = dict[str, Path]
NAME_WITH_SHELL_CHARACTERS = """it's "odd"; a,b $(date) \\.jpg"""


def test_card_shows_three_scores_and_all_on_demand(page: Page, sample_paths: Samples) -> None:
    choose_files(page, sample_paths["ankle-boot"])
    expect(page.locator(".scores li")).to_have_count(3)
    page.get_by_role("button", name="All classes").click()
    expect(page.locator(".scores li")).to_have_count(10)
    expect(page.locator(".scores li").first).to_contain_text("Ankle boot")
    percentages = [float(text.strip("<>% ")) for text in page.locator(".percent").all_inner_texts()]
    assert percentages == sorted(percentages, reverse=True)
    widths = page.locator(".bar i").evaluate_all("bars => bars.map((bar) => parseFloat(bar.style.width))")
    assert widths == pytest.approx(percentages, abs=0.1)


def test_unknown_image_gets_no_guess_but_closest_classes(page: Page) -> None:
    page.get_by_role("button", name="Mug").click()
    expect(titles(page)).to_have_text(["None of these classes"])
    expect(page.locator(".scores li")).to_have_count(0)
    expect(announcements(page)).to_contain_text("mug.jpg: None of these classes. Closest classes: ")
    page.get_by_role("button", name="All classes").click()
    expect(page.locator(".scores li")).to_have_count(10)


def test_card_shows_model_input_pixel_by_pixel(page: Page) -> None:
    page.get_by_role("button", name="Dress").click()
    open_details(page)
    pixels = page.get_by_alt_text("Model input: 28 by 28 pixels")
    expect(pixels).to_be_visible()
    expect(pixels).to_have_css("image-rendering", "pixelated")
    assert pixels.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [28, 28]


def test_heatmap_covers_the_part_that_the_model_saw(page: Page, sample_paths: Samples, tmp_path: Path) -> None:
    sneaker = Image.open(sample_paths["sneaker"])
    moved = tmp_path / "moved.png"
    canvas = Image.new("RGB", (960, 560), sneaker.getpixel((3, 3)))
    canvas.paste(sneaker, (480, 0))  # all of it is in the right half
    canvas.save(moved)
    choose_files(page, moved)
    toggle = page.get_by_role("button", name="Heat map")
    heatmap = page.locator(".preview canvas")
    expect(heatmap).to_be_hidden()

    toggle.click()
    expect(toggle).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("brighter areas counted more for: Sneaker.")).to_be_visible()
    preview, covered = page.locator(".preview").bounding_box(), heatmap.bounding_box()
    assert preview
    assert covered
    assert (covered["x"] - preview["x"]) / preview["width"] == pytest.approx(0.53, abs=0.04)
    assert covered["width"] == pytest.approx(covered["height"], rel=0.02)
    brightest = heatmap.evaluate("canvas => Math.max(...canvas.getContext('2d').getImageData(0, 0, 7, 7).data)")
    assert brightest > 200

    toggle.click()
    expect(heatmap).to_be_hidden()


def test_card_shows_the_timing(page: Page, sample_paths: Samples) -> None:
    choose_files(page, sample_paths["bag"])
    open_details(page)
    time = r"[\d.]+\sm?s"
    expect(page.locator(".timing")).to_have_text(re.compile(f"^Model {time} · server {time} · round trip {time}"))


@pytest.mark.parametrize(
    "name", ["bag.jpg", "two words.jpg", "-.jpg", "-", NAME_WITH_SHELL_CHARACTERS, "包.jpg", "a;type=b.jpg"]
)
def test_copied_command_classifies_the_same_file(
    pages: Pages, sample_paths: Samples, tmp_path: Path, name: str
) -> None:
    page = pages.open(permissions=["clipboard-read", "clipboard-write"])
    choose_files(page, Path(shutil.copy(sample_paths["bag"], tmp_path / name)))
    open_details(page)
    page.get_by_role("button", name=f"Copy the curl command for {name}", exact=True).click()
    expect(page.locator(".copy")).to_have_text("Copied")
    assert run_copied_command(page, tmp_path)["label"] == "Bag"


def test_copied_command_of_sample_downloads_it_first(pages: Pages, tmp_path: Path) -> None:
    page = pages.open(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Sneaker").click()
    open_details(page)
    page.get_by_role("button", name="Copy the curl command").click()
    expect(announcements(page)).to_contain_text("Copied")
    assert run_copied_command(page, tmp_path)["label"] == "Sneaker"


def run_copied_command(page: Page, folder: Path) -> dict[str, object]:
    """Runs the command on the clipboard in `folder` and returns its JSON."""
    command = page.evaluate("navigator.clipboard.readText()")
    completed = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, (command, completed.stderr)
    result: dict[str, object] = json.loads(completed.stdout)
    return result


def test_command_is_selected_where_copying_is_not_allowed(page: Page, sample_paths: Samples) -> None:
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')); }")
    choose_files(page, sample_paths["bag"])
    open_details(page)
    page.get_by_role("button", name="Copy the curl command").click()
    expect(page.get_by_role("status")).to_contain_text("The command is selected")
    assert page.evaluate("getSelection().toString()").startswith("curl -sS -F file=@bag.jpg 'http://127.0.0.1:")


def test_image_without_preview_is_classified(page: Page, sample_paths: Samples, tmp_path: Path) -> None:
    path = tmp_path / "dress.tiff"
    Image.open(sample_paths["dress"]).save(path)
    choose_files(page, path)
    expect(titles(page)).to_have_text(["Dress"])
    expect(page.get_by_text("This browser cannot display the image.")).to_be_visible()
    expect(page.locator(".preview")).to_be_hidden()
    page.get_by_role("button", name="Heat map").click()
    open_details(page)
    expect(page.locator(".pixels canvas")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("notes.txt", b"not an image", "notes.txt is not a supported image.", id="text"),
        pytest.param("half.png", encoded(trousers())[:200], "half.png is damaged or incomplete.", id="half an image"),
        pytest.param("empty.png", b"", "empty.png is empty.", id="empty file"),
        pytest.param("<b>&amp;.txt", b"not an image", "<b>&amp;.txt is not a supported image", id="HTML in the name"),
    ],
)
def test_bad_file_shows_the_reason(page: Page, tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    choose_files(page, path)
    expect(cards(page)).to_contain_text(message)
    expect(announcements(page)).to_contain_text(message)


def test_retry_after_network_error_succeeds(page: Page, sample_paths: Samples) -> None:
    page.route("**/classify?*", lambda route: route.abort())
    choose_files(page, sample_paths["dress"])
    expect(cards(page)).to_contain_text("No response from the server for dress.jpg.")
    page.unroute("**/classify?*")
    page.get_by_role("button", name="Try again").click()
    expect(titles(page)).to_have_text(["Dress"])


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        pytest.param(502, "<h1>Bad Gateway</h1>", "The server failed to process dress.jpg.", id="502"),
        pytest.param(200, "<h1>Please log in</h1>", "Unexpected response for dress.jpg.", id="200 with HTML"),
        pytest.param(200, "{}", "Unexpected response for dress.jpg.", id="200 without predictions"),
        pytest.param(200, "null", "Unexpected response for dress.jpg.", id="200 with null"),
        pytest.param(429, '{"message": "Too Many Requests"}', "Too many requests at the moment", id="429"),
        pytest.param(403, '{"message": "Forbidden"}', "The server rejected dress.jpg: Forbidden", id="403"),
        pytest.param(413, '{"message": "Request Too Long"}', "The file dress.jpg is too large.", id="413"),
    ],
)
def test_proxy_response_becomes_a_sentence(
    page: Page, sample_paths: Samples, status: int, body: str, message: str
) -> None:
    page.route("**/classify?*", lambda route: route.fulfill(status=status, body=body))
    choose_files(page, sample_paths["dress"])
    expect(cards(page)).to_contain_text(message)
    expect(page.get_by_role("button", name="Try again")).to_be_visible(visible=status not in {403, 413})


def test_slow_request_says_that_the_server_may_be_starting(page: Page, sample_paths: Samples) -> None:
    page.clock.install()
    held = hold_requests(page)
    choose_files(page, sample_paths["dress"])
    expect(titles(page)).to_have_text(["Classifying…"])
    page.clock.fast_forward(3000)
    expect(titles(page)).to_have_text(["Still classifying; the server may be starting up"])
    release_requests(page, held)
    expect(titles(page)).to_have_text(["Dress"])
