"""/api/v1/keys: made once, shown once, stored hashed, revoked at once."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from shortener import errors
from shortener.storage import keys as rows
from shortener.web.api.schemas.fields import PageOut
from shortener.web.api.schemas.keys import KeyCreated, KeyOut
from tests.conftest import ADMIN_KEY


def issue(client: TestClient, *scopes: str, **fields: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/keys", json={"name": "mine", "scopes": scopes or ["links:read"], **fields})
    assert answer.status_code == 201, answer.text
    key: dict[str, Any] = answer.json()
    return key


def test_a_key_opens_what_its_scopes_say(client: TestClient) -> None:
    key = issue(client, "links:read")
    KeyCreated.model_validate(key)
    for headers in ({"authorization": f"Bearer {key['key']}"}, {"authorization": "", "x-api-key": key["key"]}):
        assert client.get("/api/v1/links", headers=headers).status_code == 200
        refused = client.post("/api/v1/links", json={"target": "https://example.com/"}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "scope-missing")
        assert "links:write" in refused.json()["detail"]


def test_it_is_shown_once_and_stored_nowhere(client: TestClient, tmp_path: Path) -> None:
    key = issue(client)
    assert client.get(f"/api/v1/keys/{key['id']}").json() == {
        n: v for n, v in key.items() if n not in {"key", "warnings"}
    }
    KeyOut.model_validate(client.get(f"/api/v1/keys/{key['id']}").json())
    secret = key["key"].encode()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert secret not in content
            assert secret.split(b"_", 2)[2] not in content
            assert ADMIN_KEY.encode() not in content


def test_revoked_keys_open_nothing(client: TestClient) -> None:
    key = issue(client)
    headers = {"authorization": f"Bearer {key['key']}"}
    assert client.get("/api/v1/links", headers=headers).status_code == 200
    for _ in range(2):
        assert client.delete(f"/api/v1/keys/{key['id']}").status_code == 204
    answer = client.get("/api/v1/links", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "key-invalid")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert client.get(f"/api/v1/keys/{key['id']}").json()["revoked_at"] is not None


def test_expired_keys_open_nothing(client: TestClient) -> None:
    key = issue(client, expires_at="2020-01-01T00:00:00Z")
    answer = client.get("/api/v1/links", headers={"authorization": f"Bearer {key['key']}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "key-invalid")


def test_use_is_noted(client: TestClient) -> None:
    key = issue(client)
    assert key["last_used_at"] is None
    client.get("/api/v1/links", headers={"authorization": f"Bearer {key['key']}"})
    assert client.get(f"/api/v1/keys/{key['id']}").json()["last_used_at"] is not None


def test_a_database_that_cannot_be_written_keeps_no_reader_out(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"authorization": f"Bearer {issue(client)['key']}"}
    tries = []

    def fail(*_: object) -> None:
        tries.append(1)
        raise errors.DatabaseBusy

    monkeypatch.setattr(rows, "touch", fail)
    for _ in range(3):
        assert client.get("/api/v1/links", headers=headers).status_code == 200
    assert len(tries) == 1


def test_listing_by_pages(client: TestClient) -> None:
    made = [issue(client)["id"] for _ in range(3)]
    first = client.get("/api/v1/keys", params={"limit": 2}).json()
    PageOut[KeyOut].model_validate(first)
    second = client.get("/api/v1/keys", params={"limit": 2, "cursor": first["next"]}).json()
    assert [key["id"] for key in first["data"] + second["data"]] == made[::-1]
    assert second["next"] is None


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_key_that_is_not_there(client: TestClient, method: str) -> None:
    answer = client.request(method, "/api/v1/keys/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "key-not-found")
