"""/api/v1/links: what a client sees."""

from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from shortener.storage import tables
from shortener.web.api.schemas.links import LinkOut, LinkPageOut

TARGET = "https://example.com/sale"


def create(client: TestClient, **fields: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/links", json={"target": TARGET, **fields})
    assert answer.status_code == 201, answer.text
    link: dict[str, Any] = answer.json()
    return link


def test_a_target_is_enough(client: TestClient) -> None:
    answer = client.post("/api/v1/links", json={"target": TARGET})
    link = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/links/{link['code']}"
    assert link["short_url"] == f"https://go.example/{link['code']}"
    assert len(link["code"]) == 7
    assert (link["clicks"], link["unique"], link["version"], link["enabled"]) == (0, 0, 1, True)
    assert client.get(answer.headers["location"]).json() == link


def test_every_field_comes_back(client: TestClient) -> None:
    fields = {
        "code": "Sommer-Söhne_1",
        "title": "Ein Titel",
        "notes": "two\nlines",
        "tags": ["b", "A", "a"],
        "status": 307,
        "enabled": False,
        "valid_from": "2026-01-01T00:00:00+02:00",
        "expires_at": "2027-01-01T00:00:00Z",
        "expired_target": "https://example.com/over",
    }
    link = create(client, **fields)
    expected = {**fields, "tags": ["a", "b"], "valid_from": "2025-12-31T22:00:00Z"}
    assert {name: link[name] for name in fields} == expected
    assert link["short_url"] == "https://go.example/Sommer-S%C3%B6hne_1"


def test_answers_are_as_documented(client: TestClient) -> None:
    link = create(client, expires_at="2027-01-01T00:00:00Z", status=301)
    LinkOut.model_validate(link)
    LinkPageOut.model_validate(client.get("/api/v1/links").json())
    assert set(link) == set(LinkOut.model_fields)


def test_a_permanent_status_warns(client: TestClient) -> None:
    assert create(client)["warnings"] == []
    (warning,) = create(client, status=301)["warnings"]
    assert "301" in warning
    assert "300 seconds" in warning


def test_a_taken_code(client: TestClient) -> None:
    create(client, code="taken")
    answer = client.post("/api/v1/links", json={"target": TARGET, "code": "taken"})
    assert (answer.status_code, answer.json()["code"]) == (409, "code-taken")
    assert answer.json()["errors"][0]["field"] == "code"
    assert create(client, code="Taken")["code"] == "Taken"


def test_codes_in_other_normal_forms_are_the_same(client: TestClient) -> None:
    create(client, code="caf\u00e9")
    answer = client.post("/api/v1/links", json={"target": TARGET, "code": "cafe\u0301"})
    assert answer.status_code == 409
    assert client.get("/api/v1/links/cafe\u0301").json()["code"] == "caf\u00e9"


class TestIfExists:
    def ask(self, client: TestClient, **fields: Any) -> Response:
        return client.post("/api/v1/links", params={"if_exists": "return"}, json={"target": TARGET, **fields})

    def test_the_oldest_with_this_target(self, client: TestClient) -> None:
        first, _ = create(client, title="first"), create(client)
        answer = self.ask(client, title="ignored")
        assert (answer.status_code, answer.json()) == (200, first)
        assert "location" not in answer.headers

    def test_none_yet(self, client: TestClient) -> None:
        assert self.ask(client).status_code == 201

    def test_the_target_is_compared_in_stored_form(self, client: TestClient) -> None:
        link = create(client)
        assert self.ask(client, target="HTTPS://EXAMPLE.com:443/sale").json() == link

    def test_the_code_must_be_the_same_if_given(self, client: TestClient) -> None:
        create(client, code="one")
        assert self.ask(client, code="two").status_code == 201
        assert self.ask(client, code="one").status_code == 200
        assert self.ask(client, code="one", target="https://example.com/other").status_code == 409

    def test_deleted_ones_do_not_exist(self, client: TestClient) -> None:
        create(client, code="gone")
        client.delete("/api/v1/links/gone")
        assert self.ask(client).status_code == 201


class TestPatch:
    def test_only_what_is_given(self, client: TestClient) -> None:
        before = create(client, code="x", title="old", tags=["a"])
        after = client.patch("/api/v1/links/x", json={"title": "new"}).json()
        changed = {name for name in before if before[name] != after[name]}
        assert changed == {"title", "updated_at", "version"}
        assert after["version"] == 2

    @pytest.mark.parametrize("field", ["title", "notes", "status", "valid_from", "expires_at", "expired_target"])
    def test_null_takes_away(self, client: TestClient, field: str) -> None:
        values = {"title": "t", "notes": "n", "status": 301, "expired_target": TARGET}
        create(client, code="x", **{field: values.get(field, "2027-01-01T00:00:00Z")})
        assert client.patch("/api/v1/links/x", json={field: None}).json()[field] is None

    @pytest.mark.parametrize("field", ["target", "enabled", "tags"])
    def test_null_where_there_must_be_something(self, client: TestClient, field: str) -> None:
        before = create(client, code="x")
        answer = client.patch("/api/v1/links/x", json={field: None})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
        assert client.get("/api/v1/links/x").json() == before

    def test_nothing_changes_nothing(self, client: TestClient) -> None:
        before = create(client, code="x", title="t")
        assert client.patch("/api/v1/links/x", json={}).json() == before
        assert client.patch("/api/v1/links/x", json={"title": "t"}).json() == before

    def test_dates_are_judged_together_with_those_stored(self, client: TestClient) -> None:
        create(client, code="x", expires_at="2027-01-01T00:00:00Z")
        answer = client.patch("/api/v1/links/x", json={"valid_from": "2028-01-01T00:00:00Z"})
        assert (answer.status_code, answer.json()["code"]) == (422, "dates-contradict")

    def test_the_next_visit_sees_it(self, client: TestClient) -> None:
        create(client, code="x")
        client.patch("/api/v1/links/x", json={"target": "https://example.com/new"})
        assert client.get("/x").headers["location"] == "https://example.com/new"


class TestPut:
    def test_creates_then_replaces(self, client: TestClient) -> None:
        created = client.put("/api/v1/links/x", json={"target": TARGET, "title": "t"})
        assert (created.status_code, created.headers["location"]) == (201, "/api/v1/links/x")
        replaced = client.put("/api/v1/links/x", json={"target": "https://example.com/2"})
        assert (replaced.status_code, replaced.json()["title"], replaced.json()["version"]) == (200, None, 2)

    def test_again_changes_nothing(self, client: TestClient) -> None:
        first = client.put("/api/v1/links/x", json={"target": TARGET}).json()
        assert client.put("/api/v1/links/x", json={"target": TARGET}).json() == first

    def test_a_code_that_may_not_be(self, client: TestClient) -> None:
        answer = client.put("/api/v1/links/api", json={"target": TARGET})
        assert (answer.status_code, answer.json()["code"]) == (422, "code-reserved")


class TestDelete:
    def test_frees_the_code_for_another_link(self, client: TestClient) -> None:
        create(client, code="x")
        assert client.delete("/api/v1/links/x").status_code == 204
        for answer in (client.get("/x"), client.get("/api/v1/links/x"), client.delete("/api/v1/links/x")):
            assert answer.status_code == 404
        assert create(client, code="x", target="https://example.com/new")["version"] == 1
        assert client.get("/x").headers["location"] == "https://example.com/new"

    def test_may_happen_again_and_again(self, client: TestClient) -> None:
        for _ in range(3):
            create(client, code="x")
            assert client.delete("/api/v1/links/x").status_code == 204


@pytest.mark.parametrize(
    ("fields", "warned"),
    [
        ({}, True),
        ({"rules": [{"conditions": [], "target": TARGET}]}, False),
        ({"max_clicks": 3}, False),
        ({"password": "open sesame"}, False),
        ({"forward_query": True}, False),
    ],
    ids=["plain", "rules", "limit", "password", "forwarding"],
)
def test_who_is_never_kept_is_not_warned_of(client: TestClient, fields: dict[str, Any], warned: bool) -> None:
    assert bool(create(client, status=301, **fields)["warnings"]) is warned


class TestCodesThatLookLikeOthers:
    def test_a_code_that_mixes_scripts_is_warned_of(self, client: TestClient) -> None:
        link = create(client, code="pаypal")
        assert link["warnings"] == [
            "The code 'pаypal' mixes letters of Latin and Cyrillic: people may read it as another code."
        ]
        assert create(client, code="ссылка")["warnings"] == []
        alias = client.post("/api/v1/links/ссылка/aliases", json={"code": "ссылкa"}).json()
        assert len(alias["warnings"]) == 1

    def test_an_invisible_code_that_exists_can_be_edited_and_replaced(self, client: TestClient, app: Any) -> None:
        create(client, code="a")
        with app.state.parts.database.write() as connection:
            connection.execute(tables.link.update().values(code="a\u3164"))
        path = "/api/v1/links/a%E3%85%A4"
        assert client.patch(path, json={"title": "x", "code": "a\u3164"}).status_code == 200
        assert client.put(path, json={"target": TARGET}).status_code == 200
        assert client.put("/api/v1/links/b%E3%85%A4", json={"target": TARGET}).json()["code"] == "code-invalid"
        assert client.patch(path, json={"code": "b\u3164"}).json()["code"] == "code-invalid"
