"""Visits of the page in a browser, and how a visitor finds things on it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, Route, expect

_PATIENCE_MILLISECONDS = 60_000  # on a busy machine a browser is slow
expect.set_options(timeout=_PATIENCE_MILLISECONDS)

# Chromium itself notes each failed request in the console.
_FAILED_REQUEST = "Failed to load resource"


@dataclass
class Visits:
    """All visits of one test; they note what the console says, and which other hosts are asked."""

    browser: Browser
    address: str
    faults: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    welcome: list[str] = field(default_factory=list)  # hosts beside the page's own
    _contexts: list[BrowserContext] = field(default_factory=list)

    def open(self, path: str = "/", address: str | None = None, **options: Any) -> Page:
        """A visitor of their own, with an empty storage; `options` are Playwright's, for a context."""
        return self.open_in(self.context(**options), path, address)

    def context(self, **options: Any) -> BrowserContext:
        context = self.browser.new_context(**{"locale": "en-GB", "reduced_motion": "reduce"} | options)
        context.set_default_timeout(_PATIENCE_MILLISECONDS)
        self._contexts.append(context)
        return context

    def open_in(self, context: BrowserContext, path: str = "/", address: str | None = None) -> Page:
        """The same visitor again."""
        page = context.new_page()
        home = urlsplit(address or self.address).netloc
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self._note_request(request, home))
        page.on("filechooser", lambda _: None)  # Chromium takes a moment to learn that its dialogues are for the test
        page.goto((address or self.address) + path)
        expect(page.locator("#kinds li")).to_have_count(10)
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_FAILED_REQUEST):
            self.faults.append(message.text)

    def _note_request(self, request: Request, home: str) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("blob", "data") and url.netloc not in (home, *self.welcome):
            self.strangers.append(request.url)


def choose(page: Page, *paths: Path) -> None:
    """As if the visitor had picked these files in the dialogue that the button opens."""
    with page.expect_file_chooser() as dialogue:
        page.locator("label.choose").click()
    dialogue.value.set_files(paths)


def cards(page: Page) -> Locator:
    return page.locator("#cards > li")


def verdicts(page: Page) -> Locator:
    return cards(page).get_by_role("heading")


def announcements(page: Page) -> Locator:
    return page.get_by_role("log")


def hold(page: Page) -> list[Route]:
    """From here on the requests for answers wait, and gather in this list."""
    held: list[Route] = []
    page.route("**/classify?*", lambda route: held.append(route))  # noqa: PLW0108  Playwright marks what it is given
    return held


def let_go(page: Page, held: list[Route]) -> None:
    """The held requests go on, the last one first; later ones are not held."""
    page.route("**/classify?*", lambda route: route.continue_())
    for route in reversed(held):
        route.continue_()


def hand_over(page: Page, event: str, *paths: Path) -> None:
    """A paste or drop event with these files."""
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
