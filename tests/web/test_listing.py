"""GET /api/v1/links: filters, orders and pages, held against a model that filters the whole list in Python."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from shortener.domain import search
from shortener.storage.tables import link as link_table
from tests.conftest import FIREFOX
from tests.web.refusals import assert_problem, instance_on
from tests.web.waiting import drained

LINKS = "/api/v1/links"
TARGET = "https://example.com/sale"
PAST, AHEAD = "2020-01-31T12:00:00Z", "2999-01-31T12:00:00Z"
STATES = ("live", "disabled", "scheduled", "expired", "exhausted")
HOSTS = ("example.com", "www.example.com", "xn--bcher-kva.example", "[2001:db8::1]", "192.0.2.7")
TITLES = (None, "Sale", "sale 2", "Ärger", "ärger", "zebra", "日本", "\U0001f600")
TAGS = ("red", "green", "blue")
NUMBER = 60

Link = dict[str, Any]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stocked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A browser on an instance with links of all kinds, created by two keys and by the preset one."""
    with instance_on(request.param, tmp_path_factory.mktemp("listing"), request) as opened:
        fill(opened.client)
        yield opened.client


def fill(client: TestClient) -> None:
    dice = random.Random(7)
    client.delete(f"{LINKS}/kept")
    keys = [None, *(client.post("/api/v1/keys", json={"name": n, "scopes": ["admin"]}).json() for n in ("a", "b"))]
    for number in range(NUMBER):
        key = dice.choice(keys)
        headers = {} if key is None else {"authorization": f"Bearer {key['key']}"}
        made = client.post(LINKS, json=a_link(dice, number), headers=headers)
        assert made.status_code == 201, made.text
    with client.app.state.parts.database.write() as connection:  # type: ignore[attr-defined]
        for number in range(NUMBER):
            created_at = datetime.fromisoformat("2026-01-01T00:00:00Z") + timedelta(days=number % 17)
            at = update(link_table).where(link_table.c.code == f"link-{number}").values(created_at=created_at)
            connection.execute(at)
    for number in range(0, NUMBER, 4):
        client.get(f"/link-{number}", headers={"user-agent": FIREFOX})
    drained(client)


def a_link(dice: random.Random, number: int) -> Link:
    state = dice.choice(({}, {}, {"enabled": False}, {"valid_from": AHEAD}, {"expires_at": PAST}, {"max_clicks": 1}))
    return {
        "code": f"link-{number}",
        "target": f"https://{dice.choice(HOSTS)}:8443/{number}?q=größe",
        "title": dice.choice(TITLES),
        "tags": dice.sample(TAGS, dice.randrange(4)),
        **state,
    }


def whole(client: TestClient) -> list[Link]:
    """Every living link, the newest first."""
    found: list[Link] = client.get(LINKS, params={"limit": 200}).json()["data"]
    assert len(found) == NUMBER
    return found


