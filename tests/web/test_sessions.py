"""Sessions at the administration pages: how one begins, what its cookie is and is not good for, and when it ends."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import time_machine
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from sqlalchemy import func, select
from starlette.testclient import TestClient

from shortener import errors
from shortener.app import create_app
from shortener.services.keys import preset_of
from shortener.settings import Settings
from shortener.storage import sessions as rows
from shortener.storage.engine import Database
from shortener.storage.signin_tables import session as table
from tests.client import Client
from tests.conftest import ADMIN_KEY, AUTHORIZED
from tests.web.browsers import (
    BROWSER,
    COOKIE,
    SIGNIN,
    database_of,
    form_in,
    is_signed_in,
    issue,
    sign_in,
    sign_out,
    stored,
    take_cookie,
)
from tests.web.refusals import assert_problem

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
NOW = datetime(2026, 11, 22, 12, 30, 15, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def browser(app: FastAPI) -> Iterator[TestClient]:
    with Client(app, follow_redirects=False, headers=BROWSER, base_url="https://go.example") as opened:
        yield opened


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Time stands still until a test moves it."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def attributes(answer: httpx2.Response, name: str) -> dict[str, str]:
    """Of the cookie that is set, without its value."""
    (header,) = (value for value in answer.headers.get_list("set-cookie") if value.startswith(f"{name}="))
    pairs = (part.strip().partition("=") for part in header.split(";")[1:])
    return {key.lower(): value for key, _, value in pairs}


def parts_of(client: TestClient) -> Any:
    return client.app.state.parts  # type: ignore[attr-defined]


def count(client: TestClient) -> int:
    with database_of(client).read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


class TestSigningIn:
    def test_by_the_preset_key(self, browser: TestClient) -> None:
        answer = sign_in(browser)
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/")
        page = browser.get("/admin/")
        assert page.status_code == 200
        assert "Signed in as preset admin key (admin)" in page.text

    def test_by_another_key(self, browser: TestClient) -> None:
        made = issue(browser, "stats:read", "links:read", name="Kim & Sam")
        assert made["last_used_at"] is None
        assert sign_in(browser, f"  {made['key']}\n").status_code == 303
        assert "Signed in as Kim &amp; Sam (links:read, stats:read)" in browser.get("/admin/").text
        assert browser.get(f"/api/v1/keys/{made['id']}", headers=AUTHORIZED).json()["last_used_at"] is not None

    @on_sqlite
    def test_a_key_that_reads_nothing_is_not_enough(self, browser: TestClient) -> None:
        answer = sign_in(browser, issue(browser, "links:write")["key"])
        assert answer.status_code == 403
        assert "has links:read, stats:read or admin; this one has links:write." in answer.text
        assert not is_signed_in(browser)

    def test_again_ends_the_session_before(self, browser: TestClient) -> None:
        sign_in(browser)
        former = {"cookie": f"{COOKIE}={browser.cookies[COOKIE]}"}
        sign_in(browser)
        assert is_signed_in(browser)
        assert count(browser) == 1
        browser.cookies.clear()
        assert not is_signed_in(browser, **former)

    def test_several_browsers_at_once(self, browser: TestClient) -> None:
        sign_in(browser)
        first = take_cookie(browser)
        sign_in(browser)
        second = take_cookie(browser)
        assert is_signed_in(browser, **first)
        assert is_signed_in(browser, **second)

    def test_nothing_stored_is_good_for_a_session(self, browser: TestClient) -> None:
        sign_in(browser)
        cookie = browser.cookies[COOKIE]
        held = repr(stored(browser))
        assert cookie.partition(".")[0] not in held
        assert cookie not in held
        preset = preset_of(ADMIN_KEY).digest
        assert preset is not None
        assert repr(preset)[2:-1] not in held


class TestCookie:
    def test_by_https(self, browser: TestClient) -> None:
        assert attributes(sign_in(browser), COOKIE) == {
            "httponly": "",
            "max-age": str(30 * 86_400),
            "path": "/",
            "samesite": "lax",
            "secure": "",
        }

    @on_sqlite
    def test_without(self, settings: Settings) -> None:
        configured = settings.model_copy(update={"base_url": "http://go.example"})
        with Client(create_app(configured), follow_redirects=False, base_url="http://go.example") as browser:
            answer = sign_in(browser)
            assert attributes(answer, "shortener_session") == {
                "httponly": "",
                "max-age": str(30 * 86_400),
                "path": "/admin",
                "samesite": "lax",
            }
            assert is_signed_in(browser)
            gone = attributes(sign_out(browser), "shortener_session")
            assert (gone["max-age"], gone["path"]) == ("0", "/admin")
            assert not is_signed_in(browser)

    @on_sqlite
    def test_what_opens_no_page(self, browser: TestClient) -> None:
        sign_in(browser)
        good = browser.cookies[COOKIE]
        session_id, _, signature = good.rpartition(".")
        form_token = parts_of(browser).session_cookies.form_token(session_id)
        browser.cookies.clear()
        others = ["", ".", "x", session_id, f"{session_id}.", f".{signature}", f"{session_id}.{form_token}", "ö.ö"]
        others += [f"{session_id[:-1]}.{signature}", f"x{good}", f"{good}x"]
        for other in others:
            answer = browser.get("/admin/", headers={b"cookie": f"{COOKIE}={other}".encode()})
            assert answer.status_code == 303, other
        for name in ("shortener_session", COOKIE.lower(), COOKIE.upper(), f"x{COOKIE}"):
            assert not is_signed_in(browser, cookie=f"{name}={good}")
        assert is_signed_in(browser, cookie=f"other=1; {COOKIE}={good}; another=2")

    @on_sqlite
    def test_every_bit_of_it_counts(self, browser: TestClient) -> None:
        sign_in(browser)
        good = browser.cookies[COOKIE]
        browser.cookies.clear()
        # The last character of base 64 has bits that mean nothing.
        for at in range(len(good) - 1):
            other = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :]
            assert not is_signed_in(browser, cookie=f"{COOKIE}={other}"), at

    @on_sqlite
    def test_that_of_another_instance(self, browser: TestClient) -> None:
        sign_in(browser)
        secret = parts_of(browser).secret
        secret._known = b"another secret"
        assert not is_signed_in(browser)
        secret._known = None
        assert is_signed_in(browser)

    @on_sqlite
    def test_it_gives_nothing_under_the_api(self, browser: TestClient) -> None:
        """Whichever way it is sent."""
        sign_in(browser)
        session_cookies = parts_of(browser).session_cookies
        cookie = browser.cookies[COOKIE]
        token = session_cookies.form_token(cookie.partition(".")[0])
        paths = [
            (method, str(context.path))
            for context in iter_route_contexts(browser.app.routes)  # type: ignore[attr-defined]
            if str(context.path).startswith("/api/")
            for method in context.methods or ()
        ]
        assert len(paths) > 50
        headers = {"origin": "https://go.example", "sec-fetch-site": "same-origin", "x-csrf-token": token}
        for method, path in paths:
            answer = browser.request(method, path.replace("{", "").replace("}", ""), headers=headers)
            assert_problem(answer, "key-missing")
        for bearer in (cookie, cookie.partition(".")[0]):
            answer = browser.get("/api/v1/links", headers={"authorization": f"Bearer {bearer}"})
            assert_problem(answer, "key-invalid")


class TestEnd:
    def test_signing_out(self, browser: TestClient) -> None:
        sign_in(browser)
        cookie = {"cookie": f"{COOKIE}={browser.cookies[COOKIE]}"}
        answer = sign_out(browser)
        assert (answer.status_code, answer.headers["location"]) == (303, SIGNIN)
        assert attributes(answer, COOKIE)["max-age"] == "0"
        assert COOKIE not in browser.cookies
        assert count(browser) == 0
        assert not is_signed_in(browser, **cookie)

    def test_signing_out_after_it_has_ended(self, browser: TestClient) -> None:
        answer = sign_out(browser, "whatever")
        assert (answer.status_code, answer.headers["location"]) == (303, SIGNIN)

    def test_its_key_is_revoked(self, browser: TestClient) -> None:
        made = issue(browser)
        sign_in(browser, made["key"])
        assert is_signed_in(browser)
        assert browser.delete(f"/api/v1/keys/{made['id']}", headers=AUTHORIZED).status_code == 204
        assert not is_signed_in(browser)

    def test_another_key_is_revoked(self, browser: TestClient) -> None:
        made, other = issue(browser), issue(browser)
        sign_in(browser, made["key"])
        assert browser.delete(f"/api/v1/keys/{other['id']}", headers=AUTHORIZED).status_code == 204
        assert is_signed_in(browser)

    def test_its_key_expires(self, browser: TestClient, clock: time_machine.Traveller) -> None:
        made = issue(browser, expires_at=(NOW + HOUR).isoformat())
        sign_in(browser, made["key"])
        clock.shift(HOUR - timedelta(seconds=1))
        assert is_signed_in(browser)
        clock.shift(timedelta(seconds=1))
        assert not is_signed_in(browser)

    @pytest.mark.parametrize(
        ("changed", "lasts"),
        [
            pytest.param("another key of 30 characters..", False, id="another-key"),
            pytest.param(None, False, id="no-key"),
            pytest.param(ADMIN_KEY, True, id="the-same-key"),
        ],
    )
    def test_the_preset_key_changes(self, settings: Settings, changed: str | None, lasts: bool) -> None:
        def visit(configured: Settings, act: Callable[[TestClient], Any]) -> Any:
            application = create_app(configured)
            with Client(
                application, follow_redirects=False, headers=BROWSER, base_url="https://go.example"
            ) as client:
                return act(client)

        def begin(client: TestClient) -> dict[str, str]:
            sign_in(client)
            return take_cookie(client)

        cookie = visit(settings, begin)
        other = settings.model_copy(update={"admin_key": changed})
        assert visit(other, lambda client: is_signed_in(client, **cookie)) is lasts
        # It ends for good only where the row goes: who sets the old key again has it again.
        assert visit(settings, lambda client: is_signed_in(client, **cookie))

    def test_sessions_of_keys_do_not_care_about_the_preset_key(self, browser: TestClient) -> None:
        sign_in(browser, issue(browser)["key"])
        parts_of(browser).preset = preset_of("another key of 30 characters..")
        assert is_signed_in(browser)

    @pytest.mark.parametrize("key", ["preset", "stored"])
    def test_seven_days_without_use(self, browser: TestClient, clock: time_machine.Traveller, key: str) -> None:
        sign_in(browser, ADMIN_KEY if key == "preset" else issue(browser)["key"])
        cookie = take_cookie(browser)
        for _ in range(2):  # with use
            clock.shift(7 * DAY - timedelta(seconds=1))
            assert is_signed_in(browser, **cookie)
        clock.shift(7 * DAY)
        assert not is_signed_in(browser, **cookie)

    def test_thirty_days(self, browser: TestClient, clock: time_machine.Traveller) -> None:
        sign_in(browser)
        cookie = take_cookie(browser)
        for _ in range(5):
            clock.shift(5 * DAY)
            assert is_signed_in(browser, **cookie)
        clock.shift(5 * DAY - timedelta(seconds=1))
        assert is_signed_in(browser, **cookie)
        clock.shift(timedelta(seconds=1))
        assert not is_signed_in(browser, **cookie)


class TestUse:
    def test_it_is_stored_once_an_hour(
        self, browser: TestClient, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lengthened: list[datetime] = []

        def note(connection: Any, digest: bytes, expires_at: datetime) -> None:
            lengthened.append(expires_at)
            lengthen(connection, digest, expires_at)

        lengthen = rows.lengthen
        monkeypatch.setattr(rows, "lengthen", note)
        sign_in(browser)
        cookie = take_cookie(browser)
        for _ in range(24):
            clock.shift(HOUR / 4)
            assert is_signed_in(browser, **cookie)
        assert lengthened == [NOW + hour * HOUR + 7 * DAY for hour in range(1, 7)]

    def test_a_database_that_cannot_be_written_keeps_nobody_out(
        self, browser: TestClient, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tries = []

        def fail(*_: object) -> None:
            tries.append(1)
            raise errors.DatabaseBusy

        sign_in(browser)
        cookie = take_cookie(browser)
        monkeypatch.setattr(rows, "lengthen", fail)
        clock.shift(2 * HOUR)
        for _ in range(3):
            assert is_signed_in(browser, **cookie)
        assert len(tries) == 1

    @on_sqlite
    def test_a_database_that_is_away_does(self, browser: TestClient) -> None:
        sign_in(browser)
        parts = parts_of(browser)
        with closing(Database("postgresql://nobody@127.0.0.1:1/nothing")) as away:
            whole, parts.database = parts.database, away
            answer, page = browser.get("/admin/"), browser.get(SIGNIN)
            parts.database = whole
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert answer.headers["cache-control"] == "private, no-store"
        assert form_in(page).action == SIGNIN
        assert is_signed_in(browser)
