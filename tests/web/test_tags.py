"""/api/v1/tags: what links have together, whatever the tag is called."""

import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import insert, select
from starlette.testclient import TestClient

from shortener.domain import page as pages
from shortener.domain.click import ClickClass
from shortener.domain.link import LinkDraft
from shortener.storage import links, tables
from shortener.storage import tags as rows
from shortener.storage.click_tables import link_total
from shortener.storage.engine import Database
from shortener.web.api.schemas.fields import PageOut
from shortener.web.api.schemas.tags import TagOut
from tests.conftest import ENGINES
from tests.web.refusals import Instance, Wrong, assert_problem, assert_refused, instance_on

TAGS = "/api/v1/tags"
#: Legal tags that paths could trip over.
AWKWARD = {
    "slash": "a/b",
    "slash-alone": "/",
    "slashes": "//a//",
    "merge": "merge",
    "slash-merge": "a/merge",
    "merge-merge": "merge/merge",
    "dot": ".",
    "dots": "..",
    "dots-and-slash": "../keys",
    "percent": "50%",
    "question-mark": "what?",
    "fragment": "#1",
    "plus": "a+b",
    "space": "autumn sale",
    "semicolon": "a;b",
    "backslash": "a\\b",
    "quotes": "\"'",
    "wildcards": "_%",
    "colon": "lang:de",
    "umlaut": "grün",
    "emoji": "🎉",
    "arabic": "تخفيض",
    "longest": "🎉" * 64,
}
awkward = pytest.mark.parametrize("tag", AWKWARD.values(), ids=list(AWKWARD))


@pytest.fixture(scope="module", params=ENGINES)
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """With the tags `sale`, which a link carries, and `print`: for what changes nothing."""
    with instance_on(request.param, tmp_path_factory.mktemp("tags"), request) as opened:
        create(opened.client, "print")
        add_link(opened.client, "one", "sale")
        yield opened


@pytest.fixture(scope="module", params=ENGINES)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """For tests that clear away what they make."""
    with instance_on(request.param, tmp_path_factory.mktemp("shared"), request) as opened:
        yield opened.client


def path_of(tag: str) -> str:
    return f"{TAGS}/{quote(tag, safe='').replace('.', '%2E')}"


