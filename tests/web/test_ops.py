"""What operators look at, and the fixed files."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import structlog
from starlette.testclient import TestClient

from shortener.clicks import election
from shortener.storage.engine import Database
from tests.conftest import AUTHORIZED

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def draining() -> bool:
    return True


PAGES = [
    ("/", 200, "text/html; charset=utf-8"),
    ("/docs", 200, "text/html; charset=utf-8"),
    ("/docs/", 200, "text/html; charset=utf-8"),
    ("/openapi.json", 200, "application/json"),
    ("/robots.txt", 200, "text/plain; charset=utf-8"),
    ("/favicon.ico", 200, "image/vnd.microsoft.icon"),
    ("/healthz", 200, "application/json"),
    ("/readyz", 200, "application/json"),
    ("/metrics", 200, "text/plain; version=1.0.0; charset=utf-8"),
    ("/static/app.css", 200, "text/css; charset=utf-8"),
    ("/static/nothing", 404, "application/problem+json"),
    ("/static/../app.py", 404, "application/problem+json"),
    ("/api/v1", 404, "application/problem+json"),
    ("/api/v1/nothing", 404, "application/problem+json"),
]


@pytest.mark.parametrize(("path", "status", "content_type"), PAGES)
def test_get_and_head(client: TestClient, path: str, status: int, content_type: str) -> None:
    got, head = client.get(path), client.head(path)
    for answer in (got, head):
        assert answer.status_code == status
        assert answer.headers["content-type"] == content_type
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert got.content
    assert head.content == b""


def test_no_page_runs_or_loads_anything_foreign(client: TestClient) -> None:
    for path in ("/", "/docs"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_ready_says_what_works(client: TestClient) -> None:
    assert client.get("/readyz").json() == {
        "status": "ok",
        "checks": {"database": "ok", "spool": "ok", "drainer": "ok"},
        "warnings": [],
    }


def test_crawlers_may_follow_links_that_begin_like_our_pages(client: TestClient) -> None:
    rules = client.get("/robots.txt").text.splitlines()
    assert "Disallow: /docs$" in rules
    assert "Disallow: /docs" not in rules
    assert "Disallow: /" not in rules


def test_head_is_observed_as_the_route_that_answers(client: TestClient) -> None:
    client.head("/healthz")
    assert 'shortener_requests_total{route="/healthz",status="200"}' in client.get("/metrics").text


def test_metrics_have_bounded_labels(client: TestClient) -> None:
    client.post("/api/v1/links", json={"target": "https://example.com/", "code": "secret-code"})
    for path in ("/secret-code", "/unknown-code", "/un.known", "/a/b/c"):
        client.get(path)
    text = client.get("/metrics").text
    assert 'shortener_visits_total{outcome="redirect"}' in text
    assert 'route="/{code}"' in text
    for word in ("secret-code", "unknown-code", "example.com", "testclient"):
        assert word not in text


def test_writing_to_what_can_only_be_read(client: TestClient) -> None:
    for path in ("/", "/docs", "/healthz", "/api/v1/stats"):
        answer = client.post(path, json={})
        assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed"), path
        assert "GET" in answer.headers["allow"]


DRIVER = "connection to server at 10.1.2.3, port 5432 failed"
SECRETS = ("10.1.2.3", "5432", "nobody", "127.0.0.1", "/srv/secret")


class TestReadiness:
    """Strangers learn what is unavailable, and administrators why."""

    @pytest.fixture
    def failing(self, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
        """A server of which nothing works, each with a cause that is nobody else's business."""
        parts = client.app.state.parts  # type: ignore[attr-defined]
        monkeypatch.setattr(election, "condition", lambda _: f"Clicks cannot be counted: {DRIVER}")
        monkeypatch.setattr(type(parts.spool), "fault", "the disk is full: /srv/secret", raising=False)
        with closing(Database("postgresql://nobody@127.0.0.1:1/nothing")) as away:
            whole = parts.database
            parts.database = away
            yield client
            parts.database = whole

    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param({}, id="stranger"),
            pytest.param({"authorization": "Bearer nonsense"}, id="bad-key"),
            pytest.param({"authorization": "Bearer shk_000000000000_" + "A" * 43}, id="unknown-key"),
        ],
    )
    def test_a_stranger_learns_no_cause(self, failing: TestClient, headers: dict[str, str]) -> None:
        del failing.headers["authorization"]
        answer = failing.get("/readyz", headers=headers)
        assert answer.status_code == 503
        assert answer.json()["checks"] == {
            "database": "database unavailable",
            "spool": "spool unavailable",
            "drainer": "drainer unavailable",
        }
        assert not any(secret in answer.text for secret in SECRETS)

    def test_an_administrator_does(self, failing: TestClient) -> None:
        checks = failing.get("/readyz", headers=AUTHORIZED).json()["checks"]
        assert "127.0.0.1" in checks["database"]
        assert "/srv/secret" in checks["spool"]
        assert DRIVER in checks["drainer"]

    def test_a_key_that_is_no_administrators_does_not(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = client.post("/api/v1/keys", json={"name": "x", "scopes": ["links:read", "stats:read"]}).json()["key"]
        monkeypatch.setattr(election, "condition", lambda _: f"Clicks cannot be counted: {DRIVER}")
        answer = client.get("/readyz", headers={"authorization": f"Bearer {made}"})
        assert answer.json()["checks"]["drainer"] == "drainer unavailable"

    def test_the_log_says_why(self, failing: TestClient) -> None:
        with structlog.testing.capture_logs() as lines:
            failing.get("/readyz", headers={"authorization": ""})
        assert any("127.0.0.1" in str(line.get("cause")) for line in lines)
