"""A page has a short link fetched before anybody clicks; then a person clicks, and is counted, once."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import Referring
from tests.server import Server, eventually

SPECULATION = '<script type="speculationrules">{}</script>'


def speculation(kind: str, url: str) -> str:
    rules = {kind: [{"source": "list", "urls": [url], "eagerness": "immediate"}]}
    return SPECULATION.format(json.dumps(rules))


#: By name: what a page says, so that the browser fetches an address ahead.
AHEAD: dict[str, Callable[[str], str]] = {
    "speculation rules": lambda url: speculation("prefetch", url),
    "prerender": lambda url: speculation("prerender", url),
    "rel=prefetch": lambda url: f'<link rel="prefetch" href="{url}">',
}
#: By name: fields of the link.
LINKS: dict[str, dict[str, Any]] = {"plain": {}, "one slot": {"max_clicks": 1}, "permanent": {"status": 301}}


@pytest.fixture
def person(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser with the user agent that it has before a person's eyes."""
    agent = chromium.new_page().evaluate("navigator.userAgent").replace("HeadlessChrome", "Chrome")
    opened = chromium.new_context(user_agent=agent)
    yield opened
    opened.close()


def prefetches(api: httpx2.Client) -> float:
    lines = api.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("shortener_prefetches_total"))


@contextmanager
def fetched_ahead(api: httpx2.Client) -> Iterator[None]:
    """What is done inside makes the browser fetch ahead."""
    before = prefetches(api)
    yield
    eventually(lambda: prefetches(api) > before, seconds=5.0)


def stats(api: httpx2.Client, code: str) -> dict[str, Any]:
    answer = api.get(f"/api/v1/links/{code}/stats").json()
    return {"human": answer["totals"]["clicks"], **answer["excluded"]}


def click(page: Page) -> None:
    page.get_by_role("link", name="the link").click()
    page.wait_for_load_state()


@pytest.mark.parametrize("ahead", AHEAD.values(), ids=list(AHEAD))
@pytest.mark.parametrize("fields", LINKS.values(), ids=list(LINKS))
def test_the_click_of_a_person_is_counted_once(
    server: Server,
    landing: str,
    referring: Referring,
    person: BrowserContext,
    ahead: Callable[[str], str],
    fields: dict[str, Any],
) -> None:
    with server.client() as api:
        link = api.post("/api/v1/links", json={"target": landing, **fields}).json()
        url = link["short_url"].replace("localhost", "127.0.0.1")
        page = person.new_page()
        with fetched_ahead(api):
            page.goto(referring(f'{ahead(url)}<a href="{url}">the link</a>'))
        assert stats(api, link["code"]) == {"human": 0}
        click(page)
        assert page.url == landing
        eventually(lambda: stats(api, link["code"]) == {"human": 1}, seconds=2.0)


def test_the_answer_to_a_prefetch_leads_on(server: Server, landing: str, person: BrowserContext) -> None:
    """Should a browser show it nevertheless."""
    with server.client() as api:
        code = api.post("/api/v1/links", json={"target": landing}).json()["code"]
    person.set_extra_http_headers({"X-Purpose": "preview"})
    page = person.new_page()
    page.goto(f"{server.url}/{code}?a=1")
    person.set_extra_http_headers({})
    page.get_by_role("link", name="Open the link").click()
    page.wait_for_url(landing)
