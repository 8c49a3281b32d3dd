"""Signing in as people do: phone and desktop, light and dark, keyboard and ear."""

import re
import subprocess
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.cli.process import COMMAND, environment
from tests.conftest import ADMIN_KEY
from tests.server import Server


def check(page: Page, picture: Path) -> None:
    """Nothing stands in anyone's way, down to a width of 320 pixels."""
    page.screenshot(path=picture, full_page=True)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    size = page.viewport_size
    assert size is not None
    for width in (size["width"], 320):
        page.set_viewport_size({"width": width, "height": size["height"]})
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"scrolls at {width}"
    page.set_viewport_size(size)
    expect(page.locator("h1")).to_have_count(1)


@pytest.fixture
def link(server: Server) -> str:
    """A new sign-in link."""
    made = subprocess.run(
        [*COMMAND, "signin"], cwd=server.folder, env=environment(), check=True, capture_output=True, text=True
    )
    return made.stdout.strip()


def test_by_the_keyboard_alone(page: Page, server: Server, tmp_path: Path) -> None:
    page.goto(f"{server.url}/admin/?tab=2")
    expect(page.get_by_label("API key")).to_be_focused()
    check(page, tmp_path / "signin.png")
    page.keyboard.type(ADMIN_KEY)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Signed in as preset admin key (admin)")).to_be_visible()
    assert page.url == f"{server.url}/admin/?tab=2"
    check(page, tmp_path / "home.png")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_focused()
    page.goto(f"{server.url}/admin/")
    expect(page.get_by_label("API key")).to_be_visible()


def test_a_wrong_key_is_told_so(page: Page, server: Server, tmp_path: Path) -> None:
    page.goto(f"{server.url}/admin/signin")
    field = page.get_by_label("API key")
    field.fill("a key that opens nothing")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text(re.compile("^(This API key is unknown|Too many wrong keys)"))
    expect(page).to_have_title(re.compile("^Try again"))
    expect(field).to_be_focused()
    expect(field).to_have_value("")
    expect(field).to_have_accessible_description(re.compile("key"))
    check(page, tmp_path / "wrong.png")


def test_by_a_link(page: Page, server: Server, link: str, tmp_path: Path) -> None:
    page.goto(link)
    check(page, tmp_path / "link.png")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Signed in as sign-in (admin)")).to_be_visible()
    page.goto(link)
    expect(page.get_by_text("shortener signin")).to_be_visible()
    check(page, tmp_path / "over.png")
