"""Open the page in a browser, and find things on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, Route, expect

_TIMEOUT_MILLISECONDS = 60_000  # a browser is slow on a busy machine
expect.set_options(timeout=_TIMEOUT_MILLISECONDS)

# Chromium itself logs each failed request to the console.
_FAILED_REQUEST = "Failed to load resource"


@dataclass
class Pages:
    """The pages that one test opens; records console errors and requests to other hosts."""

    browser: Browser
    address: str
    errors: list[str] = field(default_factory=list)
    foreign_requests: list[str] = field(default_factory=list)
    allowed_hosts: list[str] = field(default_factory=list)  # beside the page's own
    _contexts: list[BrowserContext] = field(default_factory=list)

    def open(self, path: str = "/", address: str | None = None, **options: Any) -> Page:
        """Opens the page with an empty storage; `options` are those of Playwright's browser context."""
        return self.open_in(self.new_context(**options), path, address)

    def new_context(self, **options: Any) -> BrowserContext:
        context = self.browser.new_context(**{"locale": "en-GB", "reduced_motion": "reduce"} | options)
        context.set_default_timeout(_TIMEOUT_MILLISECONDS)
        self._contexts.append(context)
        return context

    def open_in(self, context: BrowserContext, path: str = "/", address: str | None = None) -> Page:
        """Opens the page with the storage of `context`."""
        page = self.new_page(context, address)
        page.goto((address or self.address) + path)
        expect(page.locator("#classes li")).to_have_count(10)
        return page

    def new_page(self, context: BrowserContext, address: str | None = None) -> Page:
        page = context.new_page()
        own_host = urlsplit(address or self.address).netloc
        page.on("console", self._record_message)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._record_request(request, own_host))
        page.on(
            "filechooser", lambda _: None
        )  # a listener from the start: Chromium takes a moment to intercept dialogues
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _record_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_FAILED_REQUEST):
            self.errors.append(message.text)

    def _record_request(self, request: Request, own_host: str) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("blob", "data") and url.netloc not in (own_host, *self.allowed_hosts):
            self.foreign_requests.append(request.url)


@contextmanager
def checked_pages(browser: Browser, address: str) -> Iterator[Pages]:
    """Opens the page; fails the test on a console error or a request to another host."""
    pages = Pages(browser, address)
    yield pages
    pages.close()
    assert not pages.errors, pages.errors
    assert not pages.foreign_requests, pages.foreign_requests


def choose_files(page: Page, *paths: Path) -> None:
    """Picks these files in the dialogue that the button opens; their results come first, in this order."""
    with page.expect_file_chooser() as dialogue:
        page.locator("label.choose").click()
    dialogue.value.set_files(paths)


def cards(page: Page) -> Locator:
    return page.locator("#cards > li")


def titles(page: Page) -> Locator:
    """The cards' titles: the predicted class, or the state of the request."""
    return cards(page).get_by_role("heading")


def open_details(page: Page, card: int = 0) -> None:
    """Opens what a card folds away: the model's input, the timing and the command."""
    cards(page).nth(card).locator(".more summary").click()


def announcements(page: Page) -> Locator:
    return page.get_by_role("log")


def hold_requests(page: Page) -> list[Route]:
    """Holds all further requests to classify, and collects them in the returned list."""
    held: list[Route] = []
    page.route("**/classify?*", lambda route: held.append(route))  # noqa: PLW0108  Playwright sets attributes on it
    return held


def release_requests(page: Page, held: list[Route]) -> None:
    """Continues the held requests, the last one first, and holds no further ones."""
    page.route("**/classify?*", lambda route: route.continue_())
    for route in reversed(held):
        route.continue_()


def dispatch_files(page: Page, event: str, *paths: Path) -> None:
    """Dispatches a paste or drag event with these files."""
    files = [{"name": path.name, "bytes": list(path.read_bytes())} for path in paths]
    page.evaluate(
        """([event, files]) => {
          const transfer = new DataTransfer();
          for (const { name, bytes } of files) transfer.items.add(new File([new Uint8Array(bytes)], name));
          const init = { bubbles: true, cancelable: true, clipboardData: transfer, dataTransfer: transfer };
          const made = event === "paste" ? new ClipboardEvent(event, init) : new DragEvent(event, init);
          document.querySelector("h1").dispatchEvent(made);
        }""",
        [event, files],
    )
