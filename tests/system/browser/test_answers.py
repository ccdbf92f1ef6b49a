"""What a card says: the answer and its reasons, the time, the command for a shell, and what went wrong."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.pictures import encoded, trousers
from tests.system.browser.visits import Visits, announcements, cards, choose, hold, let_go, verdicts

Samples = dict[str, Path]
ODD_NAME = """it's "odd"; a,b $(date) \\.jpg"""


def test_all_ten_scores_are_shown_the_best_first(page: Page, sample_paths: Samples) -> None:
    choose(page, sample_paths["ankle-boot"])
    expect(page.locator(".scores li")).to_have_count(10)
    expect(page.locator(".scores li").first).to_contain_text("Ankle boot")
    shares = [float(share.strip("<>% ")) for share in page.locator(".percent").all_inner_texts()]
    assert shares == sorted(shares, reverse=True)
    widths = page.locator(".bar i").evaluate_all("bars => bars.map((bar) => parseFloat(bar.style.width))")
    assert widths == pytest.approx(shares, abs=0.1)


def test_a_mug_is_none_of_the_ten_kinds_but_the_nearest_guesses_are_shown(page: Page) -> None:
    page.get_by_role("button", name="Mug").click()
    expect(verdicts(page)).to_have_text(["Not one of my ten kinds"])
    expect(page.locator(".scores li")).to_have_count(10)
    expect(announcements(page)).to_contain_text("mug.jpg: Not one of my ten kinds. The nearest guesses: ")


def test_what_the_model_saw_is_shown_pixel_by_pixel(page: Page) -> None:
    page.get_by_role("button", name="Dress").click()
    pixels = page.get_by_alt_text("The 28 by 28 grey pixels that the model saw")
    expect(pixels).to_be_visible()
    expect(pixels).to_have_css("image-rendering", "pixelated")
    assert pixels.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [28, 28]


def test_where_it_looked_is_laid_over_the_part_that_it_saw(page: Page, sample_paths: Samples, tmp_path: Path) -> None:
    picture = Image.open(sample_paths["sneaker"])
    moved = tmp_path / "moved.png"
    canvas = Image.new("RGB", (960, 560), picture.getpixel((3, 3)))
    canvas.paste(picture, (480, 0))  # all of it is in the right half
    canvas.save(moved)
    choose(page, moved)
    look = page.get_by_role("button", name="Where it looked")
    heat = page.locator(".photo canvas")
    expect(heat).to_be_hidden()

    look.click()
    expect(look).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("Sneaker: the brighter, the more this part spoke for it.")).to_be_visible()
    photo, laid = page.locator(".photo").bounding_box(), heat.bounding_box()
    assert photo
    assert laid
    assert (laid["x"] - photo["x"]) / photo["width"] == pytest.approx(0.53, abs=0.04)
    assert laid["width"] == pytest.approx(laid["height"], rel=0.02)
    brightest = heat.evaluate("heat => Math.max(...heat.getContext('2d').getImageData(0, 0, 7, 7).data)")
    assert brightest > 200

    look.click()
    expect(heat).to_be_hidden()


def test_the_time_that_it_took_is_told(page: Page, sample_paths: Samples) -> None:
    choose(page, sample_paths["bag"])
    time = r"[\d.]+ m?s"
    expect(page.locator(".timing")).to_have_text(re.compile(f"^Model {time} · server {time} · round trip {time}"))


@pytest.mark.parametrize("name", ["bag.jpg", "two words.jpg", "-.jpg", "-", ODD_NAME, "包.jpg", "a;type=b.jpg"])
def test_the_copied_command_sends_the_same_file_to_the_same_place(
    visits: Visits, sample_paths: Samples, tmp_path: Path, name: str
) -> None:
    page = visits.open(permissions=["clipboard-read", "clipboard-write"])
    choose(page, Path(shutil.copy(sample_paths["bag"], tmp_path / name)))
    page.get_by_role("button", name=f"Copy the curl command for {name}", exact=True).click()
    expect(page.locator(".copy")).to_have_text("Copied")
    assert run_copied(page, tmp_path)["label"] == "Bag"


