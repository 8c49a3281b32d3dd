"""Links with rules, as visitors and their owners see them: the API, the redirect, and the explanation of it."""

import random
from collections.abc import Iterator
from functools import partial
from ipaddress import ip_network
from typing import Any

import pytest
from starlette.testclient import TestClient

from shortener.app import create_app
from shortener.clicks.geo import Geo
from shortener.domain.click import ClickClass
from shortener.domain.rule import Rule, Variant
from shortener.redirect.rule import compile_rules
from shortener.settings import Settings
from shortener.web.clicks import Request
from shortener.web.visitors import Visitors
from tests.client import Client
from tests.conftest import AUTHORIZED, FIREFOX
from tests.sizes import nightly, size
from tests.web.waiting import drained

pytestmark = pytest.mark.unmeasured

TARGET = "https://example.com/"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def rule(target: str, *conditions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"conditions": list(conditions), "target": f"{TARGET}{target}", **fields}


def condition(kind: str, value: str | None = None, key: str | None = None) -> dict[str, Any]:
    return {name: given for name, given in (("type", kind), ("key", key), ("value", value)) if given is not None}


#: One of nearly every kind, so that most visitors meet another.
RULES = [
    rule("bots", condition("visitor-class", "bot")),
    rule("de-phones", condition("device", "mobile"), condition("language", "de"), status=307),
    rule("phones", condition("device", "mobile")),
    rule("chrome", condition("browser", "chrome"), condition("operating-system", "windows")),
    rule("mail", condition("query-param", "mail", "ref")),
    rule("any", condition("any-value-query-param", key="any")),
    rule("flag", condition("valueless-query-param", key="flag")),
    rule("news", condition("referrer-host", "*.news.example")),
    rule("office", condition("ip-address", "203.0.113.0/24")),
    rule("swiss", condition("geolocation-country-code", "CH")),
    rule("late", condition("after-date", "2999-01-01T00:00:00Z")),
    {
        "conditions": [condition("language", "fr")],
        "split": [
            {"name": "one", "target": f"{TARGET}one", "weight": 1},
            {"name": "two", "target": f"{TARGET}two", "weight": 1},
        ],
    },
]


def create(client: TestClient, **fields: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/links", json={"target": TARGET, "code": "mine", **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_the_first_rule_that_fits_decides(client: TestClient) -> None:
    create(client, rules=RULES)
    german = {"accept-language": "de-CH, en;q=0.5"}
    assert client.get("/mine").headers["location"] == TARGET
    assert client.get("/mine", headers={"user-agent": IPHONE}).headers["location"] == f"{TARGET}phones"
    answer = client.get("/mine", headers={"user-agent": IPHONE, **german})
    assert (answer.status_code, answer.headers["location"]) == (307, f"{TARGET}de-phones")
    assert answer.headers["cache-control"] == "private, no-store"


def test_a_permanent_status_is_not_kept_where_others_are_sent_elsewhere(client: TestClient) -> None:
    create(client, status=301, rules=RULES)
    answer = client.get("/mine")
    assert (answer.status_code, answer.headers["cache-control"]) == (301, "private, no-store")


def test_rules_come_back_as_they_are_stored(client: TestClient) -> None:
    made = create(client, rules=RULES)
    assert [found["target"] for found in made["rules"][:2]] == [f"{TARGET}bots", f"{TARGET}de-phones"]
    assert made["rules"][-1]["split"] == RULES[-1]["split"]
    again = client.put("/api/v1/links/mine", json={"target": TARGET, "rules": made["rules"]})
    assert (again.status_code, again.json()["version"], again.json()["rules"]) == (200, 1, made["rules"])


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        pytest.param([rule("x", condition("weather", "sunny"))], "rules.0.conditions.0.type", id="unknown-condition"),
        pytest.param([rule("x", condition("device", "toaster"))], "rules.0.conditions.0.value", id="unknown-device"),
        pytest.param(
            [rule("x", condition("weekly-schedule", "Mars/Base mon-fri 09:00-17:00"))],
            "rules.0.conditions.0.value",
            id="impossible-time-zone",
        ),
        pytest.param([{"conditions": [], "target": "ftp://x"}], "rules.0.target", id="a-target-against-the-policy"),
        pytest.param([{"conditions": [], "target": "https://go.example/x"}], "rules.0.target", id="a-loop"),
        pytest.param(
            [{"conditions": [], "split": [{"target": TARGET, "weight": 0}, {"target": TARGET, "weight": 0}]}],
            "rules.0.split",
            id="weights-of-nothing",
        ),
        pytest.param([{"conditions": []}], "rules.0", id="no-target"),
        pytest.param([rule("x")] * 51, "rules", id="too-many"),
    ],
)
def test_bad_rules(client: TestClient, rules: Any, field: str) -> None:
    answer = client.post("/api/v1/links", json={"target": TARGET, "code": "mine", "rules": rules})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith(field)
    assert client.get("/api/v1/links/mine").status_code == 404


