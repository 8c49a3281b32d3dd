"""Undeleting: a deleted link comes back as it was, for thirty days, unless something has taken its place."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import or_, update
from starlette.testclient import TestClient

from shortener.domain.link import UNDELETE_DAYS, State
from shortener.storage.engine import Database
from shortener.storage.tables import link as table
from tests.conftest import ENGINES
from tests.web.refusals import Instance, assert_problem, instance_on
from tests.web.waiting import drained

LINKS = "/api/v1/links"
TARGET = "https://example.com/1"
FIELDS = {
    "target": TARGET,
    "code": "sale",
    "title": "Sale",
    "tags": ["print"],
    "max_clicks": 5,
    "external_id": "shop-1",
    "password": "open sesame",
    "rules": [{"conditions": [{"type": "device", "value": "ios"}], "target": "https://example.com/ios"}],
}


@pytest.fixture(scope="module", params=ENGINES)
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """At https://go.example: for tests that use codes of their own."""
    with instance_on(request.param, tmp_path_factory.mktemp("undelete"), request) as opened:
        yield opened


def create(client: TestClient, **fields: Any) -> dict[str, Any]:
    answer = client.post(LINKS, json={"target": TARGET, "code": "sale", **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def delete(client: TestClient, code: str = "sale", domain: str = "") -> None:
    assert client.delete(f"{LINKS}/{code}", params={"domain": domain}).status_code == 204


def undelete(client: TestClient, link_id: Any, **options: Any) -> httpx2.Response:
    answer: httpx2.Response = client.post(f"{LINKS}/{link_id}/undelete", **options)
    return answer


def deleted(client: TestClient, **params: Any) -> list[dict[str, Any]]:
    answer = client.get(LINKS, params={"state": "deleted", **params})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def age(client: TestClient, link_id: int, by: timedelta) -> None:
    """Has a link, with its aliases, been deleted so long ago."""
    database: Database = client.app.state.parts.database  # type: ignore[attr-defined]
    rows = or_(table.c.id == link_id, table.c.alias_of == link_id)
    with database.write() as connection:
        connection.execute(update(table).where(rows).values(deleted_at=datetime.now(UTC) - by))


def visit(client: TestClient, code: str = "sale") -> str | None:
    location: str | None = client.get(f"/{code}").headers.get("location")
    return location


def test_it_is_what_it_was_as_a_new_version(client: TestClient) -> None:
    before = create(client, **FIELDS)
    client.post(f"{LINKS}/sale/aliases", json={"code": "s"})
    client.post(f"{LINKS}/sale/aliases", json={"code": "gone"})
    client.delete(f"{LINKS}/sale/aliases/gone")
    delete(client)
    answer = undelete(client, before["id"])
    assert answer.status_code == 200
    link = answer.json()
    changed = {"version": 2, "aliases": ["s"], "updated_at": link["updated_at"]}
    assert link == before | changed
    assert link["updated_at"] > before["updated_at"]
    assert answer.headers["etag"] == f'"{link["id"]}-2"'
    assert client.get(f"{LINKS}/s").json() == link
    sesame = {"x-link-password": "open sesame"}
    assert client.get("/s", headers=sesame).headers["location"] == TARGET
    assert client.get("/gone").status_code == 404
    assert deleted(client) == []


def test_visits_that_were_answered_404_are_redirected_at_once(client: TestClient) -> None:
    link_id = create(client)["id"]
    client.post(f"{LINKS}/sale/aliases", json={"code": "s"})
    delete(client)
    assert [visit(client), visit(client, "s")] == [None, None]
    undelete(client, link_id)
    assert [visit(client), visit(client, "s")] == [TARGET, TARGET]


def test_statistics_and_history_go_on(client: TestClient) -> None:
    link_id = create(client, tags=["print"])["id"]
    assert client.patch(f"{LINKS}/sale", json={"target": "https://example.com/2"}).status_code == 200
    visit(client)
    drained(client)
    delete(client)
    assert client.get(f"{LINKS}/sale/stats").status_code == 404
    assert deleted(client)[0]["clicks"] == 1
    undelete(client, link_id)
    visit(client)
    drained(client)
    assert client.get(f"{LINKS}/sale/stats").json()["totals"]["clicks"] == 2
    assert client.get("/api/v1/tags/print/stats").json()["totals"]["clicks"] == 2
    entries = client.get(f"{LINKS}/sale/history").json()["data"]
    kinds = ["link-undeleted", "link-deleted", "link-edited", "link-created"]
    assert [(entry["kind"], entry["version"]) for entry in entries] == list(zip(kinds, (3, 2, 2, 1), strict=True))
    assert entries[0]["changes"] == {"deleted_at": [entries[1]["at"], None]}
    # Whatever was before the deletion can be gone back to, and what it was deleted as is what it is.
    assert client.post(f"{LINKS}/sale/revert", json={"version": 2}).json()["version"] == 3
    reverted = client.post(f"{LINKS}/sale/revert", json={"version": 1}).json()
    assert (reverted["target"], reverted["tags"], reverted["version"]) == (TARGET, ["print"], 4)


def test_slots_of_a_limit_that_were_taken_stay_taken(client: TestClient) -> None:
    link_id = create(client, max_clicks=1)["id"]
    assert visit(client) == TARGET
    delete(client)
    undelete(client, link_id)
    assert client.get("/sale").status_code == 410


def test_a_change_that_waits_still_happens(client: TestClient) -> None:
    link_id = create(client)["id"]
    at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    client.post(f"{LINKS}/sale/schedule", json={"at": at, "changes": {"title": "Later"}})
    delete(client)
    undelete(client, link_id)
    assert len(client.get(f"{LINKS}/sale/schedule").json()["data"]) == 1


def test_aliases_that_are_taken_are_named(client: TestClient) -> None:
    link_id = create(client)["id"]
    for alias in ("a", "b", "c"):
        client.post(f"{LINKS}/sale/aliases", json={"code": alias})
    delete(client)
    create(client, code="b")
    answer = undelete(client, link_id).json()
    assert answer["aliases"] == ["a", "c"]
    assert answer["warnings"] == ["The alias 'b' has not come back: another link has this code by now."]
    assert client.get(f"{LINKS}/sale/history").json()["data"][0]["changes"]["aliases"] == [
        ["a", "b", "c"],
        ["a", "c"],
    ]
    # Deleted and brought back again, it has those that it had then.
    delete(client, "b")
    delete(client)
    assert undelete(client, link_id).json()["aliases"] == ["a", "c"]


class TestRefused:
    @pytest.mark.parametrize(
        ("way", "detail"),
        [
            ("link", "Another link is called '{code}' by now: rename or delete that one first."),
            ("alias", "'{code}' is an alias of '{code}-2' by now: remove that alias first."),
        ],
    )
    def test_a_code_that_is_taken(self, instance: Instance, way: str, detail: str) -> None:
        client, code = instance.client, f"taken-{way}"
        link_id = create(client, code=code)["id"]
        delete(client, code)
        create(client, code=code if way == "link" else f"{code}-2")
        if way == "alias":
            client.post(f"{LINKS}/{code}-2/aliases", json={"code": code})
        before = instance.state()
        assert assert_problem(undelete(client, link_id), "code-taken")["detail"] == detail.format(code=code)
        assert instance.state() == before

    def test_an_external_id_that_is_taken(self, instance: Instance) -> None:
        client = instance.client
        link_id = create(client, code="outer", external_id="x-1")["id"]
        delete(client, "outer")
        create(client, code="outer-2", external_id="x-1")
        answer = assert_problem(undelete(client, link_id), "external-id-taken")
        assert answer["detail"].startswith("The link 'outer-2' has the external id 'x-1' by now: ")

    def test_a_link_that_is_not_deleted(self, instance: Instance) -> None:
        link_id = create(instance.client, code="alive")["id"]
        answer = assert_problem(undelete(instance.client, link_id), "link-not-deleted")
        assert answer["detail"] == f"The link 'alive' (id {link_id}) is not deleted."

    @pytest.mark.parametrize("link_id", [999_999, 2**63 - 1])
    def test_an_unknown_id(self, instance: Instance, link_id: int) -> None:
        answer = assert_problem(undelete(instance.client, link_id), "link-not-found")
        assert answer["detail"] == f"There is no link with the id {link_id}."

    @pytest.mark.parametrize("link_id", ["sale", "0", "-1", str(2**63), "1.5"])
    def test_what_is_no_id(self, instance: Instance, link_id: str) -> None:
        assert assert_problem(undelete(instance.client, link_id), "validation-failed")["errors"][0]["field"] == "id"

    def test_the_id_of_an_alias(self, instance: Instance) -> None:
        client = instance.client
        alias_of = create(client, code="named")["id"]
        client.post(f"{LINKS}/named/aliases", json={"code": "named-2"})
        assert_problem(undelete(client, alias_of + 1), "link-not-found")
        delete(client, "named")
        assert_problem(undelete(client, alias_of + 1), "link-not-found")

    def test_after_thirty_days(self, instance: Instance) -> None:
        client = instance.client
        link_id = create(client, code="old")["id"]
        delete(client, "old")
        age(client, link_id, timedelta(days=UNDELETE_DAYS, seconds=1))
        assert_problem(undelete(client, link_id), "undelete-too-late")
        assert link_id not in [link["id"] for link in deleted(client)]
        age(client, link_id, timedelta(days=UNDELETE_DAYS) - timedelta(minutes=1))
        assert link_id in [link["id"] for link in deleted(client)]
        assert undelete(client, link_id).status_code == 200

    def test_another_version_than_was_seen(self, instance: Instance) -> None:
        client = instance.client
        link_id = create(client, code="seen")["id"]
        delete(client, "seen")
        assert_problem(undelete(client, link_id, headers={"if-match": '"0-0"'}), "version-mismatch")
        assert undelete(client, link_id, headers={"if-match": f'"{link_id}-1"'}).status_code == 200

    def test_without_the_scope(self, instance: Instance) -> None:
        client = instance.client
        key = client.post("/api/v1/keys", json={"name": "r", "scopes": ["links:read"]}).json()["key"]
        reader = {"authorization": f"Bearer {key}"}
        assert_problem(undelete(client, 1, headers=reader), "scope-missing")
        assert client.get(LINKS, params={"state": "deleted"}, headers=reader).status_code == 200

    def test_it_is_carried_out_once(self, instance: Instance) -> None:
        client = instance.client
        link_id = create(client, code="once")["id"]
        delete(client, "once")
        first, again = (undelete(client, link_id, headers={"idempotency-key": "once"}) for _ in range(2))
        assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
        assert_problem(undelete(client, link_id), "link-not-deleted")


class TestList:
    def test_each_deletion_is_in_it_by_its_id(self, client: TestClient) -> None:
        ids = []
        for number in range(3):
            ids.append(create(client, title=str(number))["id"])
            client.post(f"{LINKS}/sale/aliases", json={"code": f"alias-{number}"})
            delete(client)
        create(client, code="living")
        found = deleted(client)
        assert [(link["id"], link["code"], link["title"]) for link in found] == [
            (link_id, "sale", str(number)) for number, link_id in reversed(list(enumerate(ids)))
        ]
        assert [link["aliases"] for link in found] == [["alias-2"], ["alias-1"], ["alias-0"]]
        assert all(link["state"] == "deleted" and link["deleted_at"] == link["updated_at"] for link in found)
        assert [link["code"] for link in client.get(LINKS).json()["data"]] == ["living"]
        assert undelete(client, ids[1]).json()["title"] == "1"
        assert client.get(f"{LINKS}/sale").json()["deleted_at"] is None

    def test_it_is_searched_and_paged_as_the_others(self, client: TestClient) -> None:
        for number in range(5):
            create(client, code=f"link-{number}", tags=["even"] if number % 2 == 0 else [])
            delete(client, f"link-{number}")
        assert [link["code"] for link in deleted(client, tag="even", order="asc")] == ["link-0", "link-2", "link-4"]
        assert [link["code"] for link in deleted(client, search="LINK-3")] == ["link-3"]
        codes, cursor = [], None
        while True:
            params: dict[str, Any] = {"state": "deleted", "limit": 2, **({"cursor": cursor} if cursor else {})}
            page = client.get(LINKS, params=params).json()
            codes += [link["code"] for link in page["data"]]
            cursor = page["next"]
            if cursor is None:
                break
            assert_problem(client.get(LINKS, params={"limit": 2, "cursor": cursor}), "cursor-invalid")
        assert codes == [f"link-{number}" for number in range(4, -1, -1)]

    def test_no_other_state_has_them(self, client: TestClient) -> None:
        link = create(client, code="once")
        client.delete(f"{LINKS}/once")
        states = [state for state in State if state is not State.DELETED]
        assert all(client.get(LINKS, params={"state": state}).json()["data"] == [] for state in states)
        assert [each["id"] for each in deleted(client)] == [link["id"]]

    def test_links_of_a_bulk_are_in_it(self, client: TestClient) -> None:
        items = [{"code": create(client, code=f"bulk-{number}")["code"]} for number in range(2)]
        assert client.request("DELETE", f"{LINKS}/bulk", json=items).status_code == 207
        for link in deleted(client):
            assert undelete(client, link["id"]).status_code == 200


def test_a_link_of_a_removed_domain_needs_the_domain(client: TestClient) -> None:
    client.post("/api/v1/domains", json={"name": "b.example"})
    link_id = create(client, domain="b.example")["id"]
    client.post(f"{LINKS}/sale/aliases", json={"code": "s"}, params={"domain": "b.example"})
    delete(client, domain="b.example")
    client.delete("/api/v1/domains/b.example")
    create(client, code="sale")
    assert [link["domain"] for link in deleted(client, domain="b.example")] == ["b.example"]
    assert deleted(client, domain="") == []
    answer = assert_problem(undelete(client, link_id), "domain-not-found")
    assert answer["detail"].startswith("The domain 'b.example', which the link was on, is not configured any more")
    client.post("/api/v1/domains", json={"name": "b.example"})
    link = undelete(client, link_id).json()
    assert (link["domain"], link["aliases"]) == ("b.example", ["s"])
    assert client.get(f"{LINKS}/s", params={"domain": "b.example"}).json() == link
    assert client.get(f"{LINKS}/s").status_code == 404
