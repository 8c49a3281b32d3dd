"""/api/v1/domains: names in one form, targets that lead away, and changes that every worker hears of."""

import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from shortener.domain.link import LinkDraft
from shortener.storage import aliases, domains, links, tables
from shortener.storage.engine import Database
from shortener.web.api.schemas.domains import DomainOut
from shortener.web.api.schemas.fields import PageOut
from tests.conftest import ENGINES
from tests.web.refusals import Instance, Wrong, assert_problem, assert_refused, instance_on

DOMAINS = "/api/v1/domains"
ANSWERS = {
    "home_target": "https://example.com/about",
    "not_found_target": "https://example.com/lost",
    "expired_target": "https://example.com/over",
    "status": 307,
}
NO_ANSWERS = dict.fromkeys(ANSWERS)
TARGETS = [name for name in ANSWERS if name != "status"]


@pytest.fixture(scope="module", params=ENGINES)
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """At https://go.example, with a domain `b.example`: for what changes nothing."""
    with instance_on(request.param, tmp_path_factory.mktemp("domains"), request) as opened:
        create(opened.client, "b.example")
        yield opened


def create(client: TestClient, name: str, **fields: Any) -> dict[str, Any]:
    answer = client.post(DOMAINS, json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    domain: dict[str, Any] = answer.json()
    return domain


def database_of(client: TestClient) -> Database:
    found: Database = client.app.state.parts.database  # type: ignore[attr-defined]
    return found


def add_link(client: TestClient, domain: str, code: str) -> int:
    """A living link, as another writer would make it."""
    with database_of(client).write() as connection:
        draft = LinkDraft(target="https://example.com/", domain=domain)
        made = links.add(connection, draft, code=code, nonce=secrets.randbits(32), now=datetime.now(UTC))
    assert made is not None
    return made


def bury(client: TestClient, link_id: int) -> None:
    with database_of(client).write() as connection:
        links.bury(connection, link_id, datetime.now(UTC))


def changes(client: TestClient) -> list[tuple[Any, ...]]:
    """What the feed says of domains: kind, domain, code, actor and difference."""
    row = tables.change.c
    query = select(row.kind, row.domain, row.code, row.actor, row.diff).where(row.kind.startswith("domain-"))
    with database_of(client).read() as connection:
        return [(*found[:4], json.loads(found[4])) for found in connection.execute(query.order_by(row.seq))]


def listing(client: TestClient, **params: Any) -> list[dict[str, Any]]:
    """The domains of all pages."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = client.get(DOMAINS, params={**params, **({"cursor": cursor} if cursor else {})}).json()
        found += page["data"]
        cursor = page["next"]
        if cursor is None:
            return found


def test_a_name_is_enough(client: TestClient) -> None:
    answer = client.post(DOMAINS, json={"name": "b.example"})
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{DOMAINS}/b.example"
    assert {name: made[name] for name in ("name", "unicode_name", "links")} == {
        "name": "b.example",
        "unicode_name": "b.example",
        "links": 0,
    }
    assert {name: made[name] for name in NO_ANSWERS} == NO_ANSWERS
    assert client.get(answer.headers["location"]).json() == made


def test_every_field_comes_back(client: TestClient) -> None:
    made = create(client, "b.example", **ANSWERS)
    assert {name: made[name] for name in ANSWERS} == ANSWERS
    DomainOut.model_validate(made)
    PageOut[DomainOut].model_validate(client.get(DOMAINS).json())
    assert set(made) == set(DomainOut.model_fields)


def test_targets_are_stored_as_location_says_them(client: TestClient) -> None:
    made = create(client, "b.example", home_target="HTTPS://Example.com/grün")
    assert made["home_target"] == "https://example.com/gr%C3%BCn"


@pytest.mark.parametrize(
    ("given", "name", "shown"),
    [
        pytest.param("GO.B.Example.", "go.b.example", "go.b.example", id="upper-case-and-dot"),
        pytest.param("Bücher.example", "xn--bcher-kva.example", "bücher.example", id="umlaut"),
        pytest.param("xn--bcher-kva.example", "xn--bcher-kva.example", "bücher.example", id="ascii-form"),
        pytest.param("localhost", "localhost", "localhost", id="localhost"),
        pytest.param("192.0.2.1", "192.0.2.1", "192.0.2.1", id="ipv4"),
        pytest.param("2001:DB8::1", "[2001:db8::1]", "[2001:db8::1]", id="ipv6"),
    ],
)
def test_names_have_one_form(client: TestClient, given: str, name: str, shown: str) -> None:
    answer = client.post(DOMAINS, json={"name": given})
    assert (answer.json()["name"], answer.json()["unicode_name"]) == (name, shown)
    # By whichever form it is asked for.
    for asked in (answer.headers["location"], f"{DOMAINS}/{given}", f"{DOMAINS}/{shown}"):
        assert client.get(asked).json() == answer.json()
    refused = client.post(DOMAINS, json={"name": shown})
    assert_refused(refused, Wrong("name", "domain-taken"))


def test_what_workers_read_is_what_is_configured(client: TestClient) -> None:
    create(client, "b.example", **ANSWERS)
    create(client, "a.example")
    with database_of(client).read() as connection:
        found = domains.all_settings(connection)
        assert sorted(domains.names(connection)) == ["a.example", "b.example"]
        assert {name: domains.by_name(connection, name) for name in found} == found
        assert domains.by_name(connection, "c.example") is None
    assert found.keys() == {"", "a.example", "b.example"}
    assert {name: getattr(found["b.example"], name) for name in ANSWERS} == ANSWERS
    assert {name: getattr(found["a.example"], name) for name in NO_ANSWERS} == NO_ANSWERS
    assert len({settings.id for settings in found.values()}) == 3


def test_every_write_is_a_change(client: TestClient) -> None:
    create(client, "b.example", status=301)
    for _ in range(2):  # the second changes nothing
        edited = client.patch(f"{DOMAINS}/b.example", json={"status": None, "home_target": ANSWERS["home_target"]})
        assert edited.status_code == 200
    assert client.delete(f"{DOMAINS}/b.example").status_code == 204
    home = ANSWERS["home_target"]
    assert changes(client) == [
        ("domain-created", "b.example", "", "preset admin key", {"status": [None, 301]}),
        ("domain-edited", "b.example", "", "preset admin key", {"status": [301, None], "home_target": [None, home]}),
        ("domain-deleted", "b.example", "", "preset admin key", {"home_target": [home, None]}),
    ]


def test_an_edit_changes_what_it_names(client: TestClient) -> None:
    made = create(client, "Bücher.example", **ANSWERS)
    path = f"{DOMAINS}/Bücher.example"
    edited = client.patch(path, json={"status": 301, "expired_target": None})
    assert edited.status_code == 200
    assert edited.json() == {**made, "status": 301, "expired_target": None} == client.get(path).json()
    assert client.patch(path, json={}).json() == edited.json()


def test_what_was_not_changed_is_not_judged_again(client: TestClient) -> None:
    """A target may have been stored before its host became ours; that must not block other edits."""
    create(client, "b.example", home_target="https://c.example/")
    create(client, "c.example")
    assert client.patch(f"{DOMAINS}/b.example", json={"status": 308}).status_code == 200
    refused = client.patch(f"{DOMAINS}/b.example", json={"home_target": "https://c.example/"})
    assert_refused(refused, Wrong("home_target", "target-own-host"))


def test_links_are_counted(client: TestClient) -> None:
    create(client, "b.example")
    first, second = add_link(client, "b.example", "one"), add_link(client, "b.example", "two")
    add_link(client, "", "elsewhere")
    with database_of(client).write() as connection:
        now = datetime.now(UTC)
        assert aliases.add(connection, first, domain="b.example", code="uno", nonce=1, now=now)
    bury(client, second)
    assert client.get(f"{DOMAINS}/b.example").json()["links"] == 1
    assert [domain["links"] for domain in listing(client)] == [1]


def test_a_domain_with_links_stays(client: TestClient) -> None:
    create(client, "b.example")
    made = [add_link(client, "b.example", code) for code in ("one", "two")]
    for left, said in ((made, "are 2 links"), (made[1:], "is a link")):
        assert len(left) in {1, 2}
        document = assert_problem(client.delete(f"{DOMAINS}/b.example"), "domain-in-use")
        assert said in document["detail"]
        assert "b.example" in document["detail"]
        bury(client, left[0])
    assert client.delete(f"{DOMAINS}/b.example").status_code == 204
    assert_problem(client.get(f"{DOMAINS}/b.example"), "domain-not-found")


def test_tombstones_outlive_their_domain(client: TestClient) -> None:
    create(client, "b.example")
    link_id = add_link(client, "b.example", "one")
    bury(client, link_id)
    add_link(client, "", "one")
    assert client.delete(f"{DOMAINS}/b.example").status_code == 204
    with database_of(client).read() as connection:
        kept = connection.execute(select(tables.link.c.domain).where(tables.link.c.id == link_id)).scalar_one()
    assert kept == ""


def test_a_domain_of_the_same_name_is_another_one(client: TestClient) -> None:
    """Its id is another one: what was counted on the first is not credited to the second."""

    def id_of() -> int:
        with database_of(client).read() as connection:
            return domains.all_settings(connection)["b.example"].id

    create(client, "b.example")
    first = id_of()
    assert client.delete(f"{DOMAINS}/b.example").status_code == 204
    create(client, "b.example")
    assert id_of() != first


def test_listing_by_pages(client: TestClient) -> None:
    assert listing(client) == []
    names = ["a.example", "b.example", "bb.example", "c.example", "d.example"]
    for name in reversed(names):
        create(client, name)
    for limit in (1, 2, 5, 200):
        assert [domain["name"] for domain in listing(client, limit=limit)] == names
    assert client.get(DOMAINS, params={"limit": 5}).json()["next"] is None


def test_a_name_as_long_as_can_be_pages(client: TestClient) -> None:
    labels = [letter * 63 for letter in "abc"]
    long = ".".join([*labels, "d" * 61])
    create(client, long)
    create(client, "z.example")
    assert [domain["name"] for domain in listing(client, limit=1)] == [long, "z.example"]


def test_of_many_at_once_one_is_made(client: TestClient) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post(DOMAINS, json={"name": "b.example"}), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert len(changes(client)) == 1


#: By name: what cannot be a domain's name, and its code.
BAD_NAMES = {
    "scheme": "https://c.example",
    "port": "c.example:8000",
    "path": "c.example/x",
    "wildcard": "*.example",
    "empty": "",
    "space": "c example",
    "nul": "c\0.example",
    "underscore": "c_d.example",
    "emoji": "😊.example",
    "no-ipv4": "192.0.2",
    "no-ipv6": "2001:db8::g",
    "too-long": "c." * 200 + "example",
    "very-long": "c" * 50_000,
}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=list(BAD_NAMES))
def test_bad_names(instance: Instance, name: str) -> None:
    before = listing(instance.client)
    assert_refused(instance.send("POST", DOMAINS, json={"name": name}), Wrong("name", "domain-invalid"))
    assert listing(instance.client) == before


@pytest.mark.parametrize("name", ["go.example", "GO.example.", "b.example"])
def test_taken_names(instance: Instance, name: str) -> None:
    assert_refused(instance.send("POST", DOMAINS, json={"name": name}), Wrong("name", "domain-taken"))


#: By name: a target that no domain may have, and the code of its refusal.
BAD_TARGETS = {
    "no-scheme": ("example.com", "target-scheme"),
    "other-scheme": ("ftp://example.com/", "target-scheme"),
    "script": ("javascript:alert(1)", "target-scheme"),
    "empty": ("", "target-scheme"),
    "user": ("https://me@example.com/", "target-user-info"),
    "space": ("https://example.com/a b", "target-characters"),
    "no-host": ("https://[::g]/", "target-invalid"),
    "too-long": ("https://example.com/" + "x" * 8192, "target-too-long"),
    "base-url": ("https://go.example/x", "target-own-host"),
    "itself": ("https://b.example/x", "target-own-host"),
    "itself-otherwise": ("HTTP://B.example.:80", "target-own-host"),
}


@pytest.mark.parametrize("field", TARGETS)
@pytest.mark.parametrize(("target", "code"), BAD_TARGETS.values(), ids=list(BAD_TARGETS))
def test_bad_targets(instance: Instance, target: str, code: str, field: str) -> None:
    edited = instance.send("PATCH", f"{DOMAINS}/b.example", json={field: target})
    assert_refused(edited, Wrong(field, code))
    made = instance.send("POST", DOMAINS, json={"name": "c.example", field: target})
    assert_refused(made, Wrong(field, code))


def test_a_new_domain_cannot_lead_to_itself(instance: Instance) -> None:
    body = {"name": "c.example", "not_found_target": "https://c.example/404"}
    assert_refused(instance.send("POST", DOMAINS, json=body), Wrong("not_found_target", "target-own-host"))
    assert [domain["name"] for domain in listing(instance.client)] == ["b.example"]


#: By name: a field, what is wrong in it, and the code of its refusal.
BAD_FIELDS = {
    "other-status": ("status", 303, "literal-error"),
    "status-as-text": ("status", "302", "literal-error"),
    "no-status": ("status", 0, "literal-error"),
    "target-as-number": ("home_target", 1, "string-type"),
    "target-as-list": ("expired_target", ["https://example.com/"], "string-type"),
    "unknown-field": ("target", "https://example.com/", "unknown-field"),
    "links": ("links", 0, "unknown-field"),
}


@pytest.mark.parametrize(("field", "value", "code"), BAD_FIELDS.values(), ids=list(BAD_FIELDS))
def test_bad_fields(instance: Instance, field: str, value: Any, code: str) -> None:
    assert_refused(instance.send("PATCH", f"{DOMAINS}/b.example", json={field: value}), Wrong(field, code))
    body = {"name": "c.example", field: value}
    assert_refused(instance.send("POST", DOMAINS, json=body), Wrong(field, code))


def test_names_are_for_ever(instance: Instance) -> None:
    renamed = instance.send("PATCH", f"{DOMAINS}/b.example", json={"name": "c.example"})
    assert_refused(renamed, Wrong("name", "unknown-field"))
    for name, code in ((None, "string-type"), (1, "string-type")):
        assert_refused(instance.send("POST", DOMAINS, json={"name": name}), Wrong("name", code))
    assert_refused(instance.send("POST", DOMAINS, json={}), Wrong("name", "required"))


@pytest.mark.parametrize(
    "name",
    ["nobodys.example", "b.example:8000", "*", "..", "%00", "b%0A", "%ff", "a" * 5000, "%F0%9F%98%8A"],
    ids=["unknown", "port", "wildcard", "dots", "nul", "newline", "no-text", "long", "emoji"],
)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_domain_that_is_not_there(instance: Instance, method: str, name: str) -> None:
    body: dict[str, Any] = {"json": {"status": 301}} if method == "PATCH" else {}
    path = f"{DOMAINS}/{name.replace('..', '%2E%2E')}"
    assert_problem(instance.send(method, path, **body), "domain-not-found")


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        pytest.param({"limit": "0"}, Wrong("limit", "greater-than-equal"), id="no-limit"),
        pytest.param({"limit": "201"}, Wrong("limit", "less-than-equal"), id="large-limit"),
        pytest.param({"cursor": "x"}, Wrong("cursor", "cursor-invalid"), id="no-cursor"),
        pytest.param(
            {"cursor": "WyJrZXlzIiwgImEiXQ"}, Wrong("cursor", "cursor-invalid"), id="cursor-of-another-list"
        ),
        pytest.param(
            {"cursor": "WyJkb21haW5zIiwgIlx1MDAwMCJd"}, Wrong("cursor", "cursor-invalid"), id="cursor-with-nul"
        ),
    ],
)
def test_bad_questions(instance: Instance, params: dict[str, str], wrong: Wrong) -> None:
    assert_refused(instance.send("GET", DOMAINS, params=params), wrong)


def test_the_default_domain_is_nobodys_to_change(client: TestClient) -> None:
    with database_of(client).write() as connection:
        connection.execute(update(tables.domain).where(tables.domain.c.name == "").values(status=301))
    assert listing(client) == []
    for method in ("GET", "PATCH", "DELETE"):
        body: dict[str, Any] = {"json": {}} if method == "PATCH" else {}
        assert client.request(method, f"{DOMAINS}/", **body).status_code == 404
