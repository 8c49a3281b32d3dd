"""Short links as their visitors see them."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from shortener.app import create_app
from shortener.settings import Settings
from tests.client import Client
from tests.conftest import AUTHORIZED, FIREFOX
from tests.server import eventually
from tests.web.waiting import drained

TARGET = "https://example.com/sale"
STATUSES = (301, 302, 307, 308)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
HTML = {"accept": "text/html,application/xhtml+xml"}
PAST = (datetime.now(UTC) - timedelta(days=1)).isoformat()
FUTURE = (datetime.now(UTC) + timedelta(days=1)).isoformat()


def create(client: TestClient, **fields: Any) -> str:
    answer = client.post("/api/v1/links", json={"target": TARGET, **fields})
    assert answer.status_code == 201, answer.text
    code: str = answer.json()["code"]
    return code


def clicks(client: TestClient, code: str) -> int:
    """How often the spool was written for `code`, once all is drained."""
    drained(client)
    answer = client.get(f"/api/v1/links/{code}/stats", params={"class": "human,bot,preview,prefetch,monitor"})
    count: int = answer.json()["totals"]["clicks"]
    return count


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("method", METHODS)
def test_status_and_method(client: TestClient, status: int, method: str) -> None:
    code = create(client, status=status)
    answer = client.request(method, f"/{code}")
    reading = method in ("GET", "HEAD")
    writing = method in ("POST", "PUT", "PATCH", "DELETE") and status in (307, 308)
    if reading or writing:
        assert answer.status_code == status
        assert answer.headers["location"] == TARGET
        assert answer.content == b""
        assert answer.headers["content-length"] == "0"
    else:
        assert answer.status_code == 405
        assert answer.headers["allow"].startswith("GET, HEAD")
        assert "location" not in answer.headers
    assert clicks(client, code) == int((reading and method != "HEAD") or writing)


@pytest.mark.parametrize("status", STATUSES)
def test_head_has_the_same_headers(client: TestClient, status: int) -> None:
    code = create(client, status=status)
    assert dict(client.head(f"/{code}").headers) == dict(client.get(f"/{code}").headers)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("status", STATUSES)
def test_status_of_the_instance(settings: Settings, status: int) -> None:
    app = create_app(settings.model_copy(update={"redirect_status": status}))
    with Client(app, follow_redirects=False, headers=AUTHORIZED) as client:
        assert client.get(f"/{create(client)}").status_code == status
        own = 302 if status != 302 else 301
        assert client.get(f"/{create(client, status=own)}").status_code == own
        if status in (301, 308):
            assert client.post("/api/v1/links", json={"target": TARGET}).json()["warnings"]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
class TestCaching:
    @pytest.mark.parametrize(
        ("status", "header"),
        [
            (301, "public, max-age=300"),
            (308, "public, max-age=300"),
            (302, "private, no-store"),
            (307, "private, no-store"),
        ],
    )
    def test_by_status(self, client: TestClient, status: int, header: str) -> None:
        assert client.get(f"/{create(client, status=status)}").headers["cache-control"] == header

    def test_never_past_the_expiry(self, client: TestClient) -> None:
        soon = (datetime.now(UTC) + timedelta(seconds=100)).isoformat()
        header = client.get(f"/{create(client, status=301, expires_at=soon)}").headers["cache-control"]
        assert 90 <= int(header.removeprefix("public, max-age=")) <= 100

    def test_no_time_means_no_store(self, settings: Settings) -> None:
        app = create_app(settings.model_copy(update={"redirect_cache_seconds": 0}))
        with Client(app, follow_redirects=False, headers=AUTHORIZED) as client:
            assert client.get(f"/{create(client, status=301)}").headers["cache-control"] == "private, no-store"


class TestLifetime:
    @pytest.mark.parametrize(
        ("fields", "status", "problem"),
        [
            ({"enabled": False}, 410, "link-gone"),
            ({"expires_at": PAST}, 410, "link-gone"),
            ({"valid_from": FUTURE}, 404, "link-not-found"),
            ({"valid_from": FUTURE, "expires_at": PAST, "enabled": False}, 422, "dates-contradict"),
            ({"expires_at": FUTURE}, 302, None),
            ({"valid_from": PAST}, 302, None),
        ],
    )
    def test_states(self, client: TestClient, fields: dict[str, Any], status: int, problem: str | None) -> None:
        made = client.post("/api/v1/links", json={"target": TARGET, "code": "x", **fields})
        answer = made if made.status_code == 422 else client.get("/x")
        assert answer.status_code == status
        if problem:
            assert answer.json()["code"] == problem
            assert answer.headers["cache-control"] == ("private, no-store" if answer is made else "no-store")
            assert "location" not in answer.headers

    @pytest.mark.parametrize("fields", [{"enabled": False}, {"expires_at": PAST}])
    def test_an_expired_target(self, client: TestClient, fields: dict[str, Any]) -> None:
        code = create(client, expired_target="https://example.com/over", **fields)
        answer = client.get(f"/{code}")
        assert (answer.status_code, answer.headers["location"]) == (302, "https://example.com/over")
        assert answer.headers["cache-control"] == "private, no-store"
        assert clicks(client, code) == 0

    def test_a_link_that_is_over_counts_nothing(self, client: TestClient) -> None:
        code = create(client, enabled=False)
        client.get(f"/{code}")
        assert clicks(client, code) == 0


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
class TestInstanceTargets:
    @pytest.fixture
    def client(self, settings: Settings) -> Any:
        values = {
            "home_target": "https://example.com/home",
            "not_found_target": "https://example.com/lost",
            "expired_target": "https://example.com/late",
        }
        with Client(
            create_app(settings.model_copy(update=values)), follow_redirects=False, headers=AUTHORIZED
        ) as opened:
            yield opened

    @pytest.mark.parametrize(
        ("path", "location"),
        [
            ("/", "https://example.com/home"),
            ("/unknown", "https://example.com/lost"),
            ("/un.known", "https://example.com/lost"),
        ],
    )
    def test_where_they_lead(self, client: TestClient, path: str, location: str) -> None:
        answer = client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (302, location)
        assert answer.headers["cache-control"] == "private, no-store"

    def test_expired(self, client: TestClient) -> None:
        assert client.get(f"/{create(client, expires_at=PAST)}").headers["location"] == "https://example.com/late"

    def test_others_than_get_and_head_are_not_led_astray(self, client: TestClient) -> None:
        assert client.post("/unknown").status_code == 404
        assert client.post(f"/{create(client, expires_at=PAST)}").status_code == 410

    def test_our_own_paths_are_not_unknown_codes(self, client: TestClient) -> None:
        assert client.get("/api").status_code == 404


class TestPaths:
    @pytest.mark.parametrize("path", ["/x", "/x/", "/%78", "/x?y=z", "/x/?y=z"])
    def test_the_same_link(self, client: TestClient, path: str) -> None:
        create(client, code="x")
        assert client.get(path).headers["location"] == TARGET

    @pytest.mark.parametrize("path", ["/X", "/x/y", "/x//", "/x*", "/%", "/x%00", "/%20x", "/y+", "/" + "x" * 129])
    def test_another_one(self, client: TestClient, path: str) -> None:
        create(client, code="x")
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize("code", ["größe", "日本語", "cafe\u0301", "_-_", "0"])
    def test_unicode(self, client: TestClient, code: str) -> None:
        create(client, code=code)
        assert client.get(f"/{code}").headers["location"] == TARGET


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
class TestReserved:
    @pytest.fixture
    def draining(self) -> bool:
        return True  # or /readyz would not be

    FIRST_SEGMENTS = ("admin", "api", "static", "docs", "healthz", "readyz", "metrics")

    @pytest.mark.parametrize("segment", FIRST_SEGMENTS)
    @pytest.mark.parametrize("spelling", [str, str.upper, str.title])
    def test_cannot_be_created(self, client: TestClient, segment: str, spelling: Any) -> None:
        answer = client.post("/api/v1/links", json={"target": TARGET, "code": spelling(segment)})
        assert (answer.status_code, answer.json()["code"]) == (422, "code-reserved")

    @pytest.mark.parametrize("segment", FIRST_SEGMENTS)
    @pytest.mark.parametrize("slash", ["", "/"])
    def test_is_never_taken_for_a_code(self, client: TestClient, segment: str, slash: str) -> None:
        answer = client.get(f"/{segment}{slash}", headers={"host": "evil.example"})
        assert "evil" not in answer.headers.get("location", "")
        assert answer.status_code in ((303,) if segment == "admin" else (200, 404))
        if answer.status_code == 404:
            assert answer.json()["code"] == "not-found"

    def test_every_route_begins_with_a_reserved_segment(self, client: TestClient) -> None:
        reserved = client.app.state.parts.link_policy.reserved  # type: ignore[attr-defined]
        documented = {path.split("/")[1] for path in client.get("/openapi.json").json()["paths"]}
        codes = {segment for segment in documented if segment.startswith("{code}")}
        assert documented - codes <= set(reserved)
        assert set(self.FIRST_SEGMENTS) <= set(reserved)


class TestLooks:
    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            (None, "There is no link called"),
            ({"enabled": False}, "switched it off"),
            ({"expires_at": PAST}, "expired"),
        ],
    )
    def test_a_browser_gets_a_page(self, client: TestClient, fields: dict[str, Any] | None, words: str) -> None:
        code = create(client, **fields) if fields else "unknown"
        answer = client.get(f"/{code}", headers=HTML)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert words in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]

    def test_what_was_asked_for_is_escaped(self, client: TestClient) -> None:
        answer = client.get("/<script>alert(1)", headers=HTML)
        assert answer.status_code == 404
        assert "<script>alert" not in answer.text
        assert "&lt;script&gt;alert(1)" in answer.text


def test_no_location_takes_its_host_from_the_request(client: TestClient) -> None:
    code = create(client, code="x", status=301)
    headers = {"host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    for path in (
        f"/{code}",
        f"/{code}/",
        "/",
        "/docs/",
        "/admin",
        "/static",
        "/api/",
        "/nothing",
        "//evil.example/x",
    ):
        answer = client.get(path, headers=headers)
        assert "evil" not in answer.headers.get("location", ""), path
    made = client.post("/api/v1/links", json={"target": TARGET}, headers=headers)
    assert "evil" not in made.headers["location"] + made.json()["short_url"]


class TestWithoutTheDatabase:
    @pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
    def test_503_and_when_to_try_again(self, client: TestClient, tmp_path: Path) -> None:
        create(client, code="x")
        database = client.app.state.parts.database  # type: ignore[attr-defined]
        database.close()
        for file in tmp_path.glob("shortener.db*"):
            file.unlink()
        (tmp_path / "shortener.db").mkdir()
        answer = client.get("/x")
        assert (answer.status_code, answer.json()["code"]) == (503, "database-unavailable")
        assert int(answer.headers["retry-after"]) > 0
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["spool"]) == (503, "ok")
        assert client.get("/healthz").status_code == 200
        (tmp_path / "shortener.db").rmdir()


class TestWithoutTheSpool:
    @pytest.fixture
    def draining(self) -> bool:
        return True

    @pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
    def test_redirects_go_on_and_say_so(self, client: TestClient) -> None:
        """Promise 1: a redirect never fails because of statistics."""
        code = create(client)
        spool = client.app.state.parts.spool  # type: ignore[attr-defined]
        shutil.rmtree(spool.folder)
        spool.folder.write_text("in the way")
        assert client.get(f"/{code}").status_code == 302
        eventually(lambda: spool.fault is not None)
        assert client.get(f"/{code}").status_code == 302
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"]["spool"].startswith("Clicks cannot be recorded")
        # It is well again as soon as it could write, without waiting for a visit to prove it.
        spool.folder.unlink()
        eventually(lambda: client.get("/readyz").status_code == 200)
        before = spool.appended
        assert client.get(f"/{code}").status_code == 302
        assert (spool.appended, spool.fault) == (before + 1, None)


def test_a_visitor_is_asked_nothing_and_told_nothing(client: TestClient) -> None:
    answer = client.get(f"/{create(client)}", headers={"user-agent": FIREFOX})
    assert set(answer.headers) == {"location", "cache-control", "content-length"}
