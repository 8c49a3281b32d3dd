"""The page that programs see at a link with a limit: the way through for a person, and links that admit programs."""

import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from shortener.app import create_app
from shortener.settings import Settings
from tests.clicks import BOT
from tests.client import Client
from tests.conftest import ADMIN_KEY, AUTHORIZED, FIREFOX
from tests.server import eventually
from tests.web.refusals import assert_problem

TARGET = "https://example.com/raffle"
PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FORM = re.compile(r'<form class="ask" method="post" action="([^"]*)">(.*?)</form>', re.DOTALL)
FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
#: By name: user agents that are judged to be programs.
PROGRAMS = {
    "a robot": BOT,
    "a link preview": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "a monitor": "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "curl": "curl/8.5.0",
    "nothing": "",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("limit-page")
    shutil.copy(sqlite_template, folder / "shortener.db")
    settings = Settings(_env_file=None, data_dir=folder, admin_key=ADMIN_KEY, base_url="https://go.example")
    headers = {**PAGE, "user-agent": BOT}
    with Client(
        create_app(settings), follow_redirects=False, headers=headers, base_url="https://go.example"
    ) as opened:
        yield opened


def create(client: TestClient, **fields: Any) -> str:
    """The path of a new link with one slot, unless `fields` say otherwise."""
    answer = client.post("/api/v1/links", json={"target": TARGET, "max_clicks": 1, **fields}, headers=AUTHORIZED)
    assert answer.status_code == 201, answer.text
    return f"/{answer.json()['code']}"


def clicks(client: TestClient, path: str, *, at_least: int) -> dict[str, int]:
    """How many clicks of each class a link has, once it has so many."""

    def found() -> dict[str, int]:
        answer = client.get(
            f"/api/v1/links{path}/stats", params={"class": "human", "interval": "24h"}, headers=AUTHORIZED
        ).json()
        return {kind: n for kind, n in ({"human": answer["totals"]["clicks"]} | answer["excluded"]).items() if n}

    eventually(lambda: sum(found().values()) >= at_least)
    return found()


def send_form(client: TestClient, page: httpx2.Response, **options: Any) -> httpx2.Response:
    """Sends the form on `page` as it is."""
    form = FORM.search(page.text)
    assert form, page.text
    fields = {name: unescape(value) for name, value in FIELD.findall(form[2])}
    return client.post(unescape(form[1]), data=fields, **options)


class TestForm:
    @pytest.mark.parametrize("user_agent", PROGRAMS.values(), ids=list(PROGRAMS))
    def test_a_person_taken_for_a_program_gets_through(self, client: TestClient, user_agent: str) -> None:
        path, agent = create(client), {"user-agent": user_agent}
        page = client.get(path, headers=agent)
        assert page.status_code == 200
        assert "example.com" not in page.text
        answer = send_form(client, page, headers=agent)
        assert (answer.status_code, answer.headers["location"], answer.content) == (303, TARGET, b"")
        assert answer.headers["cache-control"] == "private, no-store"
        assert clicks(client, path, at_least=1) == {"human": 1}
        again = send_form(client, page, headers=agent)
        assert again.status_code == 410

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_the_answer_is_fetched_by_get(self, client: TestClient, status: int) -> None:
        path = create(client, status=status)
        assert send_form(client, client.get(path)).status_code == 303

    @pytest.mark.parametrize(
        ("fields", "behind", "location"),
        [
            pytest.param({"forward_query": True}, "?a=1&b=%2F", f"{TARGET}?a=1&b=%2F", id="query"),
            pytest.param({"forward_path": True}, "/more/of%20it", f"{TARGET}/more/of%20it", id="path"),
            pytest.param(
                {"target": TARGET + "?code={code}", "code": "größe"}, "", f"{TARGET}?code=gr%C3%B6%C3%9Fe", id="code"
            ),
            pytest.param({"rules": [{"target": "https://example.com/r"}]}, "", "https://example.com/r", id="rule"),
        ],
    )
    def test_it_is_answered_as_a_visit_is(
        self, client: TestClient, fields: dict[str, Any], behind: str, location: str
    ) -> None:
        path = create(client, **fields) + behind
        assert send_form(client, client.get(path)).headers["location"] == location

    def test_when_the_last_slot_is_gone_it_leads_where_the_link_leads_then(self, client: TestClient) -> None:
        path = create(client, expired_target="https://example.com/over")
        page = client.get(path)
        locations = [send_form(client, page).headers["location"] for _ in range(2)]
        assert locations == [TARGET, "https://example.com/over"]

    @pytest.mark.parametrize("fields", [{}, {"password": "open sesame"}], ids=["limit", "limit and password"])
    def test_a_link_that_has_ended_since_the_page_was_loaded(
        self, client: TestClient, fields: dict[str, Any]
    ) -> None:
        path = create(client, expired_target="https://example.com/over", **fields)
        page = client.get(path)
        ended = client.patch(f"/api/v1/links{path}", json={"enabled": False}, headers=AUTHORIZED)
        assert ended.status_code == 200
        answer = send_form(client, page)
        assert (answer.status_code, answer.headers["location"]) == (303, "https://example.com/over")
        assert client.post(path, json={}).status_code == 410

    def test_a_link_that_is_not_counted_uses_up_its_slot_too(self, client: TestClient) -> None:
        path = create(client, track=False)
        page = client.get(path)
        assert [send_form(client, page).status_code for _ in range(2)] == [303, 410]

    def test_behind_a_password_the_password_is_asked_for_first(self, client: TestClient) -> None:
        path = create(client, password="open sesame", max_clicks=2)
        page = client.get(path)
        token = re.search(r'name="token" value="([^"]+)"', page.text)
        assert token
        by_password = client.post(path, data={"token": token[1], "password": "open sesame"})
        assert (by_password.status_code, by_password.headers["location"]) == (303, TARGET)
        # From now on there is a cookie, but the browser still looks like a robot's.
        assert send_form(client, client.get(path)).headers["location"] == TARGET
        assert clicks(client, path, at_least=2) == {"human": 2}

    def test_the_form_does_not_open_a_password(self, client: TestClient) -> None:
        client.cookies.clear()
        path = create(client, password="open sesame")
        answer = client.post(path, data={"person": "yes"})
        assert (answer.status_code, "location" in answer.headers) == (200, False)
        assert 'name="password"' in answer.text


#: By name: what `Origin` says, and whether the form is taken.
ORIGINS = {
    "none": (None, True),
    "the page's own": ("https://go.example", True),
    "in capitals": ("HTTPS://GO.EXAMPLE", True),
    "with the default port": ("https://go.example:443", True),
    "hidden": ("null", False),
    "empty": ("", False),
    "another site": ("https://evil.example", False),
    "a host that begins like it": ("https://go.example.evil.example", False),
    "a subdomain": ("https://a.go.example", False),
    "another port": ("https://go.example:8443", False),
    "unencrypted": ("http://go.example", False),
    "an extension": ("chrome-extension://abcdefghijklmnop", False),
    "no origin at all": ("go.example", False),
}


class TestOrigin:
    @pytest.mark.parametrize(("origin", "is_taken"), ORIGINS.values(), ids=list(ORIGINS))
    def test_the_limit_page(self, client: TestClient, origin: str | None, is_taken: bool) -> None:
        path = create(client)
        headers = {} if origin is None else {"origin": origin}
        answer = send_form(client, client.get(path), headers=headers)
        assert answer.status_code == (303 if is_taken else 403)
        assert is_taken or "another site" in answer.text
        assert client.get(path, headers={"user-agent": FIREFOX}).status_code == (410 if is_taken else 302)

    @pytest.mark.parametrize(("origin", "is_taken"), ORIGINS.values(), ids=list(ORIGINS))
    def test_the_password_page(self, client: TestClient, origin: str | None, is_taken: bool) -> None:
        path = create(client, max_clicks=None, password="open sesame")
        token = re.search(r'name="token" value="([^"]+)"', client.get(path).text)
        assert token
        headers = {} if origin is None else {"origin": origin}
        answer = client.post(path, data={"token": token[1], "password": "open sesame"}, headers=headers)
        assert answer.status_code == (303 if is_taken else 403)
        assert is_taken or "another site" in answer.text

    @pytest.mark.parametrize("host", ["localhost:8000", "10.0.0.7", "other.example"])
    def test_a_host_that_is_not_configured_is_our_own_when_it_is_asked(self, client: TestClient, host: str) -> None:
        path, headers = create(client), {"host": host}
        page = client.get(path, headers=headers)
        assert send_form(client, page, headers={**headers, "origin": f"https://{host}"}).status_code == 303


#: By name: what is posted to a link with a limit that is not the form of our page.
OTHER_POSTS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "another form": {"data": {"name": "value"}},
    "json": {"json": {"person": "yes"}},
    "a file": {"files": {"person": b"yes"}},
    "a large form": {"data": {"person": "yes" * 5000}},
    "no form": {"content": b"&&&%ff", "headers": {"content-type": "application/x-www-form-urlencoded"}},
}