def visitors(browsers: list[dict[str, str]], count: int) -> list[dict[str, Any]]:
    """Visitors of all kinds, by headers and query."""
    dice = random.Random(4)
    agents = [*(browser["user_agent"] for browser in browsers), IPHONE, BOT, "curl/8.14", ""]
    languages = ["", "de", "en-US,en;q=0.9", "fr-CH, de;q=0.7", "de;q=0", "*", "nonsense;q=x"]
    addresses = ["203.0.113.9", "198.51.100.7", "5.144.0.1", "2001:db8::1", "8.8.8.8"]
    queries = ["", "ref=mail", "ref=print&any=1", "flag", "any=", "a=%ff&&=", "ref=mail&ref=x"]
    referrers = ["", "https://www.news.example/a", "https://news.example/", "https://deep.news.example", "garbage"]
    return [
        {
            "user_agent": dice.choice(agents),
            "accept_language": dice.choice(languages),
            "address": dice.choice(addresses),
            "query": dice.choice(queries),
            "referrer": dice.choice(referrers),
        }
        for _ in range(count)
    ]


@pytest.fixture
def proxied(settings: Settings) -> Iterator[TestClient]:
    """A browser whose address is what X-Forwarded-For says."""
    app = create_app(settings.model_copy(update={"trusted_proxies": (ip_network("127.0.0.0/8"),)}))
    with Client(app, follow_redirects=False, headers=AUTHORIZED, client=("127.0.0.1", 4711)) as opened:
        yield opened


@nightly
def test_explain_agrees_with_the_redirect(proxied: TestClient, browsers: list[dict[str, str]]) -> None:
    client = proxied
    create(client, rules=RULES, forward_query=True)
    met: set[int | None] = set()
    for visitor in visitors(browsers, size(400, 5000)):
        headers = {
            "user-agent": visitor["user_agent"],
            "accept-language": visitor["accept_language"],
            "x-forwarded-for": visitor["address"],
            "referer": visitor["referrer"],
        }
        path = f"/mine?{visitor['query']}" if visitor["query"] else "/mine"
        real = client.get(path, headers=headers)
        told = client.post("/api/v1/links/mine/explain", json=visitor).json()
        assert (told["status"], told["location"]) == (real.status_code, real.headers["location"]), visitor
        met.add(told["rule"])
    assert met == {None, *range(len(RULES))} - {10}


def test_explain_says_why(client: TestClient) -> None:
    create(client, rules=RULES, max_clicks=5, password="open sesame")
    told = client.post("/api/v1/links/mine/explain", json={"user_agent": IPHONE, "accept_language": "fr"}).json()
    assert (told["outcome"], told["rule"], told["location"]) == ("redirect", 2, f"{TARGET}phones")
    assert (told["needs_password"], told["needs_slot"]) == (True, True)
    assert told["visitor"]["device"] == "mobile"
    second = told["rules"][1]
    assert (second["matched"], second["decided"]) == (False, False)
    assert [each["holds"] for each in second["conditions"]] == [True, False]
    assert [verdict["rule"] for verdict in told["rules"] if verdict["decided"]] == [2]
    assert client.get("/api/v1/links/mine").json()["clicks"] == 0


def test_explain_of_who_only_looks(client: TestClient) -> None:
    create(client, max_clicks=5)
    visits: list[tuple[dict[str, str], dict[str, str], str]] = [
        ({"user_agent": BOT}, {"user-agent": BOT}, "GET"),
        ({"method": "HEAD"}, {}, "HEAD"),
    ]
    for fields, headers, method in visits:
        told = client.post("/api/v1/links/mine/explain", json=fields).json()
        real = client.request(method, "/mine", headers=headers)
        assert (told["outcome"], told["status"], told["location"]) == ("preview", real.status_code, None)
        assert "location" not in real.headers


