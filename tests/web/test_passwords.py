"""Links with a password as their visitors meet them: the form, the grant, the header, and how often one may try."""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import httpx2
import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select, update
from starlette.requests import Request
from starlette.testclient import TestClient

from shortener.app import create_app
from shortener.domain.password_tries import FREE_TRIES
from shortener.services.passwords import Passwords
from shortener.settings import Settings
from shortener.storage.engine import Database
from shortener.storage.tables import link, password_try
from shortener.web import forms
from shortener.web.forms import MAX_BYTES
from shortener.web.grants import FORM_SECONDS, GRANT_SECONDS
from tests.client import Client
from tests.conftest import ADMIN_KEY, AUTHORIZED, FIREFOX
from tests.unit.laws import law
from tests.web.refusals import assert_problem
from tests.web.waiting import drained

TARGET = "https://example.com/secret-sale"
TITLE = "Secret title"
RIGHT, WRONG = "open sesame", "open barley"
BROWSER = {"user-agent": FIREFOX, "accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
#: Anything but pages.
PROGRAM = {"accept": "*/*"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
TOKEN = re.compile(r'name="token" value="([^"]+)"')
#: Where the tests themselves are.
PROXIES = "127.0.0.0/8"
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def site_settings(settings: Settings) -> Settings:
    return Settings(_env_file=None, **{**settings.model_dump(), "trusted_proxies": PROXIES})


def visitors(settings: Settings, **options: Any) -> TestClient:
    """Browsers behind a proxy."""
    base_url = settings.public_url
    return Client(
        create_app(settings, **options),
        follow_redirects=False,
        headers=BROWSER,
        base_url=base_url,
        client=("127.0.0.1", 50_000),
    )


@pytest.fixture
def client(site_settings: Settings) -> Iterator[TestClient]:
    """On either database."""
    with visitors(site_settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("passwords")
    shutil.copy(sqlite_template, folder / "shortener.db")
    options: dict[str, Any] = {"data_dir": folder, "admin_key": ADMIN_KEY, "base_url": "https://go.example"}
    with visitors(Settings(_env_file=None, trusted_proxies=PROXIES, **options)) as opened:
        yield opened


@pytest.fixture
def shared(running: TestClient) -> TestClient:
    """A browser that keeps nothing yet, for what is not the database's doing."""
    running.cookies.clear()
    return running


def create(client: TestClient, **fields: Any) -> str:
    """The path of a new link with a password."""
    answer = client.post(
        "/api/v1/links", json={"target": TARGET, "password": RIGHT, "title": TITLE, **fields}, headers=AUTHORIZED
    )
    assert answer.status_code == 201, answer.text
    return f"/{answer.json()['code']}"


def edit(client: TestClient, code: str, **fields: Any) -> None:
    assert client.patch(f"/api/v1/links{code}", json=fields, headers=AUTHORIZED).status_code == 200


def clicks(client: TestClient, path: str) -> int:
    drained(client)
    answer = client.get(f"/api/v1/links{path}/stats", params={"class": "human,bot,preview"}, headers=AUTHORIZED)
    count: int = answer.json()["totals"]["clicks"]
    return count


def token(client: TestClient, path: str) -> str:
    """That of a new form."""
    found = TOKEN.search(client.get(path).text)
    assert found
    return found[1]


def say(client: TestClient, path: str, password: str = RIGHT, **options: Any) -> httpx2.Response:
    """Fills in the form at `path` and sends it."""
    return client.post(path, data={"token": token(client, path), "password": password}, **options)


def tries(client: TestClient, path: str) -> int:
    """How many have been used up on a link, by all networks."""
    database: Database = client.app.state.parts.database  # type: ignore[attr-defined]
    with database.read() as connection:
        query = select(password_try.c.id).join(link, link.c.id == password_try.c.link_id)
        where = (link.c.code == path[1:], link.c.deleted_at.is_(None))
        return len(connection.execute(query.where(*where)).all())


def cookie(answer: httpx2.Response, name: str) -> dict[str, str]:
    """The attributes of a cookie that is set; its value is under its name."""
    (header,) = (value for value in answer.headers.get_list("set-cookie") if value.startswith(name))
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return {key if key.startswith(name) else key.lower(): value for key, _, value in pairs}


def assert_form(answer: httpx2.Response, status: int = 200) -> None:
    """Demands the page that asks, and that it gives nothing away."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert "location" not in answer.headers
    assert TOKEN.search(answer.text)
    for secret in (TARGET, "example.com", TITLE, RIGHT, WRONG, "argon2"):
        assert secret not in answer.text
    assert ('role="alert"' in answer.text) == (status != 200)


class TestForm:
    def test_who_has_not_said_it_is_asked(self, client: TestClient) -> None:
        path = create(client)
        answer = client.get(path)
        assert_form(answer)
        kept = cookie(answer, "__Host-shortener_form")
        assert {key: value for key, value in kept.items() if key != "__Host-shortener_form"} == {
            "httponly": "",
            "max-age": str(FORM_SECONDS),
            "path": "/",
            "samesite": "lax",
            "secure": "",
        }
        assert clicks(client, path) == 0

    def test_who_says_it_is_let_in_and_counted_once(self, client: TestClient) -> None:
        path = create(client)
        answer = say(client, path)
        assert (answer.status_code, answer.headers["location"], answer.content) == (303, TARGET, b"")
        assert answer.headers["cache-control"] == "private, no-store"
        assert clicks(client, path) == 1
        again = client.get(path)
        assert (again.status_code, again.headers["location"]) == (302, TARGET)
        assert again.headers["cache-control"] == "private, no-store"
        assert clicks(client, path) == 2
        assert tries(client, path) == 0

    def test_what_the_browser_keeps(self, client: TestClient) -> None:
        path = create(client)
        kept = cookie(say(client, path), "__Host-shortener_grant_")
        (name,) = (key for key in kept if key.startswith("__Host-shortener_grant_"))
        assert name.removeprefix("__Host-shortener_grant_").isdecimal()
        del kept[name]
        attributes = {"httponly": "", "max-age": str(GRANT_SECONDS), "path": "/", "samesite": "lax", "secure": ""}
        assert kept == attributes

    @on_sqlite
    def test_without_https_cookies_need_none(self, site_settings: Settings) -> None:
        with visitors(site_settings.model_copy(update={"base_url": "http://go.example"})) as client:
            path = create(client)
            answer = say(client, path)
            assert "secure" not in cookie(answer, "shortener_grant_")
            assert client.get(path).status_code == 302

    def test_who_says_another_is_asked_again(self, client: TestClient) -> None:
        path = create(client)
        answer = say(client, path, WRONG)
        assert_form(answer, 403)
        assert "That is not the password." in answer.text
        assert "shortener_grant_" not in str(answer.headers)
        assert client.get(path).status_code == 200
        assert tries(client, path) == 1

    def test_the_form_that_comes_again_works(self, client: TestClient) -> None:
        path = create(client)
        again = TOKEN.search(say(client, path, WRONG).text)
        assert again
        answer = client.post(path, data={"token": again[1], "password": RIGHT})
        assert answer.status_code == 303

    @pytest.mark.parametrize(
        "behind",
        [
            pytest.param("?a=1&b=%2F%3F&c", id="query"),
            pytest.param("/", id="slash"),
            pytest.param("/more/than%20this?x=y", id="path"),
            pytest.param("//evil.example/", id="two-slashes"),
            pytest.param("?%0d%0aset-cookie:%20x=y", id="line-break"),
            pytest.param("/%5C%5Cevil.example", id="backslashes"),
        ],
    )
    def test_path_and_query_stay(self, shared: TestClient, behind: str) -> None:
        path = create(shared, forward_path=True, forward_query=True)
        by_form, again = say(shared, path + behind), shared.get(path + behind)
        assert (by_form.status_code, again.status_code) == (303, 302)
        assert by_form.headers["location"] == again.headers["location"]
        assert again.headers["location"].startswith(TARGET)

    def test_a_code_that_is_written_in_another_way(self, shared: TestClient) -> None:
        create(shared, code="größe", forward_query=True)
        answer = say(shared, "/%67ro%CC%88%C3%9Fe?q=%C3%B6")
        assert answer.headers["location"] == f"{TARGET}?q=%C3%B6"

    def test_the_longest_password(self, shared: TestClient) -> None:
        longest = "😀" * 256
        path = create(shared, password=longest)
        assert say(shared, path, longest).status_code == 303

    def test_a_redirect_never_carries_the_password_on(self, shared: TestClient) -> None:
        """307 and 308 would keep the body."""
        for status in (307, 308):
            path = create(shared, status=status)
            form = {"token": token(shared, path), "password": RIGHT}
            # The second time, as after the back button, there is a grant already.
            assert [shared.post(path, data=form).status_code for _ in range(2)] == [303, 303]
            assert shared.get(path).status_code == status


#: What comes instead of a form of ours, as fields or as it is.
NO_FORMS: dict[str, Any] = {
    "no token": {"password": RIGHT},
    "an empty token": {"token": "", "password": RIGHT},
    "a token that is none": {"token": "1.abcdef.ghijkl", "password": RIGHT},
    "a token of another script": {"token": "1.ключ.ключ", "password": RIGHT},
    "nothing": b"",
    "no fields": b"&&&",
    "no UTF-8": b"token=%ff&password=%fe",
    "no ASCII": "token=ö&password=ö".encode(),
    "many fields": urlencode([("token", str(number)) for number in range(100)]).encode(),
    "json": b'{"password": "open sesame"}',
}


class TestForeignForms:
    """Each gets a form of ours and uses up no try."""

    @pytest.mark.parametrize("content", NO_FORMS.values(), ids=list(NO_FORMS))
    def test_what_is_no_form_of_ours(self, shared: TestClient, content: Any) -> None:
        path = create(shared)
        shared.get(path)
        body = content if isinstance(content, bytes) else urlencode(content).encode()
        self.refused(shared.post(path, content=body, headers=FORM), shared, path)

    def test_that_of_another_link(self, shared: TestClient) -> None:
        path, other = create(shared), create(shared)
        answer = shared.post(path, data={"token": token(shared, other), "password": RIGHT})
        self.refused(answer, shared, path)

    def test_that_of_another_browser(self, shared: TestClient) -> None:
        path = create(shared)
        theirs = token(shared, path)
        shared.cookies.clear()
        shared.get(path)
        self.refused(shared.post(path, data={"token": theirs, "password": RIGHT}), shared, path)

    def test_one_without_a_browser(self, shared: TestClient) -> None:
        path = create(shared)
        mine = token(shared, path)
        shared.cookies.clear()
        self.refused(shared.post(path, data={"token": mine, "password": RIGHT}), shared, path)

    @pytest.mark.parametrize(("age", "is_good"), [(FORM_SECONDS, True), (FORM_SECONDS + 2, False)])
    def test_an_old_one(self, shared: TestClient, age: int, is_good: bool) -> None:
        path = create(shared)
        with time_machine.travel(1_800_000_000, tick=False) as clock:
            made = token(shared, path)
            clock.shift(timedelta(seconds=age))
            # A browser would have dropped the cookie too; this asks whether the token alone is too old.
            browser = {"cookie": f"__Host-shortener_form={shared.cookies['__Host-shortener_form']}"}
            answer = shared.post(path, data={"token": made, "password": RIGHT}, headers=browser)
        if is_good:
            assert answer.status_code == 303
        else:
            self.refused(answer, shared, path)

    def test_two_forms_in_one_browser(self, shared: TestClient) -> None:
        paths = create(shared), create(shared)
        tokens = [token(shared, path) for path in paths]
        answers = [
            shared.post(path, data={"token": made, "password": RIGHT})
            for path, made in zip(paths, tokens, strict=True)
        ]
        assert [answer.status_code for answer in answers] == [303, 303]

    @pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "text/plain", "application/json", ""])
    def test_another_kind_of_body(self, shared: TestClient, kind: str) -> None:
        path = create(shared)
        body = urlencode({"token": token(shared, path), "password": RIGHT}).encode()
        answer = shared.post(path, content=body, headers={"content-type": kind, **PROGRAM})
        assert_problem(answer, "password-required")

    @pytest.mark.parametrize("size", [MAX_BYTES + 1, 2**20])
    def test_a_body_that_is_too_large(self, shared: TestClient, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Argon2Hasher, "verify", unused)
        path = create(shared)
        fields = urlencode({"token": token(shared, path), "password": ""})
        answer = shared.post(path, content=fields.ljust(size, "x").encode(), headers=FORM)
        assert (answer.status_code, tries(shared, path)) == (413, 0)

    @staticmethod
    def refused(answer: httpx2.Response, client: TestClient, path: str) -> None:
        assert_form(answer, 403)
        assert "This form is too old" in answer.text
        assert tries(client, path) == 0


def unused(*_: Any) -> bool:
    raise AssertionError


class TestPrograms:
    def test_they_are_told_what_to_send(self, client: TestClient) -> None:
        path = create(client)
        document = assert_problem(client.get(path, headers=PROGRAM), "password-required")
        assert "X-Link-Password" in document["detail"]
        assert clicks(client, path) == 0

    def test_they_send_it_and_are_counted(self, client: TestClient) -> None:
        path = create(client)
        answer = client.get(path, headers={**PROGRAM, "x-link-password": RIGHT})
        assert (answer.status_code, answer.headers["location"]) == (302, TARGET)
        assert clicks(client, path) == 1
        assert tries(client, path) == 0

    def test_they_send_another(self, client: TestClient) -> None:
        path = create(client)
        answer = client.get(path, headers={**PROGRAM, "x-link-password": WRONG})
        document = assert_problem(answer, "password-wrong")
        assert WRONG not in str(document)
        assert clicks(client, path) == 0
        assert tries(client, path) == 1

    @pytest.mark.parametrize(
        ("sent", "status"),
        [
            pytest.param("Café noir".encode(), 302, id="utf-8"),
            pytest.param("Cafe\u0301 noir".encode(), 302, id="decomposed"),
            pytest.param(b"", 403, id="empty"),
            pytest.param(b"x" * 60_000, 403, id="very-long"),
        ],
    )
    def test_passwords_are_utf_8(self, shared: TestClient, sent: bytes, status: int) -> None:
        path = create(shared, password="Café noir")
        answer = shared.get(path, headers={b"accept": b"*/*", b"x-link-password": sent})
        assert answer.status_code == status

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_other_methods(self, shared: TestClient, method: str) -> None:
        path = create(shared, status=307)
        assert_problem(shared.request(method, path, headers=PROGRAM), "password-required")
        said = {**PROGRAM, "x-link-password": RIGHT}
        answer = shared.request(method, path, headers={**said, **FORM}, content=b"their=own&form=here")
        assert (answer.status_code, answer.headers["location"]) == (307, TARGET)
        plain = create(shared)
        assert_problem(shared.request(method, plain, headers=said), "method-not-allowed")

    def test_head(self, shared: TestClient) -> None:
        path = create(shared)
        assert_problem(shared.head(path, headers=PROGRAM), "password-required", body=False)
        answer = shared.head(path, headers={**PROGRAM, "x-link-password": RIGHT})
        assert (answer.status_code, answer.headers["location"]) == (302, TARGET)
        assert clicks(shared, path) == 0


class TestGrant:
    def test_it_opens_one_link_and_not_another_with_the_same_password(self, shared: TestClient) -> None:
        path, other = create(shared), create(shared)
        say(shared, path)
        assert shared.get(path).status_code == 302
        assert_form(shared.get(other))

    def test_nor_under_the_other_ones_name(self, shared: TestClient) -> None:
        path, other = create(shared), create(shared)
        # Even where the two are hashed alike, as in a copy.
        database: Database = shared.app.state.parts.database  # type: ignore[attr-defined]
        with database.write() as connection:
            hashed = select(link.c.password_hash).where(link.c.code == path[1:]).scalar_subquery()
            connection.execute(update(link).where(link.c.code == other[1:]).values(password_hash=hashed))
        names = []
        for each in (path, other):
            say(shared, each)
            names.append(next(name for name in reversed(list(shared.cookies)) if "grant" in name))
        stolen = {"cookie": f"{names[1]}={shared.cookies[names[0]]}"}
        shared.cookies.clear()
        assert_form(shared.get(other, headers=stolen))

    def test_it_ends_with_the_password(self, shared: TestClient) -> None:
        path = create(shared)
        say(shared, path)
        edit(shared, path, password="another one")
        assert_form(shared.get(path))
        edit(shared, path, password=RIGHT)
        assert_form(shared.get(path))
        edit(shared, path, password=None)
        assert shared.get(path).status_code == 302

    def test_other_edits_leave_it(self, shared: TestClient) -> None:
        path = create(shared)
        say(shared, path)
        edit(shared, path, target="https://example.com/elsewhere")
        assert shared.get(path).headers["location"] == "https://example.com/elsewhere"

    def test_it_ends_with_the_link(self, shared: TestClient) -> None:
        path = create(shared)
        say(shared, path)
        assert shared.delete(f"/api/v1/links{path}", headers=AUTHORIZED).status_code == 204
        assert create(shared, code=path[1:]) == path
        assert_form(shared.get(path))

    @pytest.mark.parametrize(
        ("age", "is_good"),
        [
            pytest.param(GRANT_SECONDS, True, id="an-hour"),
            pytest.param(GRANT_SECONDS + 2, False, id="longer"),
            pytest.param(-30, True, id="made-by-a-clock-that-is-ahead"),
            pytest.param(-3600, False, id="made-in-the-future"),
        ],
    )
    def test_its_age(self, shared: TestClient, age: int, is_good: bool) -> None:
        path = create(shared)
        with time_machine.travel(1_800_000_000, tick=False) as clock:
            given = cookie(say(shared, path), "__Host-shortener_grant_")
            name = next(name for name in given if "grant" in name)
            clock.shift(timedelta(seconds=age))
            shared.cookies.clear()
            answer = shared.get(path, headers={"cookie": f"{name}={given[name]}"})
        assert answer.status_code == (302 if is_good else 200)

    @pytest.mark.parametrize("forged", ["", "1", "1.aaaa.bbbb", "..", "1.aaaaaa." + "A" * 43, "ö" * 9])
    def test_a_forged_one(self, shared: TestClient, forged: str) -> None:
        path = create(shared)
        named = cookie(say(shared, path), "__Host-shortener_grant_")
        name = next(name for name in named if "grant" in name)
        shared.cookies.clear()
        assert_form(shared.get(path, headers={b"cookie": f"{name}={forged}".encode()}))

    def test_every_bit_of_it_counts(self, shared: TestClient) -> None:
        path = create(shared)
        named = cookie(say(shared, path), "__Host-shortener_grant_")
        name = next(name for name in named if "grant" in name)
        good = named[name]
        shared.cookies.clear()
        assert shared.get(path, headers={"cookie": f"{name}={good}"}).status_code == 302
        # The last character of base 64 has bits that mean nothing.
        for at in range(len(good) - 1):
            other = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :]
            assert shared.get(path, headers={"cookie": f"{name}={other}"}).status_code == 200, at


class TestLimit:
    def test_wrong_tries_on_two_workers(self, site_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        hashed: list[str] = []
        verify = Argon2Hasher.verify

        def counted(hasher: Argon2Hasher, password: str, password_hash: str) -> bool:
            hashed.append(password)
            return verify(hasher, password, password_hash)

        monkeypatch.setattr(Argon2Hasher, "verify", counted)
        with (
            time_machine.travel(1_800_000_000, tick=False) as clock,
            visitors(site_settings) as one,
            visitors(site_settings, draining=False) as two,
        ):
            path = create(one)
            answers = Counter(self.attempt((one, two)[number % 2], path, WRONG).status_code for number in range(200))
            assert answers == {403: FREE_TRIES, 429: 200 - FREE_TRIES}
            assert len(hashed) == FREE_TRIES
            assert self.attempt(one, path, RIGHT, 1).status_code == 302
            assert self.attempt(one, path, RIGHT).status_code == 429
            clock.shift(timedelta(seconds=1))
            assert self.attempt(two, path, RIGHT).status_code == 302

    @staticmethod
    def attempt(client: TestClient, path: str, password: str, network: int = 0) -> httpx2.Response:
        address = f"10.{network // 256}.{network % 256}.7"
        said = {"x-link-password": password, "x-forwarded-for": address}
        return client.get(path, headers={**PROGRAM, **said})

    @pytest.mark.parametrize(
        ("tries", "seconds", "words"),
        [
            pytest.param(FREE_TRIES, 1, "in 1 second.", id="seconds"),
            pytest.param(FREE_TRIES + 8, 256, "in 5 minutes.", id="minutes"),
        ],
    )
    def test_what_is_said_to_who_tries_too_often(
        self, shared: TestClient, tries: int, seconds: int, words: str
    ) -> None:
        path = create(shared)
        with time_machine.travel(1_800_000_000, tick=False) as clock:
            for _ in range(tries):
                assert self.attempt(shared, path, WRONG).status_code == 403
                if _ + 1 < tries:
                    clock.shift(timedelta(hours=1))
            answer = self.attempt(shared, path, WRONG)
            assert words in assert_problem(answer, "too-many-tries")["detail"]
            assert answer.headers["retry-after"] == str(seconds)
            page = say(shared, path, headers={"x-forwarded-for": "10.0.0.9"})
            assert_form(page, 429)
            assert page.headers["retry-after"] == str(seconds)
            assert words in page.text

    def test_who_has_a_grant_is_not_limited(self, shared: TestClient) -> None:
        path = create(shared)
        with time_machine.travel(1_800_000_000, tick=False):
            say(shared, path)
            kept = dict(shared.cookies)
            shared.cookies.clear()
            for _ in range(FREE_TRIES + 1):
                last = self.attempt(shared, path, WRONG)
            assert last.status_code == 429
            assert shared.get(path, headers={"cookie": "; ".join(map("=".join, kept.items()))}).status_code == 302

    def test_nobody_comes_in_that_cannot_be_counted(
        self, shared: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = create(shared)
        made = token(shared, path)
        with closing(Database("postgresql://nobody@127.0.0.1:1/nothing")) as away:
            monkeypatch.setattr(shared.app.state.parts, "passwords", Passwords(away))  # type: ignore[attr-defined]
            answer = self.attempt(shared, path, RIGHT)
            page = shared.post(path, data={"token": made, "password": RIGHT})
        assert_problem(answer, "database-unavailable")
        assert (page.status_code, answer.headers["retry-after"]) == (503, page.headers["retry-after"])
        assert "set-cookie" not in page.headers


class TestOtherLinks:
    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            pytest.param({"enabled": False}, 410, id="disabled"),
            pytest.param({"expires_at": "2020-01-01T00:00:00Z"}, 410, id="expired"),
            pytest.param({"valid_from": "2090-01-01T00:00:00Z"}, 404, id="scheduled"),
        ],
    )
    def test_one_that_leads_nowhere_asks_for_nothing(
        self, shared: TestClient, fields: dict[str, Any], status: int
    ) -> None:
        path = create(shared, **fields)
        answer = shared.get(path)
        assert answer.status_code == status
        assert "set-cookie" not in answer.headers
        assert shared.post(path, data={"password": RIGHT}).status_code in {status, 405}

    def test_one_with_a_limit_is_used_up_by_who_is_let_in(self, shared: TestClient) -> None:
        path = create(shared, max_clicks=1)
        for _ in range(3):
            assert_form(shared.get(path))
        assert say(shared, path).status_code == 303
        assert shared.get(path).status_code == 410

    def test_what_is_behind_the_code_is_not_there_either(self, shared: TestClient) -> None:
        path = create(shared)
        assert shared.get(f"{path}/more").status_code == 404

    def test_a_link_without_one_asks_for_nothing(self, shared: TestClient) -> None:
        path = create(shared, password=None)
        assert shared.get(path, headers={"x-link-password": WRONG}).status_code == 302
        assert tries(shared, path) == 0


@law
@given(
    rest=st.binary(max_size=30).filter(lambda raw: b"?" not in raw and b"#" not in raw), query=st.binary(max_size=30)
)
def test_nothing_sent_leads_to_another_host(rest: bytes, query: bytes) -> None:
    scope = {
        "type": "http",
        "path_params": {"code": "kept"},
        "raw_path": b"/kept/" + rest,
        "query_string": query,
        "headers": [],
    }
    location = forms.address(Request(scope))
    assert location.isascii()
    assert location.isprintable()
    assert "\\" not in location
    assert urljoin("https://go.example/kept", location).startswith("https://go.example/kept")
