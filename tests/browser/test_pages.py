"""The public pages as people meet them: phone and desktop, light and dark, by keyboard and by screen reader."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.server import Server

PAGES = {"home": "/", "not-found": "/no-such-link", "gone": "/switched-off"}


@pytest.fixture(scope="module", autouse=True)
def gone(server: Server) -> None:
    with server.client() as api:
        api.put("/api/v1/links/switched-off", json={"target": "https://example.com/", "enabled": False})


@pytest.mark.parametrize("name", PAGES)
def test_nothing_stands_in_anyones_way(page: Page, server: Server, name: str, tmp_path: Path) -> None:
    page.goto(server.url + PAGES[name])
    page.screenshot(path=tmp_path / f"{name}.png")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"
    expect(page.locator("h1")).to_have_count(1)


def test_a_wrong_address_says_what_to_do(page: Page, server: Server) -> None:
    answer = page.goto(f"{server.url}/no-such-link")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("main")).to_contain_text("no-such-link")
    expect(page.get_by_role("main")).to_contain_text("capital and small letters")


def test_the_keyboard_reaches_everything(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    reached = set()
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.getAttribute('href') || ''"))
    assert {"/", "/docs"} <= reached


def test_the_reference_shows_every_operation(page: Page, server: Server) -> None:
    with server.client() as api:
        paths = api.get("/openapi.json").json()["paths"]
    page.goto(f"{server.url}/docs")
    operations = page.locator(".opblock-summary-path")
    # On a busy machine a hundred of them take the reference longer than the five seconds that are waited by default.
    expect(operations).to_have_count(sum(map(len, paths.values())), timeout=30_000)
    expect(page.get_by_text("Create a link", exact=True)).to_be_visible()
    shown = {text.replace("\u200b", "") for text in operations.all_inner_texts()}
    assert shown == set(paths)


def test_a_link_can_be_made_from_the_reference(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/docs")
    page.get_by_role("button", name="Authorize", exact=False).first.click()
    page.locator("input[aria-label='auth-bearer-value']").fill(server.key)
    page.locator(".auth-btn-wrapper button[type=submit]").first.click()
    page.locator(".btn-done").first.click()
    operation = page.locator("#operations-links-links_create")
    operation.locator(".opblock-summary-control").click()
    operation.locator("textarea.body-param__text").fill('{"target": "https://example.com/from-the-reference"}')
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table tbody .response-col_status").first).to_have_text(
        re.compile("201")
    )