def test_explain_of_another_time_and_place(client: TestClient) -> None:
    create(client, rules=RULES, valid_from="2990-01-01T00:00:00Z")
    now = client.post("/api/v1/links/mine/explain", json={}).json()
    assert (now["outcome"], now["state"], now["status"]) == ("not-found", "scheduled", 404)
    later = client.post("/api/v1/links/mine/explain", json={"at": "2999-06-01T00:00:00Z"}).json()
    assert (later["outcome"], later["rule"]) == ("redirect", 10)
    swiss = {"at": "2995-01-01T00:00:00Z", "country": "CH"}
    assert client.post("/api/v1/links/mine/explain", json=swiss).json()["rule"] == 9


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"address": "300.1.1.1"}, "address"),
        ({"at": "noon"}, "at"),
        ({"country": "Switzerland"}, "country"),
        ({"method": "BREW"}, "method"),
    ],
)
def test_explain_of_nonsense(client: TestClient, body: dict[str, Any], field: str) -> None:
    create(client)
    answer = client.post("/api/v1/links/mine/explain", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_variants_are_counted_apart(client: TestClient) -> None:
    split = [{"name": name, "target": f"{TARGET}{name}", "weight": 1} for name in ("one", "two")]
    create(client, rules=[{"conditions": [], "split": split}])
    led = [
        client.get("/mine", headers={"user-agent": f"{FIREFOX} {number}"}).headers["location"] for number in range(40)
    ]
    drained(client)
    stats = client.get("/api/v1/links/mine/stats", params={"group_by": "variant"}).json()
    expected = {name: led.count(f"{TARGET}{name}") for name in ("one", "two")}
    assert {row["value"]: row["clicks"] for row in stats["data"]} == expected
    assert min(expected.values()) > 5


def test_a_split_is_even_and_every_visitor_stays(client: TestClient) -> None:
    split = [{"name": "a", "target": f"{TARGET}a", "weight": 90}, {"name": "b", "target": f"{TARGET}b", "weight": 10}]
    create(client, rules=[{"conditions": [], "split": split}])
    parts = client.app.state.parts  # type: ignore[attr-defined]
    link = client.get("/api/v1/links/mine").json()
    rules = compile_rules(
        [
            Rule(
                (),
                None,
                tuple(Variant(v["name"], v["target"], v["weight"]) for v in link["rules"][0]["split"]),
                None,
                None,
            )
        ]
    )

    def sides(visitors: Visitors) -> list[str | None]:
        found = []
        for number in range(100_000):
            request = Request(
                [], {b"user-agent": FIREFOX.encode()}, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", b""
            )
            visitor = visitors.of(request)
            decision = rules.decide(None, partial(visitor.share, 17))  # type: ignore[arg-type]  # no condition asks
            found.append(decision.variant if decision else None)
        return found

    first = sides(parts.visitors)
    # Another worker, another day: whoever knows the secret decides the same.
    assert sides(Visitors(Geo(None), parts.secret.read, ())) == first
    assert abs(first.count("b") / 100_000 - 0.10) < 0.01


@pytest.mark.parametrize(
    ("fields", "path", "location"),
    [
        ({"target": f"{TARGET}?a=1", "forward_query": True}, "/mine?a=2&b=3", f"{TARGET}?a=1&b=3"),
        ({"target": TARGET}, "/mine?a=2", TARGET),
        ({"target": f"{TARGET}docs", "forward_path": True}, "/mine/a/b", f"{TARGET}docs/a/b"),
        ({"target": f"{TARGET}docs", "forward_path": True}, "/mine", f"{TARGET}docs"),
        ({"target": f"{TARGET}docs", "forward_path": True}, "/mine/%2e%2e/x", f"{TARGET}docs/x"),
        ({"target": f"{TARGET}docs", "forward_path": True}, "/mine%2Fa%2fb", f"{TARGET}docs/a%2fb"),
        ({"target": TARGET + "{code}?q={query.q}"}, "/mine?q=a%26b", f"{TARGET}mine?q=a%26b"),
        ({"target": f"{TARGET}", "forward_query": True}, "/mine?qr", TARGET),
    ],
)
def test_what_the_visitor_sends_along(client: TestClient, fields: dict[str, Any], path: str, location: str) -> None:
    create(client, **fields)
    assert client.get(path).headers["location"] == location


@pytest.mark.parametrize("path", ["/mine/more", "/mine%2Fmore", "/none/more", "/api/none/x", "/docs/x"])
def test_paths_behind_codes_that_take_none(client: TestClient, path: str) -> None:
    create(client)
    assert client.get(path).status_code == 404


def test_what_is_not_tracked_is_not_counted(client: TestClient) -> None:
    create(client, track=False)
    assert client.get("/mine").headers["location"] == TARGET
    assert client.get("/mine").status_code == 302
    client.post("/api/v1/links", json={"target": TARGET, "code": "other"})
    client.get("/other")
    drained(client)
    assert client.get("/api/v1/links/mine").json()["clicks"] == 0
    assert client.get("/api/v1/links/other").json()["clicks"] == 1


def test_scans_are_counted_apart(client: TestClient) -> None:
    create(client)
    for path in ("/mine", "/mine?qr", "/mine?x=1&qr", "/mine?qrx=1"):
        client.get(path)
    drained(client)
    stats = client.get("/api/v1/links/mine/stats", params={"group_by": "trigger"}).json()
    assert {row["value"]: row["clicks"] for row in stats["data"]} == {"qr": 2, None: 2}


def test_a_class_may_decide(client: TestClient) -> None:
    create(client, rules=[rule(kind.label, condition("visitor-class", kind.label)) for kind in ClickClass])
    assert client.get("/mine", headers={"user-agent": BOT}).headers["location"] == f"{TARGET}bot"
    assert client.get("/mine").headers["location"] == f"{TARGET}human"
