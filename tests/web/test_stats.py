"""/api/v1/stats and /api/v1/links/{code}/stats, through the whole path: visit, spool, drain, answer."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from starlette.testclient import TestClient

from shortener.domain.click import ClickClass
from shortener.web.api.schemas.stats import StatsOut
from tests.conftest import FIREFOX
from tests.server import eventually
from tests.web.waiting import drained

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.6.1 Mobile/15E148 Safari/604.1"
)
SLACK = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"
HOUR = timedelta(hours=1)


@pytest.fixture
def code(client: TestClient) -> str:
    client.post("/api/v1/links", json={"target": "https://example.com/", "code": "x"})
    return "x"


def visit(client: TestClient, code: str = "x", query: str = "", **headers: str) -> None:
    given = {"user-agent": FIREFOX, **{name.replace("_", "-"): value for name, value in headers.items()}}
    assert client.get(f"/{code}{query}", headers=given).status_code == 302


def ask(client: TestClient, path: str = "/links/x", **params: Any) -> dict[str, Any]:
    """An answer, once every click so far is in it."""
    drained(client)
    given = {name.rstrip("_"): value for name, value in params.items()}
    answer = client.get(f"/api/v1{path}/stats", params=given)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    StatsOut.model_validate(result)
    return result


def values(client: TestClient, group_by: str, **params: Any) -> dict[str | None, int]:
    return {row["value"]: row["clicks"] for row in ask(client, group_by=group_by, **params)["data"]}


def test_a_visit_shows_in_every_breakdown(client: TestClient, code: str) -> None:
    visit(
        client,
        query="?utm_source=mail&utm_medium=m&utm_campaign=c&utm_term=t&utm_content=n&other=x",
        referer="https://www.Example.org/private?page=1",
        accept_language="de-AT, en;q=0.5",
    )
    expected = {
        "referrer": "example.org",
        "browser": "Firefox",
        "os": "Linux",
        "device": "desktop",
        "language": "de",
        "utm_source": "mail",
        "utm_medium": "m",
        "utm_campaign": "c",
        "utm_term": "t",
        "utm_content": "n",
        "code": "x",
        "country": None,
        "variant": None,
        "trigger": None,
    }
    assert {group_by: values(client, group_by) for group_by in expected} == {
        group_by: {value: 1} for group_by, value in expected.items()
    }


def test_classes_are_kept_apart_and_named(client: TestClient, code: str) -> None:
    for agent in (FIREFOX, IPHONE, SLACK, "curl/8.5.0", ""):
        visit(client, user_agent=agent)
    answer = ask(client)
    assert answer["totals"] == {"clicks": 2, "unique": 2}
    assert answer["excluded"] == {"bot": 2, "preview": 1}
    robots = ask(client, class_="bot,preview")
    assert (robots["totals"]["clicks"], robots["excluded"]) == (3, {"human": 2})
    everything = ask(client, class_=",".join(kind.label for kind in ClickClass))
    assert (everything["totals"]["clicks"], everything["excluded"]) == (5, {})


def test_a_visitor_is_unique_once_a_day_per_link(client: TestClient, code: str) -> None:
    client.post("/api/v1/links", json={"target": "https://example.com/", "code": "y"})
    for agent in (FIREFOX, FIREFOX, IPHONE):
        visit(client, user_agent=agent)
    visit(client, code="y")
    assert ask(client)["totals"] == {"clicks": 3, "unique": 2}
    assert ask(client, path="")["totals"] == {"clicks": 4, "unique": 3}
    link = client.get("/api/v1/links/x").json()
    assert (link["clicks"], link["unique"]) == (3, 2)
    assert datetime.now(UTC) - datetime.fromisoformat(link["last_clicked_at"]) < HOUR


@pytest.mark.parametrize("header", ["sec_gpc", "dnt"])
def test_who_does_not_want_to_be_tracked_is_only_counted(client: TestClient, code: str, header: str) -> None:
    visit(client, query="?utm_source=mail", referer="https://example.org/", accept_language="de", **{header: "1"})
    visit(client, user_agent="curl/8.5.0", **{header: "1"})
    answer = ask(client)
    assert (answer["totals"], answer["excluded"]) == ({"clicks": 1, "unique": 0}, {"bot": 1})
    for group_by in ("browser", "os", "device", "language", "referrer", "country", "utm_source"):
        assert values(client, group_by) == {None: 1}
    spooled = b"".join(path.read_bytes() for path in client.app.state.parts.settings.spool_dir.glob("*.seg"))  # type: ignore[attr-defined]
    assert b"Firefox" not in spooled
    assert b"example.org" not in spooled


def test_a_visitor_behind_a_proxy(client: TestClient, code: str) -> None:
    """X-Forwarded-For of a peer that is not trusted changes nothing."""
    visit(client, x_forwarded_for="8.8.8.8")
    visit(client, x_forwarded_for="9.9.9.9")
    assert ask(client)["totals"] == {"clicks": 2, "unique": 1}
    assert values(client, "country") == {None: 2}


def test_the_series_is_gap_free_and_in_the_zone(client: TestClient, code: str) -> None:
    visit(client)
    answer = ask(client, interval="7d", timezone="Asia/Kathmandu")
    assert answer["range"]["granularity"] == "day"
    assert len(answer["data"]) == 7
    assert all(row["bucket"].endswith("T00:00:00+05:45") for row in answer["data"])
    assert [row["clicks"] for row in answer["data"]] == [0] * 6 + [1]
    hours = ask(client, interval="24h")
    assert hours["range"]["granularity"] == "hour"
    assert len(hours["data"]) == 24
    assert hours["data"][-1]["clicks"] == 1


@pytest.mark.parametrize("interval", ["24h", "7d", "30d", "90d", "1y", "mtd", "qtd", "ytd", "all"])
def test_every_interval_ends_now(client: TestClient, code: str, interval: str) -> None:
    visit(client)
    for path in ("", "/links/x"):
        answer = ask(client, path=path, interval=interval)
        end = datetime.fromisoformat(answer["range"]["end"])
        assert timedelta(0) < end - datetime.now(UTC) <= timedelta(minutes=15)
        assert answer["totals"]["clicks"] == 1
        assert answer["complete"] is True


def test_start_and_end(client: TestClient, code: str) -> None:
    visit(client)
    now = datetime.now(UTC)
    inside = {"start": (now - HOUR).isoformat(), "end": (now + HOUR).isoformat()}
    assert ask(client, **inside)["totals"]["clicks"] == 1
    assert ask(client, start=inside["start"])["totals"]["clicks"] == 1
    assert ask(client, end=inside["end"])["totals"]["clicks"] == 1
    before = {"start": (now - 3 * HOUR).isoformat(), "end": (now - HOUR).isoformat()}
    assert ask(client, **before)["totals"]["clicks"] == 0
    for group_by in ("browser", "timeseries"):
        assert ask(client, group_by=group_by, **inside)["totals"]["clicks"] == 1


def test_what_the_limit_cuts_is_other(client: TestClient, code: str) -> None:
    for agent, times in ((FIREFOX, 3), (IPHONE, 2)):
        for _ in range(times):
            visit(client, user_agent=agent)
    visit(client, sec_gpc="1")
    answer = ask(client, group_by="browser", limit=1)
    assert answer["data"] == [{"value": "Firefox", "clicks": 3, "unique": 1}]
    assert answer["other"] == {"clicks": 3, "unique": 1}
    answer = ask(client, group_by="browser")
    assert [row["value"] for row in answer["data"]] == ["Firefox", "Mobile Safari", None]
    assert answer["other"] == {"clicks": 0, "unique": 0}


def test_a_deleted_links_clicks_stay_in_the_whole(client: TestClient, code: str) -> None:
    visit(client)
    drained(client)
    client.delete("/api/v1/links/x")
    assert client.get("/api/v1/links/x/stats").status_code == 404
    assert ask(client, path="")["totals"]["clicks"] == 1
    client.post("/api/v1/links", json={"target": "https://example.com/", "code": "x"})
    assert ask(client)["totals"]["clicks"] == 0


def test_clicks_that_are_over_when_drained_still_find_their_link(client: TestClient, code: str) -> None:
    visit(client)
    client.delete("/api/v1/links/x")
    assert ask(client, path="")["totals"]["clicks"] == 1


def test_unknown_codes_are_nobodys_clicks(client: TestClient, code: str) -> None:
    client.get("/unknown")
    visit(client)
    assert ask(client, path="")["totals"]["clicks"] == 1


def test_no_address_is_kept(client: TestClient, code: str) -> None:
    """Promise 7, for the spool; what is drained from it holds less still."""
    parts = client.app.state.parts  # type: ignore[attr-defined]
    parts.recorder._trusted = []
    visit(client)
    spooled = b"".join(path.read_bytes() for path in parts.settings.spool_dir.glob("*.seg"))
    assert b"testclient" not in spooled


class TestScopesAndFilters:
    """Over HTTP; that the numbers are right is for tests/storage/test_statistics.py."""

    @pytest.fixture
    def visited(self, client: TestClient) -> TestClient:
        client.post("/api/v1/domains", json={"name": "b.example"}).raise_for_status()
        for fields in ({"code": "a", "tags": ["Spring/Sale"]}, {"code": "b"}, {"code": "a", "domain": "b.example"}):
            client.post("/api/v1/links", json={"target": "https://example.com/", **fields}).raise_for_status()
        eventually(
            lambda: client.get("/a+", headers={"host": "b.example"}).json()["short_url"].endswith("b.example/a")
        )
        for path, host, agent in (
            ("/a", "", FIREFOX),
            ("/a", "", FIREFOX),
            ("/b", "", IPHONE),
            ("/a", "b.example", FIREFOX),
            ("/nobody", "", FIREFOX),
        ):
            client.get(path, headers={"user-agent": agent, **({"host": host} if host else {})})
        drained(client)
        return client

    SCOPES: ClassVar = {
        "all": ("/stats", 4),
        "a link": ("/links/a/stats", 2),
        "a link on a domain": ("/links/a/stats?domain=b.example", 1),
        "a tag with a slash": ("/tags/spring%2Fsale/stats", 2),
        "a tag in another case": ("/tags/SPRING/SALE/stats", 2),
        "a domain": ("/domains/b.example/stats", 1),
        "the default domain": ("/domains/default/stats", 3),
        "unknown codes": ("/orphans/stats", 1),
    }

    def test_scopes(self, visited: TestClient) -> None:
        answers = {name: visited.get(f"/api/v1{path}").json() for name, (path, _) in self.SCOPES.items()}
        found = {name: answer["totals"]["clicks"] for name, answer in answers.items()}
        assert found == {name: clicks for name, (_, clicks) in self.SCOPES.items()}

    GROUPS: ClassVar = {
        "link": {"a": 2, "b": 1, "b.example/a": 1},
        "tag": {"spring/sale": 2, None: 2},
        "domain": {"": 3, "b.example": 1},
        "browser": {"Firefox": 3, "Mobile Safari": 1},
    }

    @pytest.mark.parametrize("group_by", GROUPS)
    def test_groups(self, visited: TestClient, group_by: str) -> None:
        assert values(visited, group_by, path="") == self.GROUPS[group_by]

    def test_filters(self, visited: TestClient) -> None:
        answer = visited.get("/api/v1/stats?browser=Firefox&group_by=link").json()
        assert (answer["source"], answer["totals"]["clicks"]) == ("raw", 3)
        assert [row["value"] for row in answer["data"]] == ["a", "b.example/a"]
        assert visited.get("/api/v1/stats?browser=-Firefox").json()["totals"]["clicks"] == 1
        assert visited.get("/api/v1/stats?referrer=").json()["totals"]["clicks"] == 4

    def test_several_groupings_and_the_period_before(self, visited: TestClient) -> None:
        answer = visited.get("/api/v1/stats?group_by=timeseries,os,hour_of_week&compare=previous&interval=7d").json()
        assert list(answer["groups"]) == ["timeseries", "os", "hour_of_week"]
        assert [len(group["data"]) for group in answer["groups"].values()] == [7, 2, 168]
        assert "data" not in answer
        assert answer["previous"]["range"]["end"] == answer["range"]["start"]
        assert answer["previous"]["totals"] == {"clicks": 0, "unique": 0}
        StatsOut.model_validate(answer)

    OCTOBER: ClassVar = {
        "previous": ("compare=previous", "2026-09-01T00:00:00+02:00", "2026-10-01T00:00:00+02:00"),
        "year": ("compare=year", "2025-10-01T00:00:00+02:00", "2025-10-31T00:00:00+01:00"),
        "weekday": ("compare=weekday", "2026-08-27T00:00:00+02:00", "2026-09-26T00:00:00+02:00"),
        "dates of its own": (
            "compare_start=2026-03-01T00:00:00%2B01:00&compare_end=2026-04-01T00:00:00%2B02:00",
            *("2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"),
        ),
        "some minutes, in slots": (
            "compare_start=2026-03-01T10:01:00Z&compare_end=2026-03-01T10:02:00Z",
            *("2026-03-01T11:00:00+01:00", "2026-03-01T11:15:00+01:00"),
        ),
    }

    @pytest.mark.parametrize(("compare", "start", "end"), OCTOBER.values(), ids=OCTOBER)
    @pytest.mark.parametrize("path", [path for path, _ in SCOPES.values()])
    def test_comparisons(self, visited: TestClient, path: str, compare: str, start: str, end: str) -> None:
        """Thirty days that an hour comes twice in."""
        period = "start=2026-10-01T00:00:00%2B02:00&end=2026-10-31T00:00:00%2B01:00&timezone=Europe/Berlin"
        answer = visited.get(f"/api/v1{path}{'&' if '?' in path else '?'}{period}&{compare}").json()
        StatsOut.model_validate(answer)
        told = answer["previous"]["range"]
        assert told == {"start": start, "end": end, "timezone": "Europe/Berlin", "granularity": "day"}
        assert answer["previous"]["complete"]
        assert len(answer["data"]) == 30
        beside = [row["previous"] for row in answer["data"]]
        assert beside == [*answer["previous"]["data"], *[None] * 30][:30]

    def test_a_comparison_with_what_was_clicked(self, visited: TestClient) -> None:
        """An hour ago there was nothing, so everything is beside a range before that."""
        now = datetime.now(UTC)
        given = {
            "start": (now - 9 * HOUR).isoformat(),
            "end": (now - 5 * HOUR).isoformat(),
            "compare_start": (now - HOUR).isoformat(),
            "compare_end": (now + HOUR).isoformat(),
            "group_by": "browser",
        }
        answer = visited.get("/api/v1/stats", params=given).json()
        assert (answer["data"], answer["totals"]["clicks"]) == ([], 0)
        assert answer["other"] == {"clicks": 0, "unique": 0, "previous": {"clicks": 4, "unique": 3}}
        turned = {name.removeprefix("compare_"): given[name] for name in ("compare_start", "compare_end")}
        turned |= {f"compare_{name}": given[name] for name in ("start", "end")}
        answer = visited.get("/api/v1/stats", params={**turned, "group_by": "browser"}).json()
        nothing = {"clicks": 0, "unique": 0}
        assert answer["data"] == [
            {"value": "Firefox", "clicks": 3, "unique": 2, "previous": nothing},
            {"value": "Mobile Safari", "clicks": 1, "unique": 1, "previous": nothing},
        ]
        assert answer["other"] == {**nothing, "previous": nothing}

    def test_without_a_comparison_nothing_is_said_of_any(self, visited: TestClient) -> None:
        for group_by in ("timeseries", "browser", "hour_of_week"):
            assert "previous" not in visited.get(f"/api/v1/stats?group_by={group_by}").text
