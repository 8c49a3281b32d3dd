"""What a link is called: renaming it, aliases, external ids, and who may change what he has not seen."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.web.waiting import drained

TARGET = "https://example.com/sale"


def create(client: TestClient, **fields: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/links", json={"target": TARGET, **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def where(client: TestClient, path: str) -> str | None:
    return client.get(path).headers.get("location")


class TestRenaming:
    def test_the_new_code_leads_and_the_old_one_is_free(self, client: TestClient) -> None:
        create(client, code="typo")
        assert where(client, "/typo") == TARGET
        renamed = client.patch("/api/v1/links/typo", json={"code": "type"})
        assert (renamed.status_code, renamed.json()["code"]) == (200, "type")
        assert client.get("/typo").status_code == 404
        assert where(client, "/type") == TARGET
        assert create(client, code="typo", target="https://example.com/other")["version"] == 1

    def test_history_and_statistics_stay(self, client: TestClient) -> None:
        create(client, code="before")
        client.get("/before")
        client.patch("/api/v1/links/before", json={"code": "after"})
        client.get("/after")
        drained(client)
        assert client.get("/api/v1/links/after").json()["clicks"] == 2
        kinds = [entry["kind"] for entry in client.get("/api/v1/links/after/history").json()["data"]]
        assert kinds == ["link-edited", "link-created"]

    @pytest.mark.parametrize(
        ("code", "status", "problem"),
        [
            pytest.param("taken", 409, "code-taken", id="another-link's"),
            pytest.param("api", 422, "code-reserved", id="a-path-of-ours"),
            pytest.param("a.b", 422, "code-invalid", id="a-dot"),
            pytest.param("", 422, "code-invalid", id="empty"),
        ],
    )
    def test_refused(self, client: TestClient, code: str, status: int, problem: str) -> None:
        create(client, code="taken")
        create(client, code="mine")
        answer = client.patch("/api/v1/links/mine", json={"code": code, "title": "new"})
        assert (answer.status_code, answer.json()["code"]) == (status, problem)
        assert client.get("/api/v1/links/mine").json()["title"] is None


class TestAliases:
    def test_an_alias_leads_where_its_link_leads(self, client: TestClient) -> None:
        create(client, code="long-name")
        answer = client.post("/api/v1/links/long-name/aliases", json={"code": "s"})
        assert (answer.status_code, answer.json()["aliases"]) == (201, ["s"])
        assert where(client, "/s") == TARGET
        client.patch("/api/v1/links/long-name", json={"target": "https://example.com/new"})
        assert where(client, "/s") == "https://example.com/new"

    def test_statistics_are_joint_and_apart(self, client: TestClient) -> None:
        create(client, code="main")
        client.post("/api/v1/links/main/aliases", json={"code": "other"})
        for path in ("/main", "/other", "/other"):
            client.get(path)
        drained(client)
        assert client.get("/api/v1/links/main").json()["clicks"] == 3
        by_code = client.get("/api/v1/links/main/stats", params={"group_by": "code"}).json()
        assert {row["value"]: row["clicks"] for row in by_code["data"]} == {"other": 2, "main": 1}

    def test_one_is_made_up_where_none_is_given(self, client: TestClient) -> None:
        create(client, code="main")
        (alias,) = client.post("/api/v1/links/main/aliases", json={}).json()["aliases"]
        assert where(client, f"/{alias}") == TARGET

    def test_removed(self, client: TestClient) -> None:
        create(client, code="main")
        client.post("/api/v1/links/main/aliases", json={"code": "gone"})
        assert where(client, "/gone") == TARGET
        answer = client.delete("/api/v1/links/main/aliases/gone")
        assert (answer.status_code, answer.json()["aliases"]) == (200, [])
        assert client.get("/gone").status_code == 404
        assert client.delete("/api/v1/links/main/aliases/gone").json()["code"] == "alias-not-found"
        assert create(client, code="gone")["code"] == "gone"

    def test_they_go_with_their_link(self, client: TestClient) -> None:
        create(client, code="main")
        client.post("/api/v1/links/main/aliases", json={"code": "too"})
        assert where(client, "/too") == TARGET
        assert client.delete("/api/v1/links/main").status_code == 204
        assert client.get("/too").status_code == 404
        create(client, code="too")

    @pytest.mark.parametrize("spelt", ["caf\u00e9", "cafe\u0301"], ids=["nfc", "nfd"])
    def test_however_it_is_spelt_an_alias_does_not_delete_its_link(self, client: TestClient, spelt: str) -> None:
        create(client, code="main")
        client.post("/api/v1/links/main/aliases", json={"code": "café"})
        answer = client.delete(f"/api/v1/links/{spelt}")
        assert (answer.status_code, answer.json()["code"]) == (422, "alias-invalid")
        assert where(client, "/main") == TARGET

    def test_a_list_of_links_has_no_aliases(self, client: TestClient) -> None:
        create(client, code="main")
        client.post("/api/v1/links/main/aliases", json={"code": "too"})
        assert [link["code"] for link in client.get("/api/v1/links").json()["data"]] == ["main"]

    @pytest.mark.parametrize(
        ("method", "path", "body", "status", "problem"),
        [
            pytest.param("POST", "main/aliases", {"code": "other"}, 409, "code-taken", id="another-link's-code"),
            pytest.param("POST", "main/aliases", {"code": "main"}, 409, "code-taken", id="its-own-code"),
            pytest.param("POST", "alias/aliases", {"code": "x"}, 422, "alias-invalid", id="of-an-alias"),
            pytest.param("POST", "none/aliases", {"code": "x"}, 404, "link-not-found", id="of-no-link"),
            pytest.param("POST", "main/aliases", {"code": "docs"}, 422, "code-reserved", id="a-path-of-ours"),
            pytest.param("DELETE", "alias", None, 422, "alias-invalid", id="deleting-a-link-by-its-alias"),
            pytest.param("PUT", "alias", {"target": TARGET}, 422, "alias-invalid", id="replacing-it-by-its-alias"),
        ],
    )
    def test_refused(self, client: TestClient, method: str, path: str, body: Any, status: int, problem: str) -> None:
        create(client, code="main")
        create(client, code="other")
        client.post("/api/v1/links/main/aliases", json={"code": "alias"})
        answer = client.request(method, f"/api/v1/links/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, problem)
        assert client.get("/api/v1/links/main").json()["aliases"] == ["alias"]

    def test_a_hundred_are_enough(self, client: TestClient) -> None:
        create(client, code="main")
        for _ in range(100):
            assert client.post("/api/v1/links/main/aliases", json={}).status_code == 201
        assert client.post("/api/v1/links/main/aliases", json={}).json()["code"] == "alias-invalid"


class TestExternalIds:
    def test_put_makes_it_once(self, client: TestClient) -> None:
        path, body = "/api/v1/links/external/crm/17", {"target": TARGET, "title": "a"}
        first, second = client.put(path, json=body), client.put(path, json=body)
        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json()["code"] == second.json()["code"]
        assert (second.json()["external_id"], second.json()["version"]) == ("crm/17", 1)

    def test_put_changes_what_is_there(self, client: TestClient) -> None:
        link = create(client, code="mine", external_id="17", title="a", tags=["x"])
        changed = client.put("/api/v1/links/external/17", json={"target": "https://example.com/b"}).json()
        assert (changed["code"], changed["target"], changed["title"]) == ("mine", "https://example.com/b", None)
        assert changed["version"] == link["version"] + 1

    def test_two_links_cannot_share_one(self, client: TestClient) -> None:
        create(client, code="a", external_id="17")
        create(client, code="b")
        for answer in (
            client.post("/api/v1/links", json={"target": TARGET, "external_id": "17"}),
            client.patch("/api/v1/links/b", json={"external_id": "17"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (409, "external-id-taken")

    def test_a_deleted_links_is_free(self, client: TestClient) -> None:
        create(client, code="a", external_id="17")
        client.delete("/api/v1/links/a")
        create(client, code="b", external_id="17")


class TestPreconditions:
    def test_who_has_seen_it_may_change_it(self, client: TestClient) -> None:
        create(client, code="mine")
        seen = client.get("/api/v1/links/mine").headers["etag"]
        changed = client.patch("/api/v1/links/mine", json={"title": "a"}, headers={"if-match": seen})
        assert (changed.status_code, changed.headers["etag"] != seen) == (200, True)
        assert changed.headers["etag"] == client.get("/api/v1/links/mine").headers["etag"]

    @pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE", "revert"])
    def test_who_has_not_may_not(self, client: TestClient, method: str) -> None:
        create(client, code="mine")
        seen = client.get("/api/v1/links/mine").headers["etag"]
        client.patch("/api/v1/links/mine", json={"title": "by another"})
        path, body = "/api/v1/links/mine", {"target": "https://example.com/x"}
        if method == "revert":
            method, path, body = "POST", f"{path}/revert", {"version": 1}  # type: ignore[dict-item]
        answer = client.request(method, path, json=body, headers={"if-match": seen})
        assert (answer.status_code, answer.json()["code"]) == (412, "version-mismatch")
        assert client.get("/api/v1/links/mine").json()["version"] == 2

    @pytest.mark.parametrize("tag", ["*", '"other", {seen}'])
    def test_one_of_several_tags_suffices(self, client: TestClient, tag: str) -> None:
        create(client, code="mine")
        seen = client.get("/api/v1/links/mine").headers["etag"]
        headers = {"if-match": tag.format(seen=seen)}
        assert client.patch("/api/v1/links/mine", json={"title": "a"}, headers=headers).status_code == 200

    def test_a_link_made_anew_is_another(self, client: TestClient) -> None:
        create(client, code="mine")
        seen = client.get("/api/v1/links/mine").headers["etag"]
        client.delete("/api/v1/links/mine")
        create(client, code="mine")
        answer = client.patch("/api/v1/links/mine", json={"title": "a"}, headers={"if-match": seen})
        assert answer.status_code == 412

    def test_clicks_change_nothing(self, client: TestClient) -> None:
        create(client, code="mine")
        seen = client.get("/api/v1/links/mine").headers["etag"]
        client.get("/mine")
        drained(client)
        assert client.get("/api/v1/links/mine").headers["etag"] == seen
