"""Erasing by the API, through the whole path: visit, spool, drain, erase, answer."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from shortener.web.api.schemas.erasing import ErasedOut
from tests.conftest import ENGINES
from tests.web.refusals import assert_problem
from tests.web.waiting import drained

on_both = pytest.mark.parametrize("engine", ENGINES, indirect=True)
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def make(client: TestClient, code: str, **fields: Any) -> None:
    made = client.post("/api/v1/links", json={"target": "https://example.com/", "code": code, **fields})
    assert made.status_code == 201, made.text


def clicks(client: TestClient, path: str = "") -> int:
    """How many clicks of all classes the statistics have."""
    params = {"interval": "24h", "class": "human,bot"}
    return int(client.get(f"/api/v1{path}/stats", params=params).json()["totals"]["clicks"])


def erase(client: TestClient, path: str) -> dict[str, Any]:
    answer = client.delete(f"/api/v1{path}/clicks")
    assert answer.status_code == 200, answer.text
    ErasedOut.model_validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    return found


@on_both
def test_clicks_on_a_link_go(client: TestClient) -> None:
    make(client, "gone")
    make(client, "there")
    alias = client.post("/api/v1/links/gone/aliases", json={"code": "other-name"})
    assert alias.status_code == 201
    for path in ("/gone", "/gone", "/other-name", "/there"):
        assert client.get(path).status_code == 302
    assert client.get("/gone", headers={"user-agent": "curl/8"}).status_code == 302
    drained(client)
    assert (clicks(client, "/links/gone"), clicks(client)) == (4, 5)
    assert erase(client, "/links/other-name") == {"clicks": 4, "finished": True}
    assert (clicks(client, "/links/gone"), clicks(client, "/links/there"), clicks(client)) == (0, 1, 1)
    link = client.get("/api/v1/links/gone").json()
    assert (link["clicks"], link["unique"], link["last_clicked_at"]) == (0, 0, None)
    entry = client.get("/api/v1/links/gone/history").json()["data"][0]
    assert (entry["kind"], entry["changes"]) == ("clicks-erased", {"clicks": [4, 0]})
    assert erase(client, "/links/gone") == {"clicks": 0, "finished": True}
    # It goes on as if it had never been clicked: this visitor is a new one.
    assert client.get("/gone").status_code == 302
    drained(client)
    link = client.get("/api/v1/links/gone").json()
    assert (link["clicks"], link["unique"]) == (1, 1)


@on_both
def test_orphans_go(client: TestClient) -> None:
    make(client, "there")
    assert client.get("/there").status_code == 302
    for path in ("/nothing", "/nowhere"):
        assert client.get(path).status_code == 404
    drained(client)
    assert erase(client, "/orphans") == {"clicks": 2, "finished": True}
    assert client.get("/api/v1/orphans").json()["data"] == []
    assert clicks(client) == 1


@on_sqlite
def test_a_limit_does_not_get_its_slots_back(client: TestClient) -> None:
    make(client, "few", max_clicks=1)
    assert client.get("/few").status_code == 302
    erase(client, "/links/few")
    assert client.get("/few").status_code == 410


@on_sqlite
def test_what_is_not_there_cannot_be_erased(client: TestClient) -> None:
    assert_problem(client.delete("/api/v1/links/nobodys/clicks"), "link-not-found")
    assert_problem(client.delete("/api/v1/links/x/clicks", params={"domain": "a b"}), "domain-invalid")


@on_sqlite
def test_going_back_does_not_bring_clicks_back(client: TestClient) -> None:
    make(client, "gone")
    client.patch("/api/v1/links/gone", json={"title": "new"})
    assert client.get("/gone").status_code == 302
    drained(client)
    erase(client, "/links/gone")
    reverted = client.post("/api/v1/links/gone/revert", json={"version": 1})
    assert reverted.status_code == 200, reverted.text
    assert (reverted.json()["clicks"], reverted.json()["title"]) == (0, None)
