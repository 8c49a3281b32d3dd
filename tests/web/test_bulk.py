"""/api/v1/links/bulk: many links at once, each judged by itself."""

from typing import Any

import orjson
import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from shortener.web.api.schemas.bulk import BulkOut

BULK = "/api/v1/links/bulk"
TARGET = "https://example.com/"


def results(answer: Response) -> list[dict[str, Any]]:
    assert answer.status_code == 207, answer.text
    assert answer.headers["content-type"] == "application/json"
    BulkOut.model_validate(answer.json())
    data: list[dict[str, Any]] = answer.json()["data"]
    assert [result["index"] for result in data] == list(range(len(data)))
    return data


def count(client: TestClient) -> int:
    return len(client.get("/api/v1/links", params={"limit": 200}).json()["data"])


class TestCreate:
    def test_each_item_has_its_result(self, client: TestClient) -> None:
        client.post("/api/v1/links", json={"target": TARGET, "code": "taken", "external_id": "17"})
        items: list[tuple[Any, int, str | None]] = [
            ({"target": TARGET}, 201, None),
            ({"target": TARGET, "code": "mine", "tags": ["B", "a"], "title": "t"}, 201, None),
            ({"target": TARGET, "code": "mine"}, 409, "code-taken"),
            ({"target": TARGET, "code": "taken"}, 409, "code-taken"),
            ({"target": TARGET, "external_id": "17"}, 409, "external-id-taken"),
            ({"target": TARGET, "external_id": "18"}, 201, None),
            ({"target": TARGET, "external_id": "18"}, 409, "external-id-taken"),
            ({"target": "javascript:alert(1)"}, 422, "target-scheme"),
            ({"target": TARGET, "code": "api"}, 422, "code-reserved"),
            ({"target": TARGET, "domain": "nowhere.example"}, 404, "domain-not-found"),
            ({"target": TARGET, "max_clicks": 0}, 422, "validation-failed"),
            ({"target": TARGET, "unknown": 1}, 422, "validation-failed"),
            ({}, 422, "validation-failed"),
            ("no object", 422, "validation-failed"),
            (None, 422, "validation-failed"),
        ]
        data = results(client.post(BULK, json=[item for item, _, _ in items]))
        found = [(result["status"], result.get("problem", {}).get("code")) for result in data]
        assert found == [(status, problem) for _, status, problem in items]
        assert data[10]["problem"]["errors"][0]["field"] == "max_clicks"
        assert count(client) == 4
        assert data[1]["link"] == client.get("/api/v1/links/mine").json()
        assert client.get("/mine").headers["location"] == TARGET

    def test_it_is_history_like_any_other(self, client: TestClient) -> None:
        (made,) = results(client.post(BULK, json=[{"target": TARGET}]))
        (entry,) = client.get(f"/api/v1/links/{made['link']['code']}/history").json()["data"]
        assert (entry["kind"], entry["version"], entry["changes"]["target"]) == ("link-created", 1, [None, TARGET])
        later = client.post("/api/v1/links", json={"target": TARGET}).json()
        assert len({made["link"]["code"], later["code"]}) == 2

    def test_lines_are_as_good_as_an_array(self, client: TestClient) -> None:
        lines = b'{"target": "https://example.com/1"}\n\n{"target": "https://example.com/2"}\n'
        headers = {"content-type": "application/x-ndjson"}
        data = results(client.post(BULK, content=lines, headers=headers))
        assert [result["link"]["target"] for result in data] == ["https://example.com/1", "https://example.com/2"]

    def test_ten_thousand(self, client: TestClient) -> None:
        items = [{"target": f"{TARGET}{number}", "tags": [f"t{number % 7}"]} for number in range(10_000)]
        data = results(client.post(BULK, json=items))
        assert {result["status"] for result in data} == {201}
        assert len({result["link"]["code"] for result in data}) == 10_000
        last = data[-1]["link"]
        assert client.get(f"/{last['code']}").headers["location"] == f"{TARGET}9999"

    def test_few_passwords(self, client: TestClient) -> None:
        items = [{"target": TARGET, "password": "open sesame"} for _ in range(21)]
        data = results(client.post(BULK, json=items))
        assert [result["status"] for result in data] == [201] * 20 + [422]
        assert data[20]["problem"]["code"] == "password-invalid"


class TestWhole:
    @pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
    @pytest.mark.parametrize(
        ("body", "status", "problem"),
        [
            pytest.param([{}] * 10_001, 422, "bulk-invalid", id="too-many"),
            pytest.param([], 422, "bulk-invalid", id="none"),
            pytest.param({"target": TARGET}, 422, "bulk-invalid", id="no-array"),
        ],
    )
    def test_refused(self, client: TestClient, method: str, body: Any, status: int, problem: str) -> None:
        answer = client.request(method, BULK, json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, problem)

    def test_what_is_no_json(self, client: TestClient) -> None:
        answer = client.post(BULK, content=b"[{", headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed-json")

    def test_what_is_another_kind(self, client: TestClient) -> None:
        answer = client.post(BULK, content=b"a,b", headers={"content-type": "text/csv"})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")

    def test_what_is_too_large(self, client: TestClient) -> None:
        body = orjson.dumps([{"target": TARGET, "notes": "x" * 6_000_000}])
        answer = client.post(BULK, content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")

    def test_without_a_key_nothing_is_read(self, client: TestClient) -> None:
        answer = client.post(BULK, json=[{}] * 10_001, headers={"authorization": "Bearer nonsense"})
        assert answer.status_code in {401, 422}
        assert client.post(BULK, json=[{"target": TARGET}], headers={"authorization": "Bearer x"}).status_code == 401
        assert count(client) == 0


class TestEditAndDelete:
    def test_each_item_has_its_result(self, client: TestClient) -> None:
        for code in ("a", "b", "c"):
            client.post("/api/v1/links", json={"target": TARGET, "code": code})
            client.get(f"/{code}")
        data = results(
            client.patch(
                BULK,
                json=[
                    {"code": "a", "changes": {"target": "https://example.com/new"}},
                    {"code": "none", "changes": {"title": "x"}},
                    {"code": "b", "changes": {"code": "c"}},
                    {"code": "b", "changes": {"status": 299}},
                    {"code": "c", "changes": {"enabled": False}},
                ],
            )
        )
        assert [result["status"] for result in data] == [200, 404, 409, 422, 200]
        assert client.get("/a").headers["location"] == "https://example.com/new"
        assert client.get("/c").status_code == 410
        gone = results(client.request("DELETE", BULK, json=[{"code": "a"}, {"code": "a"}, {"code": "b", "x": 1}]))
        assert [result["status"] for result in gone] == [204, 404, 422]
        assert client.get("/a").status_code == 404
        assert count(client) == 2
