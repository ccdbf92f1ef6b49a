"""A Chromium for all tests of this folder, and visits that fail if the page misbehaves in any way."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.machine import PROJECT, missing
from tests.system.browser.visits import Visits

SAMPLES = PROJECT / "handler" / "static" / "samples"


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Debian's, or the one that the environment variable CHROMIUM names."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        missing("there is no Chromium: install Debian's, or let CHROMIUM name one")
    # Its event loop belongs to this thread as long as it lives; so it ends before tests outside this folder begin.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visits(chromium: Browser, server: str) -> Iterator[Visits]:
    """Opens the page; afterwards nothing may have been complained of, or asked of other hosts."""
    visits = Visits(chromium, server)
    yield visits
    visits.close()
    assert visits.faults == []
    assert visits.strangers == []


@pytest.fixture
def page(visits: Visits) -> Page:
    """The page on a desktop, in English."""
    return visits.open()


@pytest.fixture
def sample_paths() -> dict[str, Path]:
    """The drawings that the page comes with, by name."""
    return {path.stem: path for path in SAMPLES.glob("*.jpg") if path.stem != "thumbnails"}


@pytest.fixture
def odd_file(tmp_path: Path) -> Path:
    """A file that is no picture."""
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary, today I wore a hat.")
    return path