@pytest.mark.parametrize("sent", OTHER_POSTS.values(), ids=list(OTHER_POSTS))
def test_other_posts_are_no_form(client: TestClient, sent: dict[str, Any]) -> None:
    path, keeping = create(client), create(client, status=307)
    assert client.post(path, **sent).status_code == 405
    assert client.post(keeping, **sent).status_code == 200  # a program's
    person = {**sent, "headers": {**sent.get("headers", {}), "user-agent": FIREFOX}}
    assert client.post(keeping, **person).status_code == 307


class TestAdmitPrograms:
    @pytest.mark.parametrize(
        ("user_agent", "kind"),
        [
            (PROGRAMS["a robot"], "bot"),
            (PROGRAMS["a link preview"], "preview"),
            (PROGRAMS["a monitor"], "monitor"),
            (PROGRAMS["curl"], "bot"),
            (FIREFOX, "human"),
        ],
    )
    def test_programs_take_slots_and_keep_their_class(self, client: TestClient, user_agent: str, kind: str) -> None:
        path, agent = create(client, admit_programs=True), {"user-agent": user_agent}
        assert client.head(path, headers=agent).status_code == 200
        assert [client.get(path, headers=agent).status_code for _ in range(2)] == [302, 410]
        assert clicks(client, path, at_least=1) == {kind: 1}

    def test_it_can_be_changed(self, client: TestClient) -> None:
        path = create(client)
        shown = client.get(f"/api/v1/links{path}", headers=AUTHORIZED).json()
        assert shown["admit_programs"] is False
        assert client.get(path).status_code == 200
        edited = client.patch(f"/api/v1/links{path}", json={"admit_programs": True}, headers=AUTHORIZED).json()
        assert edited["admit_programs"] is True
        assert client.get(path).status_code == 302

    @pytest.mark.parametrize("value", [None, "yes", 1])
    def test_it_is_true_or_false(self, client: TestClient, value: Any) -> None:
        body = {"target": TARGET, "admit_programs": value}
        assert_problem(client.post("/api/v1/links", json=body, headers=AUTHORIZED), "validation-failed")

    @pytest.mark.parametrize(("admits", "outcome"), [(True, "redirect"), (False, "preview")])
    def test_explain_says_so(self, client: TestClient, admits: bool, outcome: str) -> None:
        path = create(client, admit_programs=admits)
        found = client.post(f"/api/v1/links{path}/explain", json={"user_agent": BOT}, headers=AUTHORIZED).json()
        assert (found["outcome"], found["needs_slot"]) == (outcome, admits)
