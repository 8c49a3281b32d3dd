"""The page at `/{code}+`: what a link is, without following it; and what it keeps to itself."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from shortener.app import create_app
from shortener.settings import Settings
from shortener.web.previews import PreviewOut
from tests.clicks import BOT
from tests.client import Client
from tests.conftest import ADMIN_KEY, AUTHORIZED, FIREFOX
from tests.server import eventually
from tests.web.refusals import assert_problem
from tests.web.waiting import drained

TARGET = "https://example.com/sale?utm=x"
PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
LINK = re.compile(r'<a href="([^"]*)" rel="noreferrer nofollow">([^<]*)</a>')
HIDDEN = {"cache-control": "private, no-store", "x-robots-tag": "noindex"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("previews")
    shutil.copy(sqlite_template, folder / "shortener.db")
    settings = Settings(
        _env_file=None,
        data_dir=folder,
        admin_key=ADMIN_KEY,
        base_url="https://go.example",
        target_schemes=("mailto",),
        not_found_target="https://example.com/lost",
        expired_target="https://example.com/over",
    )
    headers = {**AUTHORIZED, "user-agent": FIREFOX}
    with Client(
        create_app(settings), follow_redirects=False, headers=headers, base_url="https://go.example"
    ) as opened:
        yield opened


@pytest.fixture
def shared(running: TestClient) -> TestClient:
    """Where the database plays no part."""
    running.cookies.clear()
    return running


def create(client: TestClient, **fields: Any) -> str:
    """The path of a new link."""
    answer = client.post("/api/v1/links", json={"target": TARGET, **fields})
    assert answer.status_code == 201, answer.text
    return f"/{answer.json()['code']}"


def clicks(client: TestClient, path: str) -> int:
    drained(client)
    answer = client.get(f"/api/v1/links{path}/stats", params={"class": "human,bot,preview,prefetch,monitor"})
    count: int = answer.json()["totals"]["clicks"]
    return count


def document(answer: httpx2.Response) -> dict[str, Any]:
    """The preview that a program gets."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert {name: answer.headers[name] for name in HIDDEN} == HIDDEN
    found: dict[str, Any] = answer.json()
    PreviewOut.model_validate(found)
    return found


