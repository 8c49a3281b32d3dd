"""What a link was and is going to be: history, going back, changes at a moment."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.server import eventually

TARGET = "https://example.com/1"
RULES = [{"conditions": [{"type": "device", "value": "ios"}], "target": "https://example.com/ios"}]


def create(client: TestClient, **fields: Any) -> None:
    assert client.post("/api/v1/links", json={"target": TARGET, "code": "mine", **fields}).status_code == 201


def edit(client: TestClient, **fields: Any) -> None:
    assert client.patch("/api/v1/links/mine", json=fields).status_code == 200


def history(client: TestClient, **params: Any) -> list[dict[str, Any]]:
    return list(client.get("/api/v1/links/mine/history", params=params).json()["data"])


def ahead(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


class TestHistory:
    def test_it_names_key_time_and_difference(self, client: TestClient) -> None:
        key = client.post("/api/v1/keys", json={"name": "editor", "scopes": ["links:write"]}).json()
        create(client)
        began = datetime.now(UTC)
        headers = {"authorization": f"Bearer {key['key']}"}
        client.patch("/api/v1/links/mine", json={"target": "https://example.com/2"}, headers=headers)
        last, first = history(client)
        assert (last["kind"], last["version"], last["actor"]) == ("link-edited", 2, f"key {key['id']}")
        assert last["changes"] == {"target": [TARGET, "https://example.com/2"]}
        assert began <= datetime.fromisoformat(last["at"]) <= datetime.now(UTC)
        assert (first["kind"], first["version"]) == ("link-created", 1)
        assert first["changes"]["target"] == [None, TARGET]

    def test_no_password_is_in_it(self, client: TestClient) -> None:
        create(client, password="open sesame")
        edit(client, password="another one")
        edit(client, password=None)
        changes = [entry["changes"] for entry in history(client)]
        assert [change["password"] for change in changes] == [[True, False], [True, True], [False, True]]
        assert "argon" not in str(changes)

    def test_pages(self, client: TestClient) -> None:
        create(client)
        for number in range(5):
            edit(client, title=str(number))
        first = client.get("/api/v1/links/mine/history", params={"limit": 4}).json()
        second = client.get("/api/v1/links/mine/history", params={"limit": 4, "cursor": first["next"]}).json()
        assert [entry["version"] for entry in first["data"] + second["data"]] == [6, 5, 4, 3, 2, 1]
        assert second["next"] is None

    def test_an_edit_that_changes_nothing_is_none(self, client: TestClient) -> None:
        create(client)
        edit(client, target=TARGET)
        assert len(history(client)) == 1


class TestRevert:
    def test_any_version_comes_back(self, client: TestClient) -> None:
        create(client, rules=RULES, title="first", tags=["a"], expires_at="2030-01-01T00:00:00Z", max_clicks=9)
        whole = client.get("/api/v1/links/mine").json()
        edit(client, target="https://example.com/2", rules=[], tags=[], expires_at=None)
        edit(client, title=None, max_clicks=None, forward_query=True)
        second = client.get("/api/v1/links/mine").json()
        edit(client, target="https://example.com/4", enabled=False)
        moving = {"version", "updated_at"}
        for version, expected in ((1, whole), (3, second), (1, whole)):
            answer = client.post("/api/v1/links/mine/revert", json={"version": version})
            assert answer.status_code == 200, answer.text
            found = answer.json()
            assert {k: v for k, v in found.items() if k not in moving} == {
                k: v for k, v in expected.items() if k not in moving
            }
        assert found["version"] == 7
        assert history(client)[0]["kind"] == "link-reverted"
        assert client.get("/mine").headers["location"] == TARGET

    def test_code_and_password_stay(self, client: TestClient) -> None:
        create(client)
        edit(client, password="open sesame")
        edit(client, code="renamed", title="x")
        back = client.post("/api/v1/links/renamed/revert", json={"version": 1}).json()
        assert (back["code"], back["has_password"], back["title"]) == ("renamed", True, None)

    @pytest.mark.parametrize("version", [2, 99])
    def test_versions_that_never_were(self, client: TestClient, version: int) -> None:
        create(client)
        answer = client.post("/api/v1/links/mine/revert", json={"version": version})
        assert (answer.status_code, answer.json()["code"]) == (404, "version-not-found")

    @pytest.mark.parametrize("version", [0, -1, "1", None, 1.5])
    def test_what_is_no_version(self, client: TestClient, version: Any) -> None:
        create(client)
        answer = client.post("/api/v1/links/mine/revert", json={"version": version})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "version")


class TestSchedule:
    def test_it_happens_at_its_moment(self, client: TestClient) -> None:
        create(client)
        assert client.get("/mine").headers["location"] == TARGET
        at = ahead(1.2)
        body = {"at": at, "changes": {"target": "https://example.com/2", "tags": ["new"], "rules": []}}
        made = client.post("/api/v1/links/mine/schedule", json=body)
        assert made.status_code == 201
        assert made.json()["changes"]["target"] == "https://example.com/2"
        assert client.get("/mine").headers["location"] == TARGET
        eventually(lambda: client.get("/mine").headers["location"] == "https://example.com/2")
        assert datetime.now(UTC) >= datetime.fromisoformat(at)
        (changed,) = [entry for entry in history(client) if entry["kind"] == "link-scheduled-change"]
        late = datetime.fromisoformat(changed["at"]) - datetime.fromisoformat(at)
        assert timedelta() <= late < timedelta(seconds=1)
        assert client.get("/api/v1/links/mine").json()["tags"] == ["new"]
        assert client.get("/api/v1/links/mine/schedule").json()["data"] == []
        assert history(client)[0]["kind"] == "link-scheduled-change"

    def test_listed_and_cancelled(self, client: TestClient) -> None:
        create(client)
        ids = [
            client.post("/api/v1/links/mine/schedule", json={"at": ahead(s), "changes": {"title": str(s)}}).json()[
                "id"
            ]
            for s in (900, 300)
        ]
        waiting = client.get("/api/v1/links/mine/schedule").json()["data"]
        assert [change["id"] for change in waiting] == ids[::-1]
        assert client.delete(f"/api/v1/links/mine/schedule/{ids[0]}").status_code == 204
        assert client.delete(f"/api/v1/links/mine/schedule/{ids[0]}").json()["code"] == "schedule-not-found"
        assert len(client.get("/api/v1/links/mine/schedule").json()["data"]) == 1

    @pytest.mark.parametrize(
        ("id", "code"),
        [
            pytest.param(2**63 - 1, "schedule-not-found", id="the-most-a-database-holds"),
            pytest.param(2**63, "validation-failed", id="more-than-that"),
            pytest.param(10**30, "validation-failed", id="far-more"),
            pytest.param(0, "validation-failed", id="none"),
            pytest.param(-(10**30), "validation-failed", id="far-less"),
        ],
    )
    def test_cancelling_what_is_not_there(self, client: TestClient, id: int, code: str) -> None:
        create(client)
        assert client.delete(f"/api/v1/links/mine/schedule/{id}").json()["code"] == code

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            pytest.param({"at": "2020-01-01T00:00:00Z", "changes": {"title": "x"}}, "at", id="past"),
            pytest.param({"at": "2999-01-01T00:00:00Z", "changes": {}}, "changes", id="nothing"),
            pytest.param({"at": "soon", "changes": {"title": "x"}}, "at", id="no-moment"),
            pytest.param({"changes": {"title": "x"}}, "at", id="no-at"),
            pytest.param(
                {"at": "2999-01-01T00:00:00Z", "changes": {"target": "ftp://x"}}, "target", id="a-wrong-target"
            ),
            pytest.param(
                {"at": "2999-01-01T00:00:00Z", "changes": {"max_clicks": 0}}, "changes.max_clicks", id="no-limit"
            ),
        ],
    )
    def test_refused(self, client: TestClient, body: dict[str, Any], field: str) -> None:
        create(client)
        answer = client.post("/api/v1/links/mine/schedule", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
        assert client.get("/api/v1/links/mine/schedule").json()["data"] == []

    def test_what_cannot_be_done_any_more_is_left(self, client: TestClient) -> None:
        create(client)
        body = {"at": ahead(0.7), "changes": {"code": "wanted"}}
        assert client.post("/api/v1/links/mine/schedule", json=body).status_code == 201
        client.post("/api/v1/links", json={"target": TARGET, "code": "wanted"})
        eventually(lambda: client.get("/api/v1/links/mine/schedule").json()["data"] == [])
        assert client.get("/api/v1/links/mine").json()["version"] == 1