def listing(client: TestClient, **params: Any) -> list[Link]:
    """All links that filters find, by pages of seven."""
    found: list[Link] = []
    cursor = None
    while True:
        answer = client.get(LINKS, params={"limit": 7, **params, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        found += answer.json()["data"]
        cursor = answer.json()["next"]
        if cursor is None:
            return found


def codes(links: list[Link]) -> list[str]:
    return [link["code"] for link in links]


def listed_codes(client: TestClient, **params: Any) -> list[str]:
    return codes(listing(client, **params))


def create(client: TestClient, **fields: Any) -> Link:
    response = client.post(LINKS, json={"target": TARGET, **fields})
    assert response.status_code == 201, response.text
    created: Link = response.json()
    return created


def host(link: Link) -> str:
    return str(link["target"]).split("/")[2].removesuffix(":8443")


def is_in_state(state: str, link: Link) -> bool:
    return bool(link["state"] == state)


def leads_to(name: str, link: Link) -> bool:
    return host(link) == name


#: By name: parameters, and whether a link passes them.
FILTERS: dict[str, tuple[dict[str, Any], Callable[[Link], bool]]] = {
    **{f"state {state}": ({"state": state}, partial(is_in_state, state)) for state in STATES},
    **{f"host {name}": ({"target_host": name}, partial(leads_to, name)) for name in HOSTS},
    "host as people write it": ({"target_host": "BÜCHER.example"}, lambda link: host(link) == HOSTS[2]),
    "no such host": ({"target_host": "example"}, lambda link: False),
    "all of two tags": ({"tag": ["red", "blue"]}, lambda link: {"red", "blue"} <= set(link["tags"])),
    "any of two tags": (
        {"tag": ["Red", "blue"], "tag_match": "any"},
        lambda link: bool({"red", "blue"} & set(link["tags"])),
    ),
    "none of two tags": (
        {"tag": ["red", "blue"], "tag_match": "none"},
        lambda link: not {"red", "blue"} & set(link["tags"]),
    ),
    "none of an unknown tag": ({"tag": "violet", "tag_match": "none"}, lambda link: True),
    "created": (
        {"created_start": "2026-01-03T00:00:00Z", "created_end": "2026-01-10T00:00:00Z"},
        lambda link: "2026-01-03" <= link["created_at"] < "2026-01-10",
    ),
    "clicked": ({"clicked_start": PAST}, lambda link: link["clicks"] > 0),
    "never clicked": ({"clicked_end": PAST}, lambda link: link["clicks"] == 0),
    "search": ({"search": "SALE"}, lambda link: "sale" in search.fold(link["title"] or "")),
    "several": (
        {"state": "live", "tag": "red", "target_host": "example.com", "search": "größe"},
        lambda link: link["state"] == "live" and "red" in link["tags"] and host(link) == "example.com",
    ),
}


@pytest.mark.parametrize(("params", "passes"), FILTERS.values(), ids=FILTERS)
def test_filters(stocked: TestClient, params: dict[str, Any], passes: Callable[[Link], bool]) -> None:
    wanted = [link for link in whole(stocked) if passes(link)]
    assert codes(listing(stocked, **params)) == codes(wanted)
    counted = stocked.get(LINKS, params={**params, "total": "true", "limit": 1}).json()["total"]
    assert counted == {"count": len(wanted), "is_exact": True}


def test_by_owner(stocked: TestClient) -> None:
    keys = [key["id"] for key in stocked.get("/api/v1/keys").json()["data"]]
    of_keys = [codes(listing(stocked, owner=key)) for key in keys]
    assert all(of_keys)
    ownerless = set(codes(whole(stocked))) - {code for found in of_keys for code in found}
    for code in ownerless:
        assert stocked.get(f"{LINKS}/{code}/history").json()["data"][-1]["actor"] == "preset admin key"


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_by_title(stocked: TestClient, order: str) -> None:
    by_title = [link["title"] for link in listing(stocked, sort="title", order=order)]
    assert by_title == sorted(
        by_title, key=lambda title: search.fold(title) if title else "\U0010ffff", reverse=order == "desc"
    )
    assert by_title.count(None) == sum(link["title"] is None for link in whole(stocked))


@pytest.mark.parametrize("sort", ["created", "clicks", "last_clicked", "title"])
@pytest.mark.parametrize("params", [{}, {"state": "live"}], ids=["all", "filtered"])
def test_numbered_pages_are_those_of_the_cursor(stocked: TestClient, sort: str, params: dict[str, str]) -> None:
    by_cursor = codes(listing(stocked, sort=sort, **params))
    pages = -(-len(by_cursor) // 7)
    by_number: list[str] = []
    for page in range(1, pages + 2):
        answer = stocked.get(LINKS, params={"limit": 7, "sort": sort, "page": page, **params}).json()
        assert answer["total"] == {"count": len(by_cursor), "is_exact": True}
        assert (answer["next"] is None) == (page >= pages)
        by_number += codes(answer["data"])
    assert by_number == by_cursor


def test_a_list_is_not_counted_unasked(stocked: TestClient) -> None:
    assert stocked.get(LINKS).json()["total"] is None


def test_totals_end(stocked: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shortener.domain.listing.MAX_COUNT", NUMBER - 1)
    assert stocked.get(LINKS, params={"total": "true"}).json()["total"] == {"count": NUMBER - 1, "is_exact": False}
    monkeypatch.setattr("shortener.domain.listing.MAX_COUNT", NUMBER)
    assert stocked.get(LINKS, params={"total": "true"}).json()["total"] == {"count": NUMBER, "is_exact": True}


#: By name: parameters, and what the problem document names and says.
WRONG: dict[str, tuple[dict[str, str], str, str]] = {
    "a range without time in it": ({"created_start": AHEAD, "created_end": PAST}, "created_end", "must be later"),
    "an empty range": ({"clicked_start": PAST, "clicked_end": PAST}, "clicked_end", "must be later"),
    "page and cursor": ({"page": "2", "cursor": "x"}, "page", "not both"),
    "a page too far": ({"page": "201", "limit": "50"}, "page", "the last page is 200"),
    "page 0": ({"page": "0"}, "page", ""),
    "a state that there is not": ({"state": "gone"}, "state", ""),
    "a date without a zone": ({"created_start": "2026-01-01"}, "created_start", ""),
}


@pytest.mark.parametrize(("params", "field", "message"), WRONG.values(), ids=WRONG)
def test_wrong(stocked: TestClient, params: dict[str, str], field: str, message: str) -> None:
    found = assert_problem(stocked.get(LINKS, params=params), "validation-failed")["errors"]
    assert [error["field"] for error in found] == [field]
    assert message in found[0]["message"]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"target_host": "exa mple"}, "target_host"),
        ({"target_host": ""}, "target_host"),
        ({"domain": "a/b"}, "domain"),
    ],
)
def test_no_hosts(stocked: TestClient, params: dict[str, str], field: str) -> None:
    assert_problem(stocked.get(LINKS, params=params), "domain-invalid")
    assert field in stocked.get(LINKS, params=params).text


