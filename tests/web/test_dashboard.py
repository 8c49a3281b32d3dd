"""What holds for every route of the administration pages: session, right, origin, token, headers, and late forms."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.testclient import TestClient

from shortener import errors
from shortener.services import signin_links
from shortener.web import routes
from shortener.web.dashboard.fields import MAX_BYTES, MAX_FIELDS, FieldsDep
from shortener.web.dashboard.pages import page
from shortener.web.dashboard.route import POLICY, SAFE, DashboardRoute, PublicDashboardRoute, make_router
from shortener.web.dashboard.session import Administrator, LinksReader, LinksWriter, SignedIn, StatsReader
from tests.client import Client
from tests.conftest import ADMIN_KEY, AUTHORIZED
from tests.web.browsers import (
    BROWSER,
    COOKIE,
    SIGNIN,
    Form,
    database_of,
    form_in,
    is_signed_in,
    issue,
    send,
    sign_in,
    stored,
    token_in,
)

ADMIN = [(route, path) for route in routes.ROUTES if (path := str(getattr(route, "path", ""))).startswith("/admin")]
UNSAFE = [
    pytest.param(method, path, id=f"{method} {path}")
    for route, path in ADMIN
    for method in sorted(getattr(route, "methods", ()))
    if method not in SAFE
]
HTMX = {"hx-request": "true"}

#: What the routes below have been asked for.
seen: list[Any] = []
router = make_router()


@router.get("/test/links")
def _links(request: Request, principal: LinksReader) -> Response:
    return page(request, "dashboard/home.html")


@router.get("/test/stats")
def _stats(principal: StatsReader) -> Response:
    return PlainTextResponse(principal.actor, headers={"cache-control": "public", "referrer-policy": "unsafe-url"})


@router.get("/test/fault")
def _fault(_principal: SignedIn) -> Response:
    raise errors.LinkNotFound


@router.get("/test/number/{number}")
def _number(_principal: SignedIn, number: int) -> Response:
    return PlainTextResponse(str(number))


@router.get("/test/stream")
def _stream(_principal: SignedIn) -> Response:
    return StreamingResponse(iter(["a", "b"]))


@router.post("/test/write")
@router.put("/test/write")
@router.delete("/test/write")
def _write(principal: LinksWriter, fields: FieldsDep) -> Response:
    seen.append((principal.actor, list(fields.pairs)))
    return PlainTextResponse("written")


@router.post("/test/body")
async def _body(request: Request, _principal: Administrator) -> Response:
    seen.append(await request.body())
    return PlainTextResponse("written")


@pytest.fixture
def engine() -> str:
    """One kind of database: nothing here is its doing."""
    return "sqlite"


@pytest.fixture
def browser(app: FastAPI) -> Iterator[TestClient]:
    """A browser at an application that has the routes above too."""
    seen.clear()
    app.router.routes[:0] = router.routes
    with Client(app, follow_redirects=False, headers=BROWSER, base_url="https://go.example") as opened:
        yield opened


@pytest.fixture
def token(browser: TestClient) -> str:
    """That of the session in which the browser is signed in."""
    sign_in(browser)
    return token_in(browser.get("/admin/"))


class TestUnsafeMethods:
    """Every one of every route under /admin, from the router: later ones are here by themselves."""

    def test_these_are_all(self, app: FastAPI) -> None:
        found = {
            (method, str(context.path))
            for context in iter_route_contexts(app.routes)
            if str(context.path).startswith("/admin")
            for method in context.methods or ()
        }
        assert found == {(method, path) for route, path in ADMIN for method in route.methods}  # type: ignore[attr-defined]
        assert all(isinstance(route, PublicDashboardRoute) for route, _ in ADMIN)
        public = {path for route, path in ADMIN if not isinstance(route, DashboardRoute)}
        assert public == {"/admin", SIGNIN, f"{SIGNIN}/{{link}}"}

    @staticmethod
    def path(browser: TestClient, path: str) -> str:
        """A path of a route: of something that is there, where that is a sign-in link."""
        path = path.replace("{link}", signin_links.create(database_of(browser)))
        return path.replace("{", "").replace("}", "")

    @staticmethod
    def good_token(browser: TestClient, path: str) -> str:
        """The token of the form that leads to a path: of the session, or of the browser where anybody may come."""
        return token_in(browser.get(path if path.startswith(SIGNIN) else "/admin/"))

    ORIGINS: dict[str, dict[str, str]] = {
        "nothing about its origin": {},
        "another site": {"origin": "https://evil.example"},
        "another site that says where it is sent": {
            "origin": "https://evil.example",
            "sec-fetch-site": "same-origin",
        },
        "a hidden origin": {"origin": "null"},
        "an empty origin": {"origin": ""},
        "no origin at all": {"origin": "go.example"},
        "our host without https": {"origin": "http://go.example"},
        "another port": {"origin": "https://go.example:8443"},
        "a host that begins like ours": {"origin": "https://go.example.evil.example"},
        "a host that ends like ours": {"origin": "https://evil-go.example"},
        "a page of another site, without origin": {"sec-fetch-site": "cross-site"},
        "a page of a neighbour, without origin": {"sec-fetch-site": "same-site"},
        "an address that was typed": {"sec-fetch-site": "none"},
    }

    @pytest.mark.parametrize("origin", ORIGINS.values(), ids=ORIGINS.keys())
    @pytest.mark.parametrize(("method", "path"), UNSAFE)
    def test_from_elsewhere(self, browser: TestClient, method: str, path: str, origin: dict[str, str]) -> None:
        sign_in(browser)
        path = self.path(browser, path)
        fields = {"token": self.good_token(browser, path), "key": ADMIN_KEY}
        for also in ({}, HTMX, {"x-csrf-token": fields["token"]}):
            self.refused(browser, method, path, fields, {**origin, **also})

    TOKENS: dict[str, Callable[[str, str], tuple[dict[str, str], dict[str, str]]]] = {
        "no token": lambda _own, _other: ({}, {}),
        "an empty token": lambda _own, _other: ({"token": ""}, {}),
        "the token of another session": lambda _own, other: ({"token": other}, {}),
        "that in the header": lambda _own, other: ({}, {"x-csrf-token": other}),
        "that in the header, and a good one": lambda own, other: ({"token": own}, {"x-csrf-token": other}),
        "a token that is cut": lambda own, _other: ({"token": own[:-1]}, {}),
        "a token of another script": lambda _own, _other: ({"token": "ключ"}, {}),
    }

    @pytest.mark.parametrize("name", TOKENS)
    @pytest.mark.parametrize(("method", "path"), UNSAFE)
    def test_without_the_token_of_the_session(self, browser: TestClient, method: str, path: str, name: str) -> None:
        path = self.path(browser, path)
        sign_in(browser)
        other = self.good_token(browser, path)
        browser.cookies.clear()
        sign_in(browser)
        fields, headers = self.TOKENS[name](self.good_token(browser, path), other)
        if "good" in name and path.startswith(SIGNIN):
            pytest.skip("where no session is needed the header counts for nothing")
        self.refused(browser, method, path, {"key": ADMIN_KEY, **fields}, {"origin": "https://go.example", **headers})

    @staticmethod
    def refused(browser: TestClient, method: str, path: str, fields: dict[str, str], headers: dict[str, str]) -> None:
        before = stored(browser)
        answer = browser.request(method, path, data=fields, headers=headers)
        assert answer.status_code == 403, answer.text
        assert not any(COOKIE in value for value in answer.headers.get_list("set-cookie"))
        assert answer.headers["cache-control"] == "private, no-store"
        assert stored(browser) == before
        assert is_signed_in(browser)


class TestToken:
    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_as_a_field_or_in_the_header(self, browser: TestClient, token: str, method: str) -> None:
        for fields, headers in (({"token": token}, {}), ({}, {"x-csrf-token": token})):
            for origin in ({"origin": "https://go.example"}, {"sec-fetch-site": "same-origin"}):
                sent: dict[str, str] = {**headers, **origin}
                answer = browser.request(method, "/admin/test/write", data={**fields, "a": "ö"}, headers=sent)
                assert (answer.status_code, answer.text) == (200, "written")
        assert seen == [
            ("preset admin key", pairs) for pairs in [[("token", token), ("a", "ö")]] * 2 + [[("a", "ö")]] * 2
        ]

    def test_another_domain_of_ours_is_not_foreign(self, browser: TestClient, token: str) -> None:
        made = browser.post("/api/v1/domains", json={"name": "b.example"}, headers=AUTHORIZED)
        assert made.status_code == 201
        with database_of(browser).read() as connection:
            browser.app.state.parts.domains.refresh(connection)  # type: ignore[attr-defined]
        headers = {"origin": "https://b.example", "x-csrf-token": token}
        assert browser.post("/admin/test/write", headers=headers).status_code == 200

    def test_it_is_no_session(self, browser: TestClient, token: str) -> None:
        browser.cookies.clear()
        assert not is_signed_in(browser, **{"x-csrf-token": token})

    def test_a_body_that_is_no_form(self, browser: TestClient, token: str) -> None:
        headers = {"origin": "https://go.example", "x-csrf-token": token, "content-type": "text/csv"}
        assert browser.post("/admin/test/body", content=b"a,b\n", headers=headers).status_code == 200
        assert seen == [b"a,b\n"]
        without = browser.post(
            "/admin/test/body", content=f"token={token}".encode(), headers={**headers, "x-csrf-token": ""}
        )
        assert without.status_code == 403

    def test_a_body_that_is_too_large(self, browser: TestClient, token: str) -> None:
        headers = {"origin": "https://go.example", "x-csrf-token": token}
        for size, status in ((MAX_BYTES, 200), (MAX_BYTES + 1, 413)):
            assert browser.post("/admin/test/body", content=b"x" * size, headers=headers).status_code == status

    def test_a_form_with_too_many_fields(self, browser: TestClient, token: str) -> None:
        answer = send(browser, "/admin/test/write", [("token", token), *[("a", "")] * MAX_FIELDS])
        assert answer.status_code == 403
        assert "more than 1000 fields" in answer.text
        assert seen == []


class TestRights:
    @pytest.mark.parametrize(
        ("held", "allowed"),
        [
            ("admin", {"/test/links", "/test/stats", "/test/write", "/test/body", "/"}),
            ("links:read", {"/test/links", "/"}),
            ("stats:read", {"/test/stats", "/"}),
        ],
    )
    def test_what_a_key_may(self, browser: TestClient, held: str, allowed: set[str]) -> None:
        sign_in(browser, issue(browser, held)["key"])
        headers = {"origin": "https://go.example", "x-csrf-token": token_in(browser.get("/admin/"))}
        for path in ("/test/links", "/test/stats", "/test/write", "/test/body", "/"):
            method = "POST" if path in ("/test/write", "/test/body") else "GET"
            answer = browser.request(method, f"/admin{path}", headers=headers)
            assert answer.status_code == (200 if path in allowed else 403), path

    def test_the_page_says_which_is_missing(self, browser: TestClient) -> None:
        sign_in(browser, issue(browser, "links:read")["key"])
        answer = browser.get("/admin/test/stats")
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "needs the right stats:read; you are signed in with a key that has links:read." in answer.text

    def test_several_rights(self, browser: TestClient) -> None:
        key = issue(browser, "links:write", "links:read")["key"]
        sign_in(browser, key)
        token = token_in(browser.get("/admin/"))
        assert send(browser, "/admin/test/write", [("token", token)]).status_code == 200
        assert browser.get("/admin/test/stats").status_code == 403

    def test_a_route_must_name_one(self) -> None:
        with pytest.raises(ValueError, match="not enough values"):

            @make_router().get("/test/nothing")
            def _nothing() -> None: ...


class TestSignedOut:
    @pytest.mark.parametrize(
        ("path", "location"),
        [
            ("/admin/", SIGNIN),
            ("/admin/test/links", f"{SIGNIN}?next=/admin/test/links"),
            ("/admin/test/links?a=1&b=%26", f"{SIGNIN}?next=/admin/test/links%3Fa%3D1%26b%3D%2526"),
            ("/admin/test/number/1", f"{SIGNIN}?next=/admin/test/number/1"),
            ("/admin/test/number/x", f"{SIGNIN}?next=/admin/test/number/x"),
            (f"/admin/test/links?{'x' * 3000}", SIGNIN),
        ],
    )
    def test_a_page_leads_to_the_form(self, browser: TestClient, path: str, location: str) -> None:
        for method in ("GET", "HEAD"):
            answer = browser.request(method, path)
            assert (answer.status_code, answer.headers["location"]) == (303, location)
            assert answer.headers["cache-control"] == "private, no-store"

    @pytest.mark.parametrize(
        ("shown", "leads"),
        [
            pytest.param(
                "https://go.example/admin/links?x=1#top", f"{SIGNIN}?next=/admin/links%3Fx%3D1", id="a-page"
            ),
            pytest.param("https://go.example/admin/", SIGNIN, id="the-first-page"),
            pytest.param("https://go.example/", SIGNIN, id="another-page"),
            pytest.param("https://evil.example/admin/../hello", SIGNIN, id="up"),
            pytest.param("//evil.example", SIGNIN, id="a-host"),
            pytest.param("nonsense", SIGNIN, id="nonsense"),
            pytest.param(None, f"{SIGNIN}?next=/admin/test/links", id="unsaid"),
        ],
    )
    def test_htmx_is_told_where_to_go(self, browser: TestClient, shown: str | None, leads: str) -> None:
        headers = {**HTMX, **({"hx-current-url": shown} if shown else {})}
        answer = browser.get("/admin/test/links", headers=headers)
        assert (answer.status_code, answer.headers["hx-redirect"]) == (401, leads)
        assert "location" not in answer.headers

    def test_htmx_that_writes(self, browser: TestClient) -> None:
        headers = {**HTMX, "origin": "https://go.example", "hx-current-url": "https://go.example/admin/links"}
        answer = browser.delete("/admin/test/write", headers=headers)
        assert (answer.status_code, answer.headers["hx-redirect"]) == (401, f"{SIGNIN}?next=/admin/links")
        assert seen == []

    @pytest.mark.parametrize("kind", ["application/json", "text/csv", "multipart/form-data; boundary=x"])
    def test_what_is_no_form(self, browser: TestClient, kind: str) -> None:
        headers = {"origin": "https://go.example", "content-type": kind}
        answer = browser.post("/admin/test/write", content=b"{}", headers=headers)
        assert answer.status_code == 401
        assert "You are not signed in" in answer.text
        assert seen == []


#: What people may have entered, and names that our own form has too.
ENTERED = [
    ("title", 'Tea & "cake" <b>'),
    ("tag", "one"),
    ("tag", "two"),
    ("notes", "first line\r\nsecond line\r\n\r\n"),
    ("größe", "ключ 😀"),
    ("empty", ""),
    ("key", "their key"),
    ("next", "//evil.example"),
    ("action", "/admin/elsewhere"),
    ("field:x", "y"),
]


class TestLateForm:
    """A form that is sent after its session has ended is sent again once somebody is signed in, and says so."""

    PATH = "/admin/test/write?a=1&b=%26"

    def late(self, browser: TestClient) -> httpx2.Response:
        """The answer to a form whose session has ended."""
        sign_in(browser)
        fields = [("token", token_in(browser.get("/admin/"))), *ENTERED]
        browser.cookies.delete(COOKIE)
        return send(browser, self.PATH, fields)

    def test_nothing_of_it_is_lost(self, browser: TestClient) -> None:
        answer = self.late(browser)
        assert answer.status_code == 401
        asking = form_in(answer)
        assert (asking.action, [each["name"] for each in asking.inputs]) == (SIGNIN, ["key"])
        assert "Tea &amp; &#34;cake&#34; &lt;b&gt;" in answer.text
        assert 'role="alert"' not in answer.text
        answer = send(browser, SIGNIN, asking.filled(key=ADMIN_KEY))
        assert (answer.status_code, seen) == (200, [])
        again = form_in(answer)
        assert (again.method, again.action, again.inputs) == ("post", self.PATH, [])
        assert is_signed_in(browser)
        assert seen == []
        assert send(browser, again.action, again.fields).status_code == 200
        ((actor, fields),) = seen
        assert actor == "preset admin key"
        assert [pair for pair in fields if pair[0] != "token"] == ENTERED

    def test_it_outlives_a_wrong_key_and_an_old_page(self, browser: TestClient) -> None:
        asking = form_in(self.late(browser))
        answer = send(browser, SIGNIN, asking.filled(key="a wrong key"))
        assert answer.status_code == 401
        assert 'role="alert">This API key is unknown' in answer.text
        asking = form_in(answer)
        old = Form(fields=[pair for pair in asking.fields if pair[0] != "token"])
        answer = send(browser, SIGNIN, [("token", "x"), *old.filled(key=ADMIN_KEY)])
        assert answer.status_code == 403
        again = form_in(send(browser, SIGNIN, form_in(answer).filled(key=ADMIN_KEY)))
        assert send(browser, again.action, again.fields).status_code == 200
        assert [pair for pair in seen[0][1] if pair[0] != "token"] == ENTERED

    def test_it_needs_the_right_of_who_signs_in(self, browser: TestClient) -> None:
        asking = form_in(self.late(browser))
        again = form_in(send(browser, SIGNIN, asking.filled(key=issue(browser, "links:read")["key"])))
        assert send(browser, again.action, again.fields).status_code == 403
        assert seen == []

    def test_one_that_could_not_be_sent_again_is_refused(self, browser: TestClient) -> None:
        answer = send(browser, f"/admin/test/write?{'x' * 3000}", ENTERED)
        assert answer.status_code == 401
        assert "You are not signed in" in answer.text
        assert "cake" not in answer.text

    @pytest.mark.parametrize("origin", ["https://evil.example", "null"])
    def test_another_site_gets_no_such_page(self, browser: TestClient, origin: str) -> None:
        answer = send(browser, self.PATH, ENTERED, origin=origin)
        assert answer.status_code == 403
        assert "cake" not in answer.text

    @pytest.mark.parametrize("action", ["//evil.example", "https://evil.example/admin/", "/hello", "/admin/../hello"])
    def test_it_leads_nowhere_else(self, browser: TestClient, action: str) -> None:
        fields = [("token", token_in(browser.get(SIGNIN))), ("key", ADMIN_KEY), ("action", action), ("field:a", "b")]
        answer = send(browser, SIGNIN, fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/")

    def test_as_large_as_a_form_may_be(self, browser: TestClient) -> None:
        entered = [(f"field-{number}", "x" * 45) for number in range(MAX_FIELDS)]
        for fields, status in ((entered, 401), ([*entered, ("more", "x" * MAX_BYTES)], 413)):
            answer = send(browser, "/admin/test/write", fields)
            assert answer.status_code == status
        asking = form_in(send(browser, "/admin/test/write", entered))
        again = form_in(send(browser, SIGNIN, asking.filled(key=ADMIN_KEY)))
        assert again.fields[1:] == entered
        assert send(browser, again.action, again.fields[:-1]).status_code == 200
        assert seen[0][1][1:] == entered[:-1]


class TestHeaders:
    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/admin", 303),
            ("/admin/", 200),
            (SIGNIN, 200),
            (f"{SIGNIN}/unknown", 410),
            ("/admin/test/links", 200),
            ("/admin/test/stats", 200),
            ("/admin/test/stream", 200),
            ("/admin/test/fault", 404),
            ("/admin/test/number/1", 200),
            ("/admin/test/number/x", 422),
        ],
    )
    @pytest.mark.usefixtures("token")
    def test_of_every_answer(self, browser: TestClient, path: str, status: int) -> None:
        for accept in (BROWSER["accept"], "*/*"):
            answer = browser.get(path, headers={"accept": accept})
            assert answer.status_code == status
            expected = {
                "cache-control": ["private, no-store"],
                "content-security-policy": [POLICY],
                "referrer-policy": ["same-origin"],
                "x-content-type-options": [] if status == 303 else ["nosniff"],
            }
            assert {name: answer.headers.get_list(name) for name in expected} == expected

    def test_the_policy(self) -> None:
        assert POLICY == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            "manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        )

    def test_pages_load_what_it_allows(self, browser: TestClient, token: str) -> None:
        for path in ("/admin/", SIGNIN):
            text = browser.get(path).text
            assert "<script" not in text
            assert "style=" not in text
            assert "http://" not in text
            assert "https://" not in text

    def test_admin_leads_to_its_first_page_without_a_host(self, browser: TestClient) -> None:
        for method in ("GET", "HEAD"):
            answer = browser.request(method, "/admin", headers={"host": "evil.example"})
            assert (answer.status_code, answer.headers["location"]) == (303, "/admin/")


def test_the_description_of_the_api_leaves_them_out(browser: TestClient) -> None:
    assert "/admin" not in str(browser.get("/openapi.json").json()["paths"].keys())


def test_no_link_can_be_called_admin(browser: TestClient) -> None:
    for code in ("admin", "Admin", "ADMIN"):
        body = {"target": "https://example.com/", "code": code}
        assert browser.post("/api/v1/links", json=body, headers=AUTHORIZED).json()["code"] == "code-reserved"


def test_what_there_is_not(browser: TestClient) -> None:
    for path in ("/admin/nothing", "/admin/signin/a/b"):
        assert browser.get(path).status_code == 404
    assert browser.post("/admin/nothing").status_code == 404


def test_crawlers_are_kept_out(browser: TestClient) -> None:
    rules = browser.get("/robots.txt").text.splitlines()
    assert {"Disallow: /admin/", "Disallow: /admin$"} <= set(rules)