def page(answer: httpx2.Response) -> str:
    """The preview that a browser gets."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert {name: answer.headers[name] for name in HIDDEN} == HIDDEN
    assert "location" not in answer.headers
    return answer.text


class TestOpenLinks:
    def test_programs_get_json(self, client: TestClient) -> None:
        path = create(client, title="Autumn sale", expires_at="2090-01-31T12:00:00Z")
        found = document(client.get(f"{path}+"))
        created = datetime.fromisoformat(found.pop("created_at"))
        assert abs((datetime.now(UTC) - created).total_seconds()) < 60
        assert found == {
            "short_url": f"https://go.example{path}",
            "target": TARGET,
            "withheld": None,
            "has_rules": False,
            "title": "Autumn sale",
            "expires_at": "2090-01-31T12:00:00Z",
        }

    def test_people_get_a_page(self, client: TestClient) -> None:
        path = create(client, title="Autumn sale", expires_at="2090-01-31T12:00:00Z")
        text = page(client.get(f"{path}+", headers=PAGE))
        assert LINK.findall(text) == [(TARGET, TARGET)]
        assert "Autumn sale" in text
        assert "31 January 2090, 12:00 UTC" in text
        assert 'datetime="2090-01-31T12:00:00Z"' in text

    def test_it_is_no_click(self, client: TestClient) -> None:
        path = create(client)
        for headers in ({}, PAGE, {"user-agent": BOT}):
            client.get(f"{path}+", headers=headers)
            client.head(f"{path}+", headers=headers)
        client.get(path)
        assert clicks(client, path) == 1

    @pytest.mark.parametrize("asked", ["+", "%2B", "%2b", "+?utm_source=mail&x"])
    def test_ways_to_ask(self, shared: TestClient, asked: str) -> None:
        path = create(shared)
        assert document(shared.get(path + asked))["target"] == TARGET

    def test_head(self, shared: TestClient) -> None:
        path = create(shared)
        answers = [shared.request(method, f"{path}+", headers=PAGE) for method in ("GET", "HEAD")]
        assert [dict(answer.headers) for answer in answers] == [dict(answers[0].headers)] * 2

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_nothing_else_is_done_with_it(self, shared: TestClient, method: str) -> None:
        path = create(shared, status=307)
        assert shared.request(method, f"{path}+").status_code in {404, 405}

    @pytest.mark.parametrize(
        "title",
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "{{ 7 * 7 }}",
            "&lt;b&gt;",
            "עברית \u202eabc",
        ],
    )
    def test_titles_are_text(self, shared: TestClient, title: str) -> None:
        text = page(shared.get(f"{create(shared, title=title)}+", headers=PAGE))
        found = re.search(r"<bdi>([^<>]*)</bdi></dd>", text)
        assert found
        assert unescape(found[1]) == title

    def test_what_is_no_web_address_is_no_link(self, shared: TestClient) -> None:
        path = create(shared, target="mailto:sales@example.com")
        text = page(shared.get(f"{path}+", headers=PAGE))
        assert "mailto:sales@example.com" in text
        assert 'href="mailto:' not in text

    def test_rules_are_told_of_and_not_told(self, shared: TestClient) -> None:
        rule = {
            "conditions": [{"type": "device", "value": "ios"}],
            "target": "https://apps.example/",
        }
        path = create(shared, rules=[rule])
        found = shared.get(f"{path}+")
        assert (document(found)["has_rules"], "apps.example" in found.text) == (True, False)
        text = page(shared.get(f"{path}+", headers=PAGE))
        assert "rules" in text
        assert "apps.example" not in text
        assert "rules" not in page(shared.get(f"{create(shared)}+", headers=PAGE))

    def test_placeholders_are_filled_as_for_somebody_who_adds_nothing(self, shared: TestClient) -> None:
        path = create(shared, target="https://example.com/{code}/{path}?id={query.id}", forward_query=True)
        assert document(shared.get(f"{path}+?id=7"))["target"] == f"https://example.com{path}/?id="

    def test_an_alias(self, client: TestClient) -> None:
        path = create(client)
        alias = client.post(f"/api/v1/links{path}/aliases", json={"code": "short"})
        assert alias.status_code == 201, alias.text
        found = document(client.get("/short+"))
        assert (found["short_url"], found["target"]) == ("https://go.example/short", TARGET)

    def test_on_a_domain(self, client: TestClient) -> None:
        assert client.post("/api/v1/domains", json={"name": "b.example"}).status_code == 201
        create(client, code="sale", target="https://example.com/all")
        create(client, code="tea", target="https://example.com/all")
        create(client, code="sale", target="https://example.com/b", domain="b.example")
        there = {"host": "b.example"}
        # Domains come with the feed.
        eventually(lambda: document(client.get("/sale+", headers=there))["short_url"] == "https://b.example/sale")
        assert document(client.get("/sale+"))["target"] == "https://example.com/all"
        assert document(client.get("/sale+", headers=there)) | {"created_at": None} == {
            "short_url": "https://b.example/sale",
            "target": "https://example.com/b",
            "withheld": None,
            "has_rules": False,
            "title": None,
            "created_at": None,
            "expires_at": None,
        }
        # What the default domain has answers there too.
        assert document(client.get("/tea+", headers=there))["target"] == "https://example.com/all"


class TestWithheld:
    @pytest.mark.parametrize(
        "headers", [{}, PAGE, {"x-link-password": "open sesame"}], ids=["program", "page", "key"]
    )
    def test_behind_a_password_there_is_nothing(self, client: TestClient, headers: dict[str, str]) -> None:
        fields = {"title": "Secret", "expires_at": "2090-01-31T12:00:00Z", "notes": "hush"}
        path = create(client, password="open sesame", **fields)
        answer = client.get(f"{path}+", headers=headers)
        for secret in ("example.com", "Secret", "2090", "hush", "argon2", str(datetime.now(UTC).year)):
            assert secret not in answer.text
        if headers == PAGE:
            assert "password" in page(answer)
        else:
            assert document(answer)["withheld"] == "password"

    @pytest.mark.parametrize("headers", [{}, PAGE], ids=["program", "page"])
    def test_behind_a_limit_there_is_no_target(self, client: TestClient, headers: dict[str, str]) -> None:
        path = create(client, max_clicks=1, title="Raffle")
        for _ in range(3):
            answer = client.get(f"{path}+", headers=headers)
            assert "example.com" not in answer.text
            assert "Raffle" in answer.text
        assert answer.status_code == 200
        # Looking has used up nothing.
        assert [client.get(path).status_code for _ in range(2)] == [302, 410]

    @pytest.mark.parametrize(
        ("method", "headers"),
        [
            pytest.param("HEAD", PAGE, id="head"),
            pytest.param("GET", {**PAGE, "user-agent": BOT}, id="robot"),
        ],
    )
    def test_who_only_looks_at_a_limited_link_gets_it_too(
        self, client: TestClient, method: str, headers: dict[str, str]
    ) -> None:
        path = create(client, max_clicks=1, title="Raffle", expires_at="2090-01-31T12:00:00Z")
        text = page(client.request(method, path, headers=headers))
        assert "example.com" not in text
        assert method == "HEAD" or "31 January 2090" in text
        assert client.get(path).status_code == 302
        # This one comes by the inbox.
        eventually(lambda: clicks(client, path) == 1)

    def test_when_it_is_used_up_everybody_is_told_so(self, client: TestClient) -> None:
        """Also who never asks for a slot, and asks a worker that has known the link since before."""
        path = create(client, max_clicks=1)
        assert client.get(path).status_code == 302
        robot = {"user-agent": BOT}
        eventually(lambda: client.get(path, headers=robot).status_code == 410)
        assert [client.get(f"{path}{suffix}").status_code for suffix in ("+", ".svg")] == [410, 410]
        history = client.get(f"/api/v1/links{path}/history").json()["data"]
        assert [(entry["kind"], entry["actor"]) for entry in history[:1]] == [("link-exhausted", "click limit")]

    def test_robots_that_take_no_pages_get_json(self, shared: TestClient) -> None:
        path = create(shared, max_clicks=1)
        found = document(shared.get(path, headers={"user-agent": BOT}))
        assert (found["target"], found["withheld"]) == (None, "limit")


class TestNowhere:
    @pytest.mark.parametrize("code", ["nobodys", "no.code", "a+", "+", "docs", "x" * 200])
    def test_an_unknown_code(self, shared: TestClient, code: str) -> None:
        answer = shared.get(f"/{code}+")
        assert_problem(answer, "link-not-found")
        assert "location" not in answer.headers
        assert shared.get(f"/{code}+", headers=PAGE).status_code == 404

    def test_a_link_that_has_not_begun(self, shared: TestClient) -> None:
        path = create(shared, valid_from="2090-01-01T00:00:00Z")
        assert_problem(shared.get(f"{path}+"), "link-not-found")

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            pytest.param({"enabled": False}, "The owner of this link has switched it off.", id="disabled"),
            pytest.param({"expires_at": "2020-01-01T00:00:00Z"}, "This link has expired.", id="expired"),
            pytest.param({"enabled": False, "password": "open sesame"}, "switched it off", id="with-a-password"),
        ],
    )
    def test_a_link_that_is_over(self, shared: TestClient, fields: dict[str, Any], said: str) -> None:
        path = create(shared, **fields)
        assert said in assert_problem(shared.get(f"{path}+"), "link-gone")["detail"]
        gone = shared.get(f"{path}+", headers=PAGE)
        assert gone.status_code == 410
        assert "example.com" not in gone.text

    def test_a_deleted_link(self, client: TestClient) -> None:
        path = create(client)
        assert document(client.get(f"{path}+"))["target"] == TARGET
        assert client.delete(f"/api/v1/links{path}").status_code == 204
        assert_problem(client.get(f"{path}+"), "link-not-found")