def test_the_command_for_a_sample_works_where_there_is_no_such_file(visits: Visits, tmp_path: Path) -> None:
    page = visits.open(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Sneaker").click()
    page.get_by_role("button", name="Copy the curl command").click()
    expect(announcements(page)).to_contain_text("Copied")
    assert run_copied(page, tmp_path)["label"] == "Sneaker"


def run_copied(page: Page, folder: Path) -> dict[str, object]:
    """The answer that the command on the clipboard gets, run in `folder`."""
    command = page.evaluate("navigator.clipboard.readText()")
    done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stderr)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_a_command_that_may_not_be_copied_is_selected_instead(page: Page, sample_paths: Samples) -> None:
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')); }")
    choose(page, sample_paths["bag"])
    page.get_by_role("button", name="Copy the curl command").click()
    expect(page.get_by_role("status")).to_contain_text("The command is selected")
    assert page.evaluate("getSelection().toString()").startswith("curl -sS -F file=@bag.jpg 'http://127.0.0.1:")


def test_a_picture_that_the_browser_cannot_show_is_classified_all_the_same(
    page: Page, sample_paths: Samples, tmp_path: Path
) -> None:
    path = tmp_path / "dress.tiff"
    Image.open(sample_paths["dress"]).save(path)
    choose(page, path)
    expect(verdicts(page)).to_have_text(["Dress"])
    expect(page.get_by_text("This browser cannot show this kind of picture.")).to_be_visible()
    expect(page.locator(".photo")).to_be_hidden()
    page.get_by_role("button", name="Where it looked").click()
    expect(page.locator(".pixels canvas")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("notes.txt", b"no picture", "notes.txt is not a picture that can be read here."),
        ("half.png", encoded(trousers())[:200], "half.png is damaged or incomplete."),
        ("empty.png", b"", "empty.png is empty."),
        ("<b>&amp;.txt", b"no picture", "<b>&amp;.txt is not a picture"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong_with_it(
    page: Page, tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    choose(page, path)
    expect(cards(page)).to_contain_text(complaint)
    expect(announcements(page)).to_contain_text(complaint)


def test_when_the_server_is_away_one_can_try_again(page: Page, sample_paths: Samples) -> None:
    page.route("**/classify?*", lambda route: route.abort())
    choose(page, sample_paths["dress"])
    expect(cards(page)).to_contain_text("The server does not answer, so dress.jpg is still unseen.")
    page.unroute("**/classify?*")
    page.get_by_role("button", name="Try again").click()
    expect(verdicts(page)).to_have_text(["Dress"])


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (502, "<h1>Bad Gateway</h1>", "The server stumbled over dress.jpg."),
        (200, "<h1>Please log in</h1>", "What came back for dress.jpg is no answer of this service."),
        (200, "{}", "What came back for dress.jpg is no answer of this service."),
        (200, "null", "What came back for dress.jpg is no answer of this service."),
        (429, '{"message": "Too Many Requests"}', "Too many requests at the moment"),
        (403, '{"message": "Forbidden"}', "The server refused dress.jpg: Forbidden"),
        (413, '{"message": "Request Too Long"}', "dress.jpg is too large a file."),
    ],
)
def test_whatever_a_proxy_answers_becomes_a_sentence(
    page: Page, sample_paths: Samples, status: int, body: str, complaint: str
) -> None:
    page.route("**/classify?*", lambda route: route.fulfill(status=status, body=body))
    choose(page, sample_paths["dress"])
    expect(cards(page)).to_contain_text(complaint)
    expect(page.get_by_role("button", name="Try again")).to_be_visible(visible=status not in {403, 413})


def test_a_slow_answer_is_excused(page: Page, sample_paths: Samples) -> None:
    held = hold(page)
    choose(page, sample_paths["dress"])
    expect(verdicts(page)).to_have_text(["Looking"])
    expect(verdicts(page)).to_have_text(["Still at it: the server may just be waking up"])
    let_go(page, held)
    expect(verdicts(page)).to_have_text(["Dress"])
