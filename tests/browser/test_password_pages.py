"""Links with a password, and previews, as people meet them: phone and desktop, light and dark, keyboard and ear."""

import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.server import Server

PASSWORD = "open sesame"
LONG = "https://example.com/" + "a-very-long-way/" * 12 + "?" + "&".join(f"parameter{n}=value{n}" for n in range(20))
RULE = {"conditions": [{"type": "device", "value": "ios"}], "target": "https://example.com/app"}
LINKS: dict[str, dict[str, Any]] = {
    "guarded": {"password": PASSWORD},
    "plain": {"title": "Autumn sale, with everything in it", "expires_at": "2090-01-31T12:00:00Z", "rules": [RULE]},
    "long": {"target": LONG, "title": "x" * 200},
    "limited": {"max_clicks": 100},
}
#: Headless Chromium says what it is, and gets the page for programs at the limited link.
PAGES = {"password": "/guarded", "limit": "/limited", **{f"preview-{code}": f"/{code}+" for code in LINKS}}


@pytest.fixture(scope="module", autouse=True)
def links(server: Server, landing: str) -> None:
    with server.client() as api:
        for code, fields in LINKS.items():
            answer = api.put(f"/api/v1/links/{code}", json={"target": landing, **fields})
            assert answer.status_code in {200, 201}, answer.text


@pytest.fixture
def guarded(server: Server, landing: str) -> str:
    """The address of a new link with a password: wrong tries in one test must not be another's."""
    with server.client() as api:
        answer = api.post("/api/v1/links", json={"target": landing, "password": PASSWORD})
        return f"{server.url}/{answer.json()['code']}"


def check(page: Page, picture: Path) -> None:
    """Nothing stands in anyone's way."""
    page.screenshot(path=picture, full_page=True)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"
    expect(page.locator("h1")).to_have_count(1)


@pytest.mark.parametrize("name", PAGES)
def test_pages(page: Page, server: Server, name: str, tmp_path: Path) -> None:
    page.goto(server.url + PAGES[name])
    check(page, tmp_path / f"{name}.png")


def test_the_password_opens_the_link(page: Page, guarded: str, landing: str) -> None:
    page.goto(guarded)
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("landed")
    assert page.url == landing
    # Once said, it is not asked for again, and the link is left as it came.
    page.goto(guarded)
    assert page.url == landing


def test_a_wrong_one_is_told_so(page: Page, guarded: str, tmp_path: Path) -> None:
    page.goto(guarded)
    field = page.get_by_label("Password")
    field.fill("open barley")
    page.get_by_role("button", name="Open the link").click()
    expect(page.get_by_role("alert")).to_have_text("That is not the password.")
    expect(page).to_have_title(re.compile("^Try again"))
    expect(field).to_be_focused()
    expect(field).to_have_value("")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("That is not the password.")
    check(page, tmp_path / "wrong.png")
    field.fill(PASSWORD)
    field.press("Enter")
    expect(page.locator("h1")).to_have_text("landed")


def test_the_keyboard_goes_through_the_form(page: Page, guarded: str) -> None:
    page.goto(guarded)
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Open the link")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("h1")).to_have_text("landed")


def test_a_preview_leads_to_the_target_and_not_through_the_link(page: Page, server: Server, landing: str) -> None:
    page.goto(f"{server.url}/plain+")
    expect(page.get_by_text("31 January 2090")).to_be_visible()
    with page.expect_navigation() as going:
        page.get_by_role("link", name=landing).click()
    assert going.value.request.redirected_from is None
    assert going.value.request.header_value("referer") is None
    assert page.url == landing


def test_a_preview_behind_a_password_leads_to_the_form(page: Page, guarded: str) -> None:
    page.goto(f"{guarded}+")
    page.get_by_role("link", name="Enter the password").click()
    expect(page.get_by_label("Password")).to_be_focused()
