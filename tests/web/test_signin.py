"""The page that asks for a key: what it shows, what it takes, where it leads, and who has to wait."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin

import httpx2
import pytest
import structlog
import time_machine
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from shortener import logs
from shortener.app import create_app
from shortener.domain import access
from shortener.domain.password_tries import FREE_TRIES
from shortener.services import sessions
from shortener.settings import Settings
from shortener.web import deps
from shortener.web.dashboard import addresses
from shortener.web.grants import FORM_SECONDS
from tests.client import Client
from tests.conftest import ADMIN_KEY
from tests.unit.laws import law
from tests.web.browsers import BROWSER, COOKIE, SIGNIN, form_in, is_signed_in, issue, send, sign_in, stored, token_in

WRONG = "a wrong key of 30 characters.."
UNKNOWN = access.compose(bytes(access.ID_BYTES), "A" * 43)


@pytest.fixture
def engine() -> str:
    """One kind of database: nothing here is its doing."""
    return "sqlite"


@pytest.fixture
def browser(app: FastAPI) -> Iterator[TestClient]:
    with Client(app, follow_redirects=False, headers=BROWSER, base_url="https://go.example") as opened:
        yield opened


def by_http(settings: Settings, host: str, base_url: str | None = None) -> TestClient:
    configured = settings.model_copy(update={"base_url": base_url or f"http://{host}"})
    return Client(create_app(configured), follow_redirects=False, headers=BROWSER, base_url=f"http://{host}")


def assert_asked_again(answer: httpx2.Response, status: int, words: str) -> None:
    """Demands the page with what is wrong next to the field, and no session."""
    assert answer.status_code == status
    assert f'id="refusal" role="alert">{words}' in answer.text
    (field,) = form_in(answer).inputs
    assert (field["aria-invalid"], field["aria-describedby"]) == ("true", "refusal")
    assert "<title>Try again: " in answer.text
    assert COOKIE not in str(answer.headers.get_list("set-cookie"))


class TestPage:
    def test_one_field_with_a_label(self, browser: TestClient) -> None:
        answer = browser.get(SIGNIN)
        form = form_in(answer)
        assert (answer.status_code, form.method, form.action) == (200, "post", SIGNIN)
        (field,), (button,) = form.inputs, form.buttons
        assert (field["type"], field["name"], field["id"]) == ("password", "key", "key")
        assert '<label for="key">' in answer.text
        assert button["type"] == "submit"
        assert "aria-invalid" not in field
        assert 'role="alert"' not in answer.text

    @pytest.mark.parametrize(
        ("host", "warns"),
        [
            pytest.param("go.example", True, id="a-name"),
            pytest.param("192.168.1.5:8000", True, id="an-address"),
            pytest.param("localhost.example", True, id="a-name-that-begins-so"),
            pytest.param("localhost:8000", False, id="localhost"),
            pytest.param("127.0.0.1", False, id="ipv4"),
            pytest.param("[::1]:8000", False, id="ipv6"),
        ],
    )
    def test_it_warns_where_others_read_along(self, settings: Settings, host: str, warns: bool) -> None:
        with by_http(settings, host, "http://localhost:8000") as browser:
            assert ("is not encrypted" in browser.get(SIGNIN).text) is warns

    def test_it_does_not_warn_by_https(self, browser: TestClient) -> None:
        assert "is not encrypted" not in browser.get(SIGNIN).text

    def test_signing_in_where_others_read_along(self, settings: Settings) -> None:
        with by_http(settings, "192.168.1.5:8000", "http://localhost:8000") as browser:
            assert sign_in(browser).status_code == 303
            assert is_signed_in(browser)


class TestKey:
    @pytest.mark.parametrize(
        "key",
        [
            pytest.param("", id="empty"),
            pytest.param("   ", id="spaces"),
            pytest.param(WRONG, id="text"),
            pytest.param(UNKNOWN, id="unknown"),
            pytest.param("ключ", id="not-ascii"),
            pytest.param("\x00", id="nul"),
            pytest.param("k" * 60_000, id="very-long"),
        ],
    )
    def test_a_wrong_one(self, browser: TestClient, key: str) -> None:
        answer = sign_in(browser, key)
        assert_asked_again(answer, 401, "This API key is unknown, revoked or expired.")
        assert not key.strip("\x00 ") or key not in answer.text
        assert not is_signed_in(browser)

    @pytest.mark.parametrize("fields", [{"expires_at": "2020-01-01T00:00:00Z"}, {}], ids=["expired", "revoked"])
    def test_one_that_is_over(self, browser: TestClient, fields: dict[str, str]) -> None:
        made = issue(browser, **fields)
        browser.delete(f"/api/v1/keys/{made['id']}", headers={"x-api-key": ADMIN_KEY})
        assert_asked_again(sign_in(browser, made["key"]), 401, "This API key is unknown")

    def test_the_page_that_comes_again_works(self, browser: TestClient) -> None:
        again = form_in(sign_in(browser, WRONG, next="/admin/links?x=1"))
        answer = send(browser, SIGNIN, again.filled(key=ADMIN_KEY))
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/links?x=1")

    def test_wrong_ones_are_logged_as_those_of_the_api(
        self, browser: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(deps, "failed_keys", logs.Bounded())
        with structlog.testing.capture_logs() as lines:
            sign_in(browser, UNKNOWN)
            sign_in(browser, WRONG)
        mine = [line for line in lines if line["event"] == "an API key opens nothing"]
        assert [line["key_id"] for line in mine] == ["000000000000", None]
        assert WRONG not in str(lines)


class TestForeignForms:
    """What another site could have a browser send, or somebody without the page: no session comes of it."""

    def refused(self, answer: httpx2.Response, browser: TestClient) -> None:
        assert answer.status_code == 403, answer.text
        assert COOKIE not in str(answer.headers.get_list("set-cookie"))
        assert not is_signed_in(browser)

    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param({"origin": "https://evil.example"}, id="another-site"),
            pytest.param({"origin": "https://go.example.evil.example"}, id="a-name-that-begins-so"),
            pytest.param({"origin": "http://go.example"}, id="without-https"),
            pytest.param({"origin": "null"}, id="hidden"),
            pytest.param({"origin": ""}, id="empty"),
            pytest.param({"origin": "https://evil.example", "sec-fetch-site": "same-origin"}, id="says-both"),
        ],
    )
    def test_another_origin(self, browser: TestClient, headers: dict[str, str]) -> None:
        self.refused(sign_in(browser, **headers), browser)

    @pytest.mark.parametrize(
        ("site", "is_good"),
        [("same-origin", True), ("same-site", False), ("cross-site", False), ("none", False), (None, False)],
    )
    def test_a_browser_that_sends_no_origin(self, browser: TestClient, site: str | None, is_good: bool) -> None:
        fields = dict(form_in(browser.get(SIGNIN)).filled(key=ADMIN_KEY))
        answer = browser.post(SIGNIN, data=fields, headers={"sec-fetch-site": site} if site else {})
        if is_good:
            assert answer.status_code == 303
        else:
            self.refused(answer, browser)

    def test_a_form_of_another_browser(self, browser: TestClient) -> None:
        theirs = form_in(browser.get(SIGNIN))
        browser.cookies.clear()
        for kept in (False, True):
            if kept:
                browser.get(SIGNIN)
            answer = send(browser, SIGNIN, theirs.filled(key=ADMIN_KEY))
            self.refused(answer, browser)
            assert "This form is too old" in answer.text

    def test_the_form_of_a_link_with_a_password(self, browser: TestClient) -> None:
        link = {"target": "https://example.com/", "code": "guarded", "password": "open sesame"}
        assert browser.post("/api/v1/links", json=link, headers={"x-api-key": ADMIN_KEY}).status_code == 201
        token = token_in(browser.get("/guarded"))
        self.refused(send(browser, SIGNIN, [("token", token), ("key", ADMIN_KEY)]), browser)

    @pytest.mark.parametrize(("age", "is_good"), [(FORM_SECONDS, True), (FORM_SECONDS + 2, False)])
    def test_an_old_one(self, browser: TestClient, age: int, is_good: bool) -> None:
        with time_machine.travel(1_800_000_000, tick=False) as clock:
            form = form_in(browser.get(SIGNIN))
            cookie = f"__Host-shortener_form={browser.cookies['__Host-shortener_form']}"
            clock.shift(timedelta(seconds=age))
            answer = send(browser, SIGNIN, form.filled(key=ADMIN_KEY), cookie=cookie)
        assert answer.status_code == (303 if is_good else 403)

    @pytest.mark.parametrize(
        ("content", "status"),
        [
            pytest.param(b"", 403, id="empty"),
            pytest.param(b"&&&", 403, id="no-fields"),
            pytest.param(b"token=%ff&key=%fe", 403, id="no-utf-8"),
            pytest.param("token=ö&key=ö".encode(), 403, id="no-ascii"),
            pytest.param(b"&".join([b"a=1"] * 2000), 403, id="many-fields"),
            pytest.param(b"a=" + b"x" * 2**17, 413, id="too-large"),
        ],
    )
    def test_what_is_no_form_of_ours(self, browser: TestClient, content: bytes, status: int) -> None:
        browser.get(SIGNIN)
        kind = {"content-type": "application/x-www-form-urlencoded", "origin": "https://go.example"}
        answer = browser.post(SIGNIN, content=content, headers=kind)
        assert answer.status_code == status
        assert not is_signed_in(browser)

    @pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
    def test_another_kind_of_body(self, browser: TestClient, kind: str) -> None:
        fields = str(httpx2.QueryParams(list(form_in(browser.get(SIGNIN)).filled(key=ADMIN_KEY)))).encode()
        answer = browser.post(SIGNIN, content=fields, headers={"content-type": kind, "origin": "https://go.example"})
        self.refused(answer, browser)

    def test_they_use_up_no_try(self, browser: TestClient) -> None:
        before = stored(browser)
        for _ in range(2 * FREE_TRIES):
            sign_in(browser, WRONG, origin="https://evil.example")
            send(browser, SIGNIN, [("token", "x"), ("key", WRONG)])
        assert stored(browser) == before


#: By name: what stands behind `next=`, and where it leads.
NEXT = {
    "a page": ("/admin/links", "/admin/links"),
    "a page with a query": ("/admin/links?tag=a%26b&x=?/", "/admin/links?tag=a%26b&x=?/"),
    "the first page": ("/admin/", "/admin/"),
    "an escaped name": ("/admin/links/gr%C3%B6%C3%9Fe", "/admin/links/gr%C3%B6%C3%9Fe"),
    "a name with dots": ("/admin/a..b/...", "/admin/a..b/..."),
    "nothing": ("", "/admin/"),
    "without a slash": ("/admin", "/admin/"),
    "a short link": ("/hello", "/admin/"),
    "a path that begins so": ("/administrator", "/admin/"),
    "another case": ("/ADMIN/links", "/admin/"),
    "a host": ("//evil.example", "/admin/"),
    "a host and our path": ("//evil.example/admin/", "/admin/"),
    "a host by backslash": ("/\\evil.example", "/admin/"),
    "a host by backslashes": ("\\\\evil.example\\admin\\", "/admin/"),
    "a host behind our path": ("/admin//evil.example", "/admin/"),
    "a backslash in it": ("/admin/\\evil.example", "/admin/"),
    "another site": ("https://evil.example/admin/", "/admin/"),
    "our own site": ("https://go.example/admin/", "/admin/"),
    "without slashes": ("https:evil.example", "/admin/"),
    "a script": ("javascript:alert(1)", "/admin/"),
    "data": ("data:text/html,x", "/admin/"),
    "up": ("/admin/../hello", "/admin/"),
    "up at the end": ("/admin/..", "/admin/"),
    "up and a query": ("/admin/..?x", "/admin/"),
    "here": ("/admin/./links", "/admin/"),
    "up, escaped": ("/admin/%2e%2e/hello", "/admin/"),
    "up, half escaped": ("/admin/.%2E/hello", "/admin/"),
    "up by an escaped slash": ("/admin/x%2f..%2f..%2fhello", "/admin/"),
    "up by an escaped backslash": ("/admin/x%5c..%5c..%5chello", "/admin/"),
    "up deep inside": ("/admin/a/b/../../../hello", "/admin/"),
    "escaped slashes": ("%2F%2Fevil.example", "/admin/"),
    "an escaped slash behind admin": ("/admin%2f..%2fhello", "/admin/"),
    "a line break": ("/admin/\r\nset-cookie: x=y", "/admin/"),
    "a tab, which browsers leave out": ("/admin/.\t./hello", "/admin/"),
    "a tab in front": ("\t//evil.example", "/admin/"),
    "a space in front": (" /admin/", "/admin/"),
    "NUL": ("/admin/\x00", "/admin/"),
    "a fragment": ("/admin/#//evil.example", "/admin/"),
    "no ASCII": ("/admin/größe", "/admin/"),
    "a broken escape": ("/admin/%zz", "/admin/"),
    "very long": ("/admin/" + "x" * 3000, "/admin/"),
}


class TestNext:
    @pytest.mark.parametrize(("asked", "leads"), NEXT.values(), ids=NEXT.keys())
    def test_where_it_leads(self, browser: TestClient, asked: str, leads: str) -> None:
        answer = sign_in(browser, next=asked)
        assert (answer.status_code, answer.headers["location"]) == (303, leads)

    @pytest.mark.parametrize(("asked", "leads"), NEXT.values(), ids=NEXT.keys())
    def test_where_a_form_that_says_so_leads(self, browser: TestClient, asked: str, leads: str) -> None:
        fields = [("token", token_in(browser.get(SIGNIN))), ("key", ADMIN_KEY), ("next", asked)]
        answer = send(browser, SIGNIN, fields)
        assert (answer.status_code, answer.headers["location"]) == (303, leads)

    @pytest.mark.parametrize(
        "path",
        ["/admin/", "/admin/?tab=2&x=%2F"],
    )
    def test_who_is_not_signed_in_comes_back(self, browser: TestClient, path: str) -> None:
        answer = browser.get(path)
        assert answer.status_code == 303
        form = form_in(browser.get(answer.headers["location"]))
        assert send(browser, SIGNIN, form.filled(key=ADMIN_KEY)).headers["location"] == path

    def test_a_host_in_the_request_leads_nowhere(self, browser: TestClient) -> None:
        for path in ("/admin/?//evil.example", "/admin/?next=//evil.example"):
            location = browser.get(path, headers={"host": "evil.example"}).headers["location"]
            assert location.startswith("/admin/signin?next=/admin/%3F")


@law
@given(
    st.text(max_size=40) | st.lists(st.sampled_from(["/", ".", "%2e", "%2F", "\\", "a", "?", "admin"])).map("".join)
)
def test_nothing_leads_out_of_the_administration_pages(behind: str) -> None:
    found = addresses.within(f"/admin/{behind}")
    if found is not None:
        resolved = urljoin("https://go.example/admin/signin", re.sub(r"(?i)%2e", ".", found))
        assert resolved.startswith("https://go.example/admin/")


class TestWaiting:
    """Wrong keys by network, as wrong passwords of links."""

    @pytest.fixture
    def behind_proxy(self, settings: Settings) -> Iterator[TestClient]:
        configured = Settings(_env_file=None, **{**settings.model_dump(), "trusted_proxies": "127.0.0.0/8"})
        with Client(
            create_app(configured),
            follow_redirects=False,
            headers=BROWSER,
            base_url="https://go.example",
            client=("127.0.0.1", 50_000),
        ) as opened:
            yield opened

    @staticmethod
    def attempt(browser: TestClient, key: str, address: str = "203.0.113.7") -> httpx2.Response:
        return sign_in(browser, key, **{"x-forwarded-for": address})

    def test_who_has_tried_too_many(self, behind_proxy: TestClient) -> None:
        browser = behind_proxy
        with time_machine.travel(1_800_000_000, tick=False) as clock:
            answers = Counter(self.attempt(browser, WRONG).status_code for _ in range(30))
            assert answers == {401: FREE_TRIES, 429: 30 - FREE_TRIES}
            waiting = self.attempt(browser, ADMIN_KEY, "203.0.113.99")  # of the same network, and right
            assert_asked_again(waiting, 429, "Too many wrong keys have been tried; try again in 1 second.")
            assert waiting.headers["retry-after"] == "1"
            assert self.attempt(browser, ADMIN_KEY, "203.0.114.7").status_code == 303
            clock.shift(timedelta(seconds=1))
            assert self.attempt(browser, ADMIN_KEY).status_code == 303

    def test_the_wait_doubles(self, behind_proxy: TestClient) -> None:
        waits = []
        with time_machine.travel(1_800_000_000, tick=False) as clock:
            for _ in range(FREE_TRIES + 5):
                while (answer := self.attempt(behind_proxy, WRONG)).status_code == 401:
                    pass
                waits.append(int(answer.headers["retry-after"]))
                clock.shift(timedelta(seconds=waits[-1]))
        assert waits == [2**number for number in range(FREE_TRIES + 5)]

    def test_tries_at_links_are_others(self, behind_proxy: TestClient) -> None:
        browser = behind_proxy
        link = {"target": "https://example.com/", "code": "guarded", "password": "open sesame"}
        assert browser.post("/api/v1/links", json=link, headers={"x-api-key": ADMIN_KEY}).status_code == 201
        with time_machine.travel(1_800_000_000, tick=False):
            for _ in range(FREE_TRIES + 1):
                self.attempt(browser, WRONG)
            said = {"x-link-password": "open sesame", "x-forwarded-for": "203.0.113.7", "accept": "*/*"}
            assert browser.get("/guarded", headers=said).status_code == 302

    def test_many_networks_keep_nobody_out(self, behind_proxy: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("shortener.storage.password_tries.MOST_TRIES", 5)
        for number in range(10):
            assert self.attempt(behind_proxy, WRONG, f"10.0.{number}.1").status_code == 401
        assert self.attempt(behind_proxy, ADMIN_KEY, "10.1.0.1").status_code == 303

    def test_a_line_in_the_log_says_so_within_bounds(
        self, behind_proxy: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sessions, "log", logs.Bounded())
        with time_machine.travel(1_800_000_000, tick=False), structlog.testing.capture_logs() as lines:
            for _ in range(60):
                self.attempt(behind_proxy, WRONG)
        mine = [line for line in lines if line["event"].startswith("a network has to wait")]
        assert 1 <= len(mine) <= 20 * logs.LINES_A_SECOND
        assert (mine[0]["network"], mine[0]["seconds"]) == ("203.0.113.0/24", 1)
        assert WRONG not in str(lines)

    def test_somebody_without_an_address(self, app: FastAPI) -> None:
        with Client(app, headers=BROWSER, base_url="https://go.example", client=("testclient", 1)) as browser:
            assert sign_in(browser, WRONG).status_code == 401
            tries: Any = stored(browser)["password_try"]
            assert len(tries) == 1
