"""Live camera view, with Chromium's fake camera; images by their address; HEIC; what folds away on a phone."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.system.browser.conftest import SAMPLES
from tests.system.browser.pages import Pages, cards, choose_files, titles

pytestmark = pytest.mark.browser

Samples = dict[str, Path]

# In milliseconds, by the page's own clock: on a busy machine, the test hears of several requests at once.
STARTS_OF_FRAMES = """
performance.getEntriesByType("resource").filter((sent) => sent.name.includes("top_k=3")).map((sent) => sent.startTime)
"""


class _OtherHost(SimpleHTTPRequestHandler):
    """Serves the samples; only those below /shared/ to pages of other hosts. Ends cut.jpg too early."""

    def do_GET(self) -> None:
        if not self.path.endswith("/cut.jpg"):
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        return self.end_headers()

    def end_headers(self) -> None:
        if self.path.startswith("/shared/"):
            self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.removeprefix("/shared"))

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


@pytest.fixture(scope="module")
def other_host() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_OtherHost, directory=SAMPLES)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def paste_text(page: Page, text: str) -> None:
    page.evaluate(
        """(text) => {
          const clipboardData = new DataTransfer();
          clipboardData.setData("text/plain", text);
          document.body.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, clipboardData }));
        }""",
        text,
    )


@pytest.mark.parametrize(
    ("path", "title", "notice"),
    [
        pytest.param("/shared/bag.jpg", ["Bag"], "", id="shared"),
        pytest.param("/bag.jpg", [], "does not let other pages fetch this image", id="not shared"),
        pytest.param("/shared/no.jpg", [], "has no such image (HTTP 404)", id="missing"),
        pytest.param("/shared/cut.jpg", [], "or it is not reachable", id="cut"),
        pytest.param(":80", [], "There is no image on the clipboard.", id="no address"),
    ],
)
def test_pasted_address_is_fetched_or_explained(
    pages: Pages, other_host: str, path: str, title: list[str], notice: str
) -> None:
    pages.allowed_hosts.append(urlsplit(other_host).netloc)
    page = pages.open(bypass_csp=True)  # which allows HTTPS only
    paste_text(page, other_host + path)
    expect(page.get_by_role("status")).to_contain_text(notice)
    expect(titles(page)).to_have_text(title)
    pages.errors[:] = [error for error in pages.errors if "CORS policy" not in error]  # Chromium's own report


def test_address_is_typed_on_touch_screens(pages: Pages, page: Page, other_host: str) -> None:
    expect(page.locator("#address-field")).to_be_hidden()  # there is a clipboard
    phone = pages.open(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, bypass_csp=True)
    pages.allowed_hosts.append(urlsplit(other_host).netloc)
    phone.get_by_label("Address of an image").fill(f"{other_host}/shared/dress.jpg")
    phone.get_by_role("button", name="Open", exact=True).tap()
    expect(titles(phone)).to_have_text(["Dress"])
    phone.get_by_label("Address of an image").fill("ftp://example.com/dress.jpg")
    phone.get_by_role("button", name="Open", exact=True).tap()
    expect(phone.locator("#notice")).to_contain_text("should begin with https://")


def test_address_below_https_passes_the_security_policy(pages: Pages, sample_paths: Samples) -> None:
    pages.allowed_hosts.append("images.example")
    page = pages.open()
    image = sample_paths["bag"].read_bytes()
    cors = {"Access-Control-Allow-Origin": "*", "Content-Type": "image/jpeg"}
    page.route("https://images.example/**", lambda route: route.fulfill(body=image, headers=cors))
    paste_text(page, " https://images.example/my%20bag.jpg\n")
    expect(titles(page)).to_have_text(["Bag"])
    expect(cards(page)).to_contain_text("my bag.jpg")


def test_live_camera_classifies_at_most_five_frames_a_second(pages: Pages) -> None:
    page = pages.open(permissions=["camera"])
    sent: list[str] = []
    page.on("request", lambda request: sent.extend([request.url] if "top_k=3" in request.url else []))
    page.get_by_role("button", name="Live camera").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_attribute("data-voice", "none")  # Chromium's test picture is no garment
    while len(starts := page.evaluate(STARTS_OF_FRAMES)) < 4:  # the test's own time limit ends it
        page.wait_for_timeout(50)
    assert all(later - earlier > 150 for earlier, later in zip(starts, starts[2:], strict=False))
    dialog.get_by_role("button", name="Keep this picture").click()
    expect(dialog).to_be_hidden()
    expect(titles(page)).to_have_text(["None of these classes"])
    assert page.evaluate("document.getElementById('live-video').srcObject") is None
    count = len(sent)
    page.wait_for_timeout(700)
    assert len(sent) <= count + 1


def test_camera_that_is_not_allowed_says_so(pages: Pages) -> None:
    page = pages.open(permissions=[])
    page.get_by_role("button", name="Live camera").click()
    expect(page.get_by_role("dialog")).to_contain_text("The browser was not allowed to use the camera.")
    expect(page.get_by_role("button", name="Keep this picture")).to_be_disabled()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_heic_is_classified_or_explained(page: Page, sample_paths: Samples, tmp_path: Path) -> None:
    named_heic = tmp_path / "bag.heic"
    named_heic.write_bytes(sample_paths["bag"].read_bytes())  # Chromium decodes by content
    other = tmp_path / "notes.heic"
    other.write_text("cannot be decoded")
    choose_files(page, named_heic)
    expect(titles(page)).to_have_text(["Bag"])
    choose_files(page, other)
    expect(cards(page).first).to_contain_text("notes.heic is not a supported image.")


def test_decodable_heic_is_encoded_again_as_a_smaller_jpeg(page: Page) -> None:
    made = page.evaluate(
        """async () => {
          const { readableFile } = await import("./static/heic.js");
          const canvas = new OffscreenCanvas(3000, 1500);
          canvas.getContext("2d").fillRect(0, 0, 3000, 1500);
          const file = new File([await canvas.convertToBlob()], "PHOTO.HEIC"); // Chromium decodes it by its content
          const readable = await readableFile(file);
          const { width, height } = await createImageBitmap(readable);
          return [readable.type, width, height];
        }"""
    )
    assert made == ["image/jpeg", 2000, 1000]


def test_phone_takes_a_photo_first_and_folds_the_rest_after_a_result(pages: Pages) -> None:
    page = pages.open(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    tops = page.locator(".choices > *").evaluate_all("all => all.map((each) => each.textContent.trim())")
    assert tops == ["Take a photo", "Choose images", "Live camera"]
    expect(page.get_by_text("Take a photo")).to_be_visible()
    expect(page.get_by_text("drop or paste")).to_be_hidden()
    expect(page.locator(".intro")).to_be_visible()
    page.get_by_role("button", name="Dress").tap()
    expect(titles(page)).to_have_text(["Dress"])
    expect(page.locator(".intro")).to_be_hidden()
    expect(page.get_by_role("button", name="Mug")).to_be_hidden()
    page.locator("#samples-title").tap()
    expect(page.get_by_role("button", name="Mug")).to_be_visible()