def test_a_cursor_is_good_for_its_list_only(stocked: TestClient) -> None:
    cursor = stocked.get(LINKS, params={"limit": 1}).json()["next"]
    for other in ({"sort": "title"}, {"order": "asc"}, {"state": "live"}, {"owner": "0" * 12}, {"tag_match": "any"}):
        assert_problem(stocked.get(LINKS, params={"cursor": cursor, **other}), "cursor-invalid")


class TestListing:
    def test_newest_first_by_pages(self, client: TestClient) -> None:
        made = [create(client)["code"] for _ in range(5)]
        assert listed_codes(client, limit=2) == made[::-1]
        assert listed_codes(client, limit=5, order="asc") == made
        assert client.get("/api/v1/links", params={"limit": 5}).json()["next"] is None

    def test_no_link_twice_while_others_are_made(self, client: TestClient) -> None:
        made = [create(client)["code"] for _ in range(4)]
        first = client.get("/api/v1/links", params={"limit": 2}).json()
        create(client)
        second = client.get("/api/v1/links", params={"limit": 2, "cursor": first["next"]}).json()
        assert [link["code"] for link in first["data"] + second["data"]] == made[::-1]

    @pytest.mark.parametrize(
        ("search", "wanted"),
        [
            ("EXAMPLE.com/A", ["a"]),
            ("title", ["b"]),
            ("a note", ["c"]),
            ("b", ["b"]),
            ("%", []),
            ("_", []),
            ("nothing like it", []),
        ],
    )
    def test_search(self, client: TestClient, search: str, wanted: list[str]) -> None:
        create(client, code="a", target="https://example.com/a")
        create(client, code="b", target="https://example.com/z", title="Some Title")
        create(client, code="c", target="https://example.com/z", notes="A note")
        assert listed_codes(client, search=search) == wanted

    @pytest.mark.parametrize(
        ("fields", "search"),
        [
            ({"title": "Übergröße"}, "ÜBERGRÖSSE"),
            ({"title": "ΟΔΟΣ"}, "οδος"),
            ({"title": "İstanbul ISPARTA"}, "istanbul ısparta"),
            ({"title": "ССЫЛКА"}, "ссылка"),
            ({"title": "cafe\u0301"}, "CAFÉ"),
            ({"title": "ｓａｌｅ"}, "Sale"),
            ({"notes": "one\nTWO"}, "two"),
            ({"code": "ГРУЗ"}, "груз"),
            ({"target": "https://ja.example/wiki/日本?q=größe#Ö"}, "WIKI/日本?q=GRÖSSE#ö"),
            ({"target": "https://ja.example/wiki/日本"}, "wiki/%e6%97%a5"),
            ({"target": "https://ja.example/wiki/日本"}, "本"),
            ({"target": "https://e.example/100%25"}, "100%"),
            ({"target": "https://bücher.example/a"}, "BÜCHER.example"),
            ({"target": "https://bücher.example/a"}, "büch"),
            ({"target": "https://bücher.example/a"}, "https://xn--bcher-kva.example/"),
            ({"target": "https://e.example/{code}?{{path}}"}, "/{CODE}?{{path"),
            ({"target": "https://e.example/a|{b}^?a|{b}^"}, "a|{b}^?A|{B}^"),
            ({"target": "https://e.example/%00%FF"}, "%00%ff"),
        ],
    )
    def test_what_a_person_types_is_found(self, client: TestClient, fields: dict[str, Any], search: str) -> None:
        made = create(client, **fields)["code"]
        create(client, target="https://other.example/")
        assert listed_codes(client, search=search) == [made]

    def test_search_goes_by_what_a_link_is_now(self, client: TestClient) -> None:
        create(client, code="old", title="Über")
        client.patch("/api/v1/links/old", json={"code": "new", "title": "Unter"})
        assert listed_codes(client, search="über") == listed_codes(client, search="old") == []
        assert listed_codes(client, search="NEW") == ["new"]
        client.post("/api/v1/links/bulk", json=[{"target": TARGET, "code": "many", "title": "GRÖSSE"}])
        assert listed_codes(client, search="größe") == ["many"]

    def test_by_tag(self, client: TestClient) -> None:
        create(client, code="a", tags=["red", "blue"])
        create(client, code="b", tags=["red"])
        create(client, code="c")
        assert listed_codes(client, tag="Red") == ["b", "a"]
        assert listed_codes(client, tag="blue", search="a") == ["a"]
        assert listed_codes(client, tag="green") == []

    @pytest.mark.parametrize("sort", ["clicks", "last_clicked"])
    def test_by_clicks(self, client: TestClient, sort: str) -> None:
        for code in "abc":
            create(client, code=code)
        for code in "bccb" if sort == "clicks" else "bc":
            client.get(f"/{code}")
        drained(client)
        assert listed_codes(client, sort=sort, limit=1) == ["c", "b", "a"]
        assert listed_codes(client, sort=sort, order="asc", limit=1) == ["a", "b", "c"]