def create(client: TestClient, name: str, **fields: Any) -> dict[str, Any]:
    answer = client.post(TAGS, json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    tag: dict[str, Any] = answer.json()
    return tag


def database_of(client: TestClient) -> Database:
    found: Database = client.app.state.parts.database  # type: ignore[attr-defined]
    return found


def add_link(client: TestClient, code: str, *tags: str, clicks: int = 0, unique: int = 0) -> int:
    """A living link, as another writer would make it, with clicks by people, and others by robots."""
    with database_of(client).write() as connection:
        draft = LinkDraft(target="https://example.com/", tags=tags)
        made = links.add(connection, draft, code=code, nonce=1, now=datetime.now(UTC))
        assert made is not None
        for kind, more in ((ClickClass.HUMAN, 0), (ClickClass.BOT, 1000)):
            values = {"link_id": made, "class": kind, "clicks": clicks + more, "unique": unique + more}
            connection.execute(insert(link_total).values(**values, last_clicked_ms=1))
    return made


def tags_of(client: TestClient, link_id: int) -> tuple[str, ...]:
    with database_of(client).read() as connection:
        return rows.by_link(connection, [link_id]).get(link_id, ())


def changes(client: TestClient) -> list[tuple[Any, ...]]:
    """What the history says of tags: kind, domain, code, actor and difference."""
    row = tables.change.c
    query = select(row.kind, row.domain, row.code, row.actor, row.diff).where(row.kind.startswith("tag-"))
    with database_of(client).read() as connection:
        return [(*found[:4], json.loads(found[4])) for found in connection.execute(query.order_by(row.seq))]


def listing(client: TestClient, **params: Any) -> list[dict[str, Any]]:
    """The tags of all pages."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        answer = client.get(TAGS, params={**params, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        found += answer.json()["data"]
        cursor = answer.json()["next"]
        if cursor is None:
            return found


def names(client: TestClient, **params: Any) -> list[str]:
    return [tag["name"] for tag in listing(client, **params)]


def test_a_tag_is_made(client: TestClient) -> None:
    answer = client.post(TAGS, json={"name": " Autumn SALE ", "color": "#FF8800"})
    expected = {"name": "autumn sale", "color": "#ff8800", "links": 0, "clicks": 0, "unique": 0}
    assert (answer.status_code, answer.json()) == (201, expected)
    assert answer.headers["location"] == f"{TAGS}/autumn%20sale"
    TagOut.model_validate(answer.json())
    assert set(answer.json()) == set(TagOut.model_fields)
    assert client.patch(answer.headers["location"], json={}).json() == expected
    assert create(client, "plain")["color"] is None
    PageOut[TagOut].model_validate(client.get(TAGS).json())


def test_a_tag_has_what_its_living_links_have(client: TestClient) -> None:
    add_link(client, "one", "a", "b", clicks=5, unique=3)
    add_link(client, "two", "b", clicks=7, unique=1)
    gone = add_link(client, "gone", "a", "b", "c", clicks=100, unique=100)
    add_link(client, "other", clicks=1000, unique=1000)
    with database_of(client).write() as connection:
        links.bury(connection, gone, datetime.now(UTC))
    create(client, "d", color="#000000")
    assert listing(client) == [
        {"name": "a", "color": None, "links": 1, "clicks": 5, "unique": 3},
        {"name": "b", "color": None, "links": 2, "clicks": 12, "unique": 4},
        {"name": "c", "color": None, "links": 0, "clicks": 0, "unique": 0},
        {"name": "d", "color": "#000000", "links": 0, "clicks": 0, "unique": 0},
    ]


def test_links_that_have_never_been_clicked(client: TestClient) -> None:
    with database_of(client).write() as connection:
        draft = LinkDraft(target="https://example.com/", tags=("a",))
        links.add(connection, draft, code="one", nonce=1, now=datetime.now(UTC))
    assert listing(client) == [{"name": "a", "color": None, "links": 1, "clicks": 0, "unique": 0}]


def test_listing_by_pages(client: TestClient) -> None:
    assert listing(client) == []
    for number, name in enumerate(("b", "a", "bb", "d", "c")):
        add_link(client, f"l{number}", name, "z", clicks=1)
    for limit in (1, 2, 6, 200):
        assert names(client, limit=limit) == ["a", "b", "bb", "c", "d", "z"]
    assert listing(client, limit=1)[-1]["clicks"] == 5
    assert client.get(TAGS, params={"limit": 6}).json()["next"] is None


def test_every_legal_tag_pages(client: TestClient) -> None:
    for tag in AWKWARD.values():
        create(client, tag)
    assert sorted(names(client, limit=1)) == sorted(AWKWARD.values())


@pytest.mark.parametrize(
    ("search", "found"),
    [
        pytest.param("sale", ["autumn sale", "sale"], id="part"),
        pytest.param("SALE", ["autumn sale", "sale"], id="any-case"),
        pytest.param("GRÜ", ["grün"], id="any-case-of-other-letters"),
        pytest.param("gru\u0308", ["grün"], id="decomposed"),
        pytest.param("_", ["a_b"], id="underscore-is-itself"),
        pytest.param("%", ["50%"], id="percent-is-itself"),
        pytest.param("n s", ["autumn sale"], id="space"),
        pytest.param("", ["50%", "a_b", "autumn sale", "grün", "sale"], id="empty"),
        pytest.param("nothing", [], id="nothing"),
        pytest.param("a,b", [], id="no-tag"),
    ],
)
def test_searching(client: TestClient, search: str, found: list[str]) -> None:
    for name in ("sale", "autumn sale", "grün", "a_b", "50%"):
        create(client, name)
    for limit in (1, 200):
        assert names(client, search=search, limit=limit) == found


def test_a_cursor_is_for_one_search(instance: Instance) -> None:
    cursor = instance.client.get(TAGS, params={"limit": 1}).json()["next"]
    refused = instance.send("GET", TAGS, params={"search": "a", "cursor": cursor})
    assert_refused(refused, Wrong("cursor", "cursor-invalid"))


def test_a_renamed_tag_keeps_its_links(client: TestClient) -> None:
    link = add_link(client, "one", "a", "sale", clicks=3, unique=2)
    answer = client.patch(f"{TAGS}/Sale", json={"name": "Winter Sale", "color": "#00FF00"})
    expected = {"name": "winter sale", "color": "#00ff00", "links": 1, "clicks": 3, "unique": 2}
    assert (answer.status_code, answer.json()) == (200, expected)
    assert tags_of(client, link) == ("a", "winter sale")
    assert names(client) == ["a", "winter sale"]


def test_a_color_comes_and_goes(client: TestClient) -> None:
    create(client, "sale", color="#ff8800")
    for edit, color in (({}, "#ff8800"), ({"color": "#ABCDEF"}, "#abcdef"), ({"name": "sale"}, "#abcdef")):
        assert client.patch(f"{TAGS}/sale", json=edit).json()["color"] == color
    assert client.patch(f"{TAGS}/sale", json={"color": None}).json()["color"] is None


def test_a_name_that_is_taken(instance: Instance) -> None:
    document = assert_problem(instance.send("PATCH", f"{TAGS}/sale", json={"name": "Print"}), "tag-taken")
    assert [(found["field"], found["code"]) for found in document["errors"]] == [("name", "tag-taken")]
    assert "merge 'sale' into it" in document["detail"]
    made = instance.send("POST", TAGS, json={"name": " PRINT"})
    assert_refused(made, Wrong("name", "tag-taken"))
    # Tags that were made by giving them to links are taken too.
    assert_refused(instance.send("POST", TAGS, json={"name": "sale"}), Wrong("name", "tag-taken"))


def test_merging(client: TestClient) -> None:
    first = add_link(client, "one", "sale", "x", clicks=1, unique=1)
    both = add_link(client, "two", "sale", "sales", clicks=2, unique=1)
    second = add_link(client, "three", "sales", clicks=4, unique=2)
    gone = add_link(client, "gone", "sale", clicks=100)
    with database_of(client).write() as connection:
        links.bury(connection, gone, datetime.now(UTC))
    client.patch(f"{TAGS}/sales", json={"color": "#ff8800"})
    answer = client.post(f"{TAGS}/sale/merge", json={"into": "SALES"})
    expected = {"name": "sales", "color": "#ff8800", "links": 3, "clicks": 7, "unique": 4}
    assert (answer.status_code, answer.json()) == (200, expected)
    assert [tags_of(client, link) for link in (first, both, second)] == [("sales", "x"), ("sales",), ("sales",)]
    assert names(client) == ["sales", "x"]
    assert_problem(client.post(f"{TAGS}/sale/merge", json={"into": "sales"}), "tag-not-found")


@pytest.mark.parametrize(
    ("tag", "body", "wrong"),
    [
        pytest.param("sale", {"into": "nothing"}, Wrong("into", "tag-not-found"), id="into-nothing"),
        pytest.param("sale", {"into": "a,b"}, Wrong("into", "tag-not-found"), id="into-no-tag"),
        pytest.param("sale", {"into": "a\0b"}, Wrong("into", "tag-not-found"), id="into-nul"),
        pytest.param("sale", {"into": "Sale "}, Wrong("into", "tag-invalid"), id="into-itself"),
        pytest.param("sale", {"into": None}, Wrong("into", "string-type"), id="into-null"),
        pytest.param("sale", {}, Wrong("into", "required"), id="into-unsaid"),
        pytest.param("sale", {"into": "print", "name": "x"}, Wrong("name", "unknown-field"), id="unknown-field"),
    ],
)
def test_bad_merges(instance: Instance, tag: str, body: dict[str, Any], wrong: Wrong) -> None:
    assert_refused(instance.send("POST", f"{TAGS}/{tag}/merge", json=body), wrong)


def test_deleting_takes_it_off_all_links(client: TestClient) -> None:
    link, gone = add_link(client, "one", "a", "sale"), add_link(client, "gone", "sale")
    with database_of(client).write() as connection:
        links.bury(connection, gone, datetime.now(UTC))
    assert client.delete(f"{TAGS}/SALE").status_code == 204
    assert tags_of(client, link) == ("a",)
    assert names(client) == ["a"]
    assert_problem(client.delete(f"{TAGS}/sale"), "tag-not-found")
    with database_of(client).read() as connection:
        assert links.by_id(connection, link) is not None


def test_every_write_is_a_change(client: TestClient) -> None:
    create(client, "a", color="#ff8800")
    create(client, "c")
    for _ in range(2):  # the second changes nothing
        assert client.patch(f"{TAGS}/A", json={"color": None}).status_code == 200
    client.patch(f"{TAGS}/a", json={"name": "b", "color": "#000000"})
    client.post(f"{TAGS}/b/merge", json={"into": "c"})
    client.delete(f"{TAGS}/c")
    actor = "preset admin key"
    assert changes(client) == [
        ("tag-created", "", "a", actor, {"name": [None, "a"], "color": [None, "#ff8800"]}),
        ("tag-created", "", "c", actor, {"name": [None, "c"], "color": [None, None]}),
        ("tag-edited", "", "a", actor, {"color": ["#ff8800", None]}),
        ("tag-edited", "", "a", actor, {"name": ["a", "b"], "color": [None, "#000000"]}),
        ("tag-merged", "", "b", actor, {"name": ["b", "c"]}),
        ("tag-deleted", "", "c", actor, {"name": ["c", None], "color": [None, None]}),
    ]


@awkward
def test_every_legal_tag_can_be_reached(shared: TestClient, tag: str) -> None:
    assert create(shared, tag)["name"] == tag
    create(shared, "other")
    edited = shared.patch(path_of(tag), json={"color": "#ff8800"})
    assert (edited.status_code, edited.json()["name"], edited.json()["color"]) == (200, tag, "#ff8800")
    link = add_link(shared, secrets.token_hex(8), tag)
    merged = shared.post(f"{path_of(tag)}/merge", json={"into": "other"})
    assert (merged.status_code, merged.json()["links"]) == (200, 1)
    assert tags_of(shared, link) == ("other",)
    back = shared.patch(path_of("other"), json={"name": tag})
    assert (back.status_code, back.json()["name"]) == (200, tag)
    assert shared.delete(path_of(tag)).status_code == 204
    assert names(shared) == ["kept"]


@awkward
def test_slashes_may_stand_as_they_are(shared: TestClient, tag: str) -> None:
    """Proxies often decode them."""
    create(shared, tag)
    path = f"{TAGS}/{quote(tag, safe='/').replace('.', '%2E')}"
    assert shared.patch(path, json={}).json()["name"] == tag
    assert shared.delete(path).status_code == 204


def test_a_tag_alone_is_not_to_be_got(instance: Instance) -> None:
    response = instance.send("GET", f"{TAGS}/sale")
    assert_problem(response, "method-not-allowed")
    assert response.headers["allow"] == "DELETE, PATCH"


#: By name: what cannot be a tag.
BAD_NAMES = {
    "empty": "",
    "space": " \u00a0",
    "comma": "a,b",
    "newline": "a\nb",
    "nul": "a\0b",
    "too-long": "x" * 65,
    "very-long": "x" * 50_000,
}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=list(BAD_NAMES))
def test_bad_names(instance: Instance, name: str) -> None:
    assert_refused(instance.send("POST", TAGS, json={"name": name}), Wrong("name", "tag-invalid"))
    assert_refused(instance.send("PATCH", f"{TAGS}/sale", json={"name": name}), Wrong("name", "tag-invalid"))


#: By name: a field, what is wrong in it, and the code of its refusal.
BAD_FIELDS = {
    "color-word": ("color", "red", "color-invalid"),
    "color-empty": ("color", "", "color-invalid"),
    "color-short": ("color", "#f80", "color-invalid"),
    "color-without-sign": ("color", "ff8800", "color-invalid"),
    "color-with-alpha": ("color", "#ff880080", "color-invalid"),
    "color-of-other-digits": ("color", "#١١١١١١", "color-invalid"),
    "color-nul": ("color", "#ff880\0", "color-invalid"),
    "color-very-long": ("color", "#" * 50_000, "color-invalid"),
    "color-number": ("color", 0xFF8800, "string-type"),
    "color-list": ("color", [255, 136, 0], "string-type"),
    "name-null": ("name", None, "string-type"),
    "name-number": ("name", 1, "string-type"),
    "unknown-field": ("links", 3, "unknown-field"),
}


@pytest.mark.parametrize(("field", "value", "code"), BAD_FIELDS.values(), ids=list(BAD_FIELDS))
def test_bad_fields(instance: Instance, field: str, value: Any, code: str) -> None:
    made = instance.send("POST", TAGS, json={"name": "new", field: value})
    assert_refused(made, Wrong(field, code))
    assert_refused(instance.send("PATCH", f"{TAGS}/sale", json={field: value}), Wrong(field, code))


def test_a_tag_needs_a_name(instance: Instance) -> None:
    assert_refused(instance.send("POST", TAGS, json={"color": "#ff8800"}), Wrong("name", "required"))


@pytest.mark.parametrize(
    "tag",
    ["nothing", "", "%2C", "%00", "sale%0A", "%0Asale", "print%0A%0A", "%ff", "x" * 5000],
    ids=["unknown", "empty", "comma", "nul", "newline-behind", "newline-before", "newlines", "no-text", "long"],
)
@pytest.mark.parametrize(
    ("method", "behind", "body"),
    [
        pytest.param("PATCH", "", {"color": "#ff8800"}, id="patch"),
        pytest.param("DELETE", "", None, id="delete"),
        pytest.param("POST", "/merge", {"into": "sale"}, id="merge"),
    ],
)
def test_a_tag_that_is_not_there(instance: Instance, method: str, behind: str, body: Any, tag: str) -> None:
    sent = {} if body is None else {"json": body}
    document = assert_problem(instance.send(method, f"{TAGS}/{tag}{behind}", **sent), "tag-not-found")
    assert len(document["detail"]) < 400
    assert "errors" not in document


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        pytest.param({"limit": "0"}, Wrong("limit", "greater-than-equal"), id="no-limit"),
        pytest.param({"limit": "201"}, Wrong("limit", "less-than-equal"), id="large-limit"),
        pytest.param({"search": "x" * 201}, Wrong("search", "string-too-long"), id="long-search"),
        pytest.param({"search": "a\0b"}, Wrong("search", "forbidden-character"), id="nul-in-search"),
        pytest.param({"cursor": "x"}, Wrong("cursor", "cursor-invalid"), id="no-cursor"),
    ],
)
def test_bad_questions(instance: Instance, params: dict[str, str], wrong: Wrong) -> None:
    assert_refused(instance.send("GET", TAGS, params=params), wrong)


@pytest.mark.parametrize("place", ["", "!", "YQ", "AA==", "/w==", "é", "LA=="])
def test_cursors_that_others_made(instance: Instance, place: str) -> None:
    """The question is right and the place in it is not: no text, no tag, a comma, a NUL."""
    cursor = pages.make_cursor(pages.question("tags", ""), [place])
    assert_refused(instance.send("GET", TAGS, params={"cursor": cursor}), Wrong("cursor", "cursor-invalid"))


def test_of_many_at_once_one_is_made(client: TestClient) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post(TAGS, json={"name": "a"}), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert len(changes(client)) == 1
