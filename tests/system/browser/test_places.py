"""Where the page may be served: at a stage of API Gateway, and beside a storage that takes large pictures."""

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
from tests.system.browser.visits import Visits, announcements, cards, choose, verdicts

Samples = dict[str, Path]
MAX_BODY_BYTES = 35_000  # the samples are smaller


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    """The Lambda handler behind something that talks to it as a REST API does."""
    with running_gateway() as address:
        yield address


@pytest.fixture(scope="module")
def stack() -> Iterator[str]:
    """The whole stack, as `make run` starts it, except that little is large to it."""
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
def visits_of_the_stack(chromium: Browser, stack: str) -> Iterator[Visits]:
    visits = Visits(chromium, stack)
    ticket = httpx2.post(f"{stack}/uploads", timeout=60).json()  # the storage may be starting
    visits.welcome.append(urlsplit(ticket["url"]).netloc)
    yield visits
    visits.close()
    assert (visits.faults, visits.strangers) == ([], [])


@pytest.mark.parametrize("path", [f"/{STAGE}", f"/{STAGE}/", f"/{STAGE}/?from=somewhere"])
def test_at_a_stage_the_page_finds_all_that_is_its_own(
    visits: Visits, gateway: str, path: str, sample_paths: Samples
) -> None:
    page = visits.open(path, gateway, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Dress").click()
    choose(page, sample_paths["bag"])
    expect(verdicts(page)).to_have_text(["Dress", "Bag"])
    expect(page.get_by_role("link", name="API")).to_have_attribute("href", "docs")
    page.get_by_role("button", name="Copy the curl command for bag.jpg").click()
    expect(announcements(page)).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"curl -sS -F file=@bag.jpg '{gateway}/{STAGE}/classify'"
    page.get_by_role("link", name="About the model").click()
    page.wait_for_url(f"{gateway}/{STAGE}/model")


def test_a_large_picture_takes_the_way_over_the_storage(
    visits_of_the_stack: Visits, sample_paths: Samples, tmp_path: Path
) -> None:
    large = tmp_path / "large.bmp"
    Image.open(sample_paths["trousers"]).save(large)
    page = visits_of_the_stack.open()
    choose(page, sample_paths["mug"], large)
    expect(verdicts(page)).to_have_text(["Not one of my ten kinds", "Trouser"])
    expect(cards(page).last.locator(".scores li").first).to_contain_text("Trouser")
    expect(cards(page).last.locator(".timing")).to_contain_text("round trip")
    expect(cards(page).last.locator(".seen")).to_be_hidden()
    expect(cards(page).last.locator(".curl")).to_be_hidden()


def test_what_the_worker_rejects_is_told(visits_of_the_stack: Visits, tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    large.write_bytes(b"no picture " * MAX_BODY_BYTES)
    page = visits_of_the_stack.open()
    choose(page, large)
    expect(cards(page)).to_contain_text("large.txt is not a picture that can be read here.")


def test_where_there_is_no_storage_a_large_picture_is_too_large(visits: Visits, tmp_path: Path) -> None:
    large = tmp_path / "large.bmp"
    large.write_bytes(b"BM" + bytes(20_000_001))
    page = visits.open()
    choose(page, large)
    expect(cards(page)).to_contain_text("large.bmp is too large a file.")
