"""Sign-in links as browsers meet them: looking at one does nothing, the button uses it up, once."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
import time_machine
from fastapi import FastAPI
from starlette.testclient import TestClient

from shortener.services import signin_links
from tests.client import Client
from tests.conftest import AUTHORIZED
from tests.web.browsers import BROWSER, COOKIE, SIGNIN, database_of, form_in, is_signed_in, send, stored, take_cookie
from tests.web.refusals import assert_problem

NOW = datetime(2026, 11, 22, 12, 30, 15, tzinfo=UTC)
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def browser(app: FastAPI) -> Iterator[TestClient]:
    with Client(app, follow_redirects=False, headers=BROWSER, base_url="https://go.example") as opened:
        yield opened


def link(client: TestClient) -> str:
    """The path of a new sign-in link."""
    return f"{SIGNIN}/{signin_links.create(database_of(client))}"


def use(client: TestClient, path: str) -> httpx2.Response:
    """Presses the button on the page of a link."""
    return send(client, path, form_in(client.get(path)).filled())


def keys(client: TestClient) -> list[dict[str, object]]:
    found: list[dict[str, object]] = client.get("/api/v1/keys", headers=AUTHORIZED).json()["data"]
    return found


def assert_over(answer: httpx2.Response) -> None:
    """Demands the page that says that a link is over, and what to do."""
    assert answer.status_code == 410
    assert "has been used, has expired, or never was one" in answer.text
    assert "shortener signin" in answer.text
    assert COOKIE not in str(answer.headers.get_list("set-cookie"))


def test_looking_at_it_does_nothing(browser: TestClient) -> None:
    path = link(browser)
    before = stored(browser)
    for _ in range(3):
        page, head = browser.get(path), browser.head(path)
        assert (page.status_code, head.status_code, head.content) == (200, 200, b"")
        assert (form_in(page).method, form_in(page).action) == ("post", "")
        assert COOKIE not in browser.cookies
    assert stored(browser) == before
    assert use(browser, path).status_code == 303


def test_the_button_signs_in(browser: TestClient) -> None:
    answer = use(browser, link(browser))
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/")
    assert COOKIE in str(answer.headers["set-cookie"])
    assert "Signed in as sign-in (admin)" in browser.get("/admin/").text


def test_it_gives_a_key_of_its_own(browser: TestClient) -> None:
    assert keys(browser) == []
    with time_machine.travel(NOW, tick=False):
        use(browser, link(browser))
    (key,) = keys(browser)
    assert (key["name"], key["scopes"], key["revoked_at"]) == ("sign-in", ["admin"], None)
    assert datetime.fromisoformat(str(key["expires_at"])) == NOW + timedelta(hours=12)


def test_revoking_that_key_ends_the_session(browser: TestClient) -> None:
    use(browser, link(browser))
    (key,) = keys(browser)
    assert is_signed_in(browser)
    assert browser.delete(f"/api/v1/keys/{key['id']}", headers=AUTHORIZED).status_code == 204
    assert not is_signed_in(browser)


def test_the_session_ends_with_that_key(browser: TestClient) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        use(browser, link(browser))
        cookie = take_cookie(browser)
        clock.shift(timedelta(hours=12) - timedelta(seconds=1))
        assert is_signed_in(browser, **cookie)
        clock.shift(timedelta(seconds=1))
        assert not is_signed_in(browser, **cookie)


def test_it_works_once(browser: TestClient) -> None:
    path = link(browser)
    form = form_in(browser.get(path))
    assert send(browser, path, form.filled()).status_code == 303
    assert_over(send(browser, path, form.filled()))
    assert_over(browser.get(path))
    assert len(keys(browser)) == 1


@pytest.mark.parametrize(("minutes", "is_good"), [(14, True), (15, False), (60, False)])
def test_it_expires(browser: TestClient, minutes: int, is_good: bool) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        path = link(browser)
        form = form_in(browser.get(path))
        clock.shift(timedelta(minutes=minutes) - timedelta(seconds=1 if is_good else 0))
        if is_good:
            assert use(browser, path).status_code == 303
            return
        assert_over(browser.get(path))
        assert_over(send(browser, path, form.filled()))
        assert keys(browser) == []


def test_a_form_that_is_too_old_can_be_sent_again(browser: TestClient) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        path = link(browser)
        form = form_in(browser.get(path))
        clock.shift(timedelta(minutes=11))
        answer = send(browser, path, form.filled())
        assert answer.status_code == 403
        assert 'role="alert">This form is too old' in answer.text
        assert send(browser, path, form_in(answer).filled()).status_code == 303


@on_sqlite
@pytest.mark.parametrize(
    "token",
    [
        pytest.param("A" * 43, id="unknown"),
        pytest.param("used", id="another-shape"),
        pytest.param("%00", id="nul"),
        pytest.param("gr%C3%B6%C3%9Fe", id="not-ascii"),
        pytest.param("%ff", id="no-utf-8"),
        pytest.param("A" * 5000, id="very-long"),
    ],
)
def test_one_that_never_was(browser: TestClient, token: str) -> None:
    path = f"{SIGNIN}/{token}"
    assert_over(browser.get(path))
    browser.get(SIGNIN)
    assert_over(send(browser, path, form_in(browser.get(SIGNIN)).filled()))
    assert keys(browser) == []


@on_sqlite
def test_programs_are_told_too(browser: TestClient) -> None:
    answer = browser.get(f"{SIGNIN}/{'A' * 43}", headers={"accept": "*/*"})
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.json()["code"] == "signin-link-invalid"


@on_sqlite
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://go.example"])
def test_another_site_cannot_use_it(browser: TestClient, origin: str) -> None:
    path = link(browser)
    form, before = form_in(browser.get(path)), stored(browser)
    assert send(browser, path, form.filled(), origin=origin).status_code == 403
    assert stored(browser) == before


@on_sqlite
def test_a_form_of_another_browser_cannot_use_it(browser: TestClient) -> None:
    path = link(browser)
    form, before = form_in(browser.get(path)), stored(browser)
    browser.cookies.clear()
    browser.get(path)
    assert send(browser, path, form.filled()).status_code == 403
    assert stored(browser) == before


@on_sqlite
def test_its_token_is_stored_nowhere(browser: TestClient) -> None:
    path = link(browser)
    token = path.rpartition("/")[2]
    assert token not in repr(stored(browser))
    answer = browser.get("/api/v1/links", headers={"authorization": f"Bearer {token}"})
    assert_problem(answer, "key-invalid")
    assert len(token) == len(secrets.token_urlsafe(32))


@on_sqlite
def test_new_ones_remove_those_that_have_expired(browser: TestClient) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        for _ in range(3):
            link(browser)
        clock.shift(timedelta(minutes=16))
        link(browser)
    assert len(stored(browser)["signin_link"]) == 1
