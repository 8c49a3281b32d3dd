"""Forms at short links as a browser sends them: what "Back" shows, what is counted, and what is sent along."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Referring
from tests.server import Server, eventually

PASSWORD = "open sesame"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page in a browser that remembers nothing."""
    context = chromium.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def clicks_of(server: Server) -> Iterator[Callable[[str], int]]:
    """How often people and programs have clicked a link, by its address, once the statistics have caught up."""
    with server.client() as api:

        def count(url: str) -> int:
            params = {"class": "human,bot"}
            answer = api.get(f"/api/v1/links/{url.rpartition('/')[2]}/stats", params=params)
            found: int = answer.json()["totals"]["clicks"]
            return found

        yield count


#: By name: fields of a link beside its password, and what is tried before the right one.
BACK: dict[str, tuple[dict[str, Any], list[str]]] = {
    "right at once": ({}, []),
    "after two wrong ones": ({}, ["open barley", "open rye"]),
    "a single slot": ({"max_clicks": 1}, []),
    "a single slot after a wrong one": ({"max_clicks": 1}, ["open barley"]),
    "a method that is kept": ({"status": 308}, []),
}


@pytest.mark.parametrize(("fields", "wrong"), BACK.values(), ids=list(BACK))
@pytest.mark.parametrize("query", ["", "?a=1"])
def test_back_shows_the_form_and_is_no_second_click(
    page: Page,
    server: Server,
    landing: str,
    referring: Referring,
    clicks_of: Callable[[str], int],
    fields: dict[str, Any],
    wrong: list[str],
    query: str,
) -> None:
    with server.client() as api:
        code = api.post("/api/v1/links", json={"target": landing, "password": PASSWORD, **fields}).json()["code"]
    url = f"{server.url}/{code}"
    page.goto(referring(f'<title>before</title><a href="{url}{query}">the link</a>'))
    page.get_by_role("link", name="the link").click()
    for tried in [*wrong, PASSWORD]:
        page.get_by_label("Password").fill(tried)
        page.get_by_role("button", name="Open the link").click()
        page.wait_for_load_state()
    expect(page.locator("h1")).to_have_text("landed")
    eventually(lambda: clicks_of(url) == 1, seconds=5.0)
    for _ in range(len(wrong) + 1):
        page.go_back()
        expect(page.get_by_label("Password")).to_be_visible()
    page.go_back()
    expect(page).to_have_title("before")
    # A click would be counted by now.
    page.wait_for_timeout(500)
    assert clicks_of(url) == 1


def test_where_a_browser_looks_like_a_robot_a_person_uses_the_link_by_a_form(
    page: Page, server: Server, landing: str, clicks_of: Callable[[str], int]
) -> None:
    with server.client() as api:
        link = api.post("/api/v1/links", json={"target": landing, "max_clicks": 1}).json()
    url = f"{server.url}/{link['code']}"
    # Headless Chromium says that it is.
    page.goto(url)
    page.get_by_role("button", name="Use the link").click()
    page.wait_for_url(landing)
    eventually(lambda: clicks_of(url) == 1, seconds=5.0)
    page.goto(url)
    expect(page.locator("h1")).to_have_text("Link gone")


def test_a_page_of_our_own_is_no_referrer(page: Page, server: Server, landing: str) -> None:
    with server.client() as api:
        code = api.post("/api/v1/links", json={"target": landing, "password": PASSWORD}).json()["code"]
    guarded = f"{server.url}/{code}"
    page.goto(f"{guarded}+")
    page.get_by_role("link", name="Enter the password").click()
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_request(guarded + "?") as sent:
        page.get_by_role("button", name="Open the link").click()
    assert sent.value.header_value("origin") == server.url
    assert sent.value.header_value("referer") == guarded
    with server.client() as api:

        def referrers() -> list[Any]:
            params = {"group_by": "referrer", "class": "human,bot"}
            rows = api.get(f"/api/v1/links/{code}/stats", params=params).json()["data"]
            return [(row["value"], row["clicks"]) for row in rows]

        eventually(lambda: referrers() == [(None, 1)], seconds=5.0)
