"""Swagger UI at `/docs`: it works under its Content-Security-Policy, at the root and at a stage."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.system.browser.gateway import STAGE, running_gateway

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def stage() -> Iterator[str]:
    """The address of the Lambda handler at a stage of an emulated REST API."""
    with running_gateway() as address:
        yield f"{address}/{STAGE}"


@pytest.mark.parametrize("place", ["server", "stage"])
def test_documentation_calls_the_api_without_console_errors(
    chromium: Browser, place: str, request: pytest.FixtureRequest
) -> None:
    address = request.getfixturevalue(place)
    context = chromium.new_context()
    context.set_default_timeout(60_000)
    page, messages, requests = context.new_page(), [], []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda each: requests.append(each.url))
    page.goto(f"{address}/docs")
    operation = page.locator("#operations-About-health")
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text('"status": "ok"')
    expect(page).to_have_url(f"{address}/docs#/About/health")
    context.close()
    assert messages == []
    assert {url for url in requests if not url.startswith((f"{address}/", "data:", "blob:"))} == set()
