"""Chromium for the tests of this folder, and pages that fail a test on any console error or foreign request."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.machine import PROJECT, missing
from tests.system.browser.pages import Pages, checked_pages

SAMPLES = PROJECT / "handler" / "static" / "samples"


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or the one that the environment variable CHROMIUM names."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        missing("Chromium not found: install Debian's package, or set the environment variable CHROMIUM to its path")
    # Playwright's event loop occupies this thread, so it must stop before tests outside this folder run.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--use-fake-device-for-media-stream"]
        )
        yield browser
        browser.close()


@pytest.fixture
def pages(chromium: Browser, server: str) -> Iterator[Pages]:
    with checked_pages(chromium, server) as pages:
        yield pages


@pytest.fixture
def page(pages: Pages) -> Page:
    """The page on a desktop, in English."""
    return pages.open()


@pytest.fixture
def sample_paths() -> dict[str, Path]:
    """The page's sample images by name."""
    return {path.stem: path for path in SAMPLES.glob("*.jpg") if path.stem != "thumbnails"}


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    """A file that is not an image."""
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary, today I wore a hat.")
    return path
