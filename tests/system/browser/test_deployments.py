"""The page behind a stage of API Gateway, and with large uploads to S3."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.support.machine import PROJECT, free_port
from tests.support.waiting import wait_until_healthy
from tests.system.browser.gateway import STAGE, running_gateway
from tests.system.browser.pages import Pages, announcements, cards, checked_pages, choose_files, open_details, titles

pytestmark = pytest.mark.browser

Samples = dict[str, Path]
MAX_BODY_BYTES = 35_000  # the samples are smaller


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    """The address of the Lambda handler behind an emulated REST API."""
    with running_gateway() as address:
        yield address


@pytest.fixture(scope="module")
def stack() -> Iterator[str]:
    """The address of the whole stack, as `make run` starts it, with a lower limit for request bodies."""
    port = free_port()
    command = [sys.executable, "-m", "infra.local", "--port", str(port)]
    environment = {**os.environ, "MAX_BODY_BYTES": str(MAX_BODY_BYTES)}
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stderr=subprocess.DEVNULL) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            wait_until_healthy(address, process)
            yield address
        finally:
            process.terminate()


@pytest.fixture
def stack_pages(chromium: Browser, stack: str) -> Iterator[Pages]:
    ticket = httpx2.post(f"{stack}/uploads", timeout=60).json()  # the emulated S3 may still be starting
    with checked_pages(chromium, stack) as pages:
        pages.allowed_hosts.append(urlsplit(ticket["url"]).netloc)
        yield pages


@pytest.mark.parametrize("path", [f"/{STAGE}", f"/{STAGE}/", f"/{STAGE}/?from=somewhere"])
def test_page_at_a_stage_finds_its_files_and_routes(
    pages: Pages, gateway: str, path: str, sample_paths: Samples
) -> None:
    page = pages.open(path, gateway, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Dress").click()
    choose_files(page, sample_paths["bag"])
    expect(titles(page)).to_have_text(["Bag", "Dress"])
    expect(page.get_by_role("link", name="API")).to_have_attribute("href", "docs")
    open_details(page)
    page.get_by_role("button", name="Copy the curl command for bag.jpg").click()
    expect(announcements(page)).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"curl -sS -F file=@bag.jpg '{gateway}/{STAGE}/classify'"
    page.get_by_role("link", name="About the model").click()
    page.wait_for_url(f"{gateway}/{STAGE}/about")
    expect(page.locator("#weaknesses li").first).to_be_visible()
    page.get_by_role("link", name="The model card as JSON").click()
    page.wait_for_url(f"{gateway}/{STAGE}/model")


def test_large_image_is_uploaded_and_classified(stack_pages: Pages, sample_paths: Samples, tmp_path: Path) -> None:
    large = tmp_path / "large.bmp"
    Image.open(sample_paths["trousers"]).save(large)
    page = stack_pages.open()
    choose_files(page, sample_paths["mug"], large)
    expect(titles(page)).to_have_text(["None of these classes", "Trouser"])
    expect(cards(page).last.locator(".scores li").first).to_contain_text("Trouser")
    open_details(page, 1)
    expect(cards(page).last.locator(".timing")).to_contain_text("round trip")
    expect(cards(page).last.locator(".model-input")).to_be_hidden()
    expect(cards(page).last.locator(".curl")).to_be_hidden()


def test_rejected_upload_shows_the_reason(stack_pages: Pages, tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    large.write_bytes(b"not an image " * MAX_BODY_BYTES)
    page = stack_pages.open()
    choose_files(page, large)
    expect(cards(page)).to_contain_text("large.txt is not a supported image.")


def test_large_image_without_uploads_is_too_large(pages: Pages, tmp_path: Path) -> None:
    large = tmp_path / "large.bmp"
    large.write_bytes(b"BM" + bytes(20_000_001))
    page = pages.open()
    choose_files(page, large)
    expect(cards(page)).to_contain_text("large.bmp is too large.")
