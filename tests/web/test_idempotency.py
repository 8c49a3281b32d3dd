"""Idempotency-Key: a POST that is sent again is carried out once, whatever happens in between."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from fastapi import FastAPI
from starlette.testclient import TestClient

from shortener import errors
from shortener.services import links, recorded
from shortener.services.idempotency import Answer, Attempt
from shortener.storage.engine import Connection, Database, before_commit
from shortener.web.api import links as routes
from tests.conftest import AUTHORIZED
from tests.server import eventually

TARGET = "https://example.com/"
LINKS = "/api/v1/links"


def post(client: TestClient, key: str, path: str = LINKS, body: Any = None, **headers: str) -> Any:
    body = {"target": TARGET} if body is None else body
    return client.post(path, json=body, headers={"idempotency-key": key, **headers})


def count(client: TestClient) -> int:
    return len(client.get(LINKS, params={"limit": 200}).json()["data"])


def test_the_same_request_creates_nothing_and_is_answered_the_same(client: TestClient) -> None:
    first, second = post(client, "k1"), post(client, "k1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first.headers["location"] == second.headers["location"]
    assert ("idempotent-replayed" in first.headers, second.headers["idempotent-replayed"]) == (False, "true")
    assert count(client) == 1


def test_another_key_is_another_request(client: TestClient) -> None:
    assert post(client, "k1").json()["code"] != post(client, "k2").json()["code"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(LINKS, {"target": "https://example.com/other"}, id="another-body"),
        pytest.param(f"{LINKS}?if_exists=return", {"target": TARGET}, id="another-query"),
        pytest.param(f"{LINKS}/bulk", [{"target": TARGET}], id="another-path"),
    ],
)
def test_a_key_is_for_one_request(client: TestClient, path: str, body: Any) -> None:
    post(client, "k1")
    answer = post(client, "k1", path, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
    assert count(client) == 1


def test_keys_are_each_principals_own(client: TestClient) -> None:
    other = client.post("/api/v1/keys", json={"name": "x", "scopes": ["links:write"]}).json()["key"]
    first = post(client, "k1")
    second = post(client, "k1", authorization=f"Bearer {other}")
    assert first.json()["code"] != second.json()["code"]


def test_what_was_refused_may_be_tried_again(client: TestClient) -> None:
    taken = {"target": TARGET, "code": "mine"}
    client.post(LINKS, json=taken)
    assert post(client, "k1", body=taken).status_code == 409
    client.delete(f"{LINKS}/mine")
    assert post(client, "k1", body=taken).status_code == 201
    assert post(client, "k1", body=taken).headers["idempotent-replayed"] == "true"


def test_a_bulk_of_ten_thousand(client: TestClient) -> None:
    items = [{"target": f"{TARGET}{number}"} for number in range(10_000)]
    first, second = (post(client, "bulk", f"{LINKS}/bulk", items) for _ in range(2))
    assert (first.status_code, first.content == second.content) == (207, True)
    with client.app.state.parts.database.read() as connection:  # type: ignore[attr-defined]
        assert connection.exec_driver_sql("SELECT count(*) FROM link").scalar() == 10_000


def test_a_key_is_shown_once(client: TestClient) -> None:
    body = {"name": "x", "scopes": ["links:read"]}
    assert post(client, "k1", "/api/v1/keys", body).status_code == 201
    again = post(client, "k1", "/api/v1/keys", body)
    assert (again.status_code, again.json()["code"]) == (409, "idempotency-key-spent")
    assert len(client.get("/api/v1/keys").json()["data"]) == 1
    with client.app.state.parts.database.read() as connection:  # type: ignore[attr-defined]
        assert connection.exec_driver_sql("SELECT sum(length(body)) FROM idempotent_answer").scalar() == 0


def test_a_revoked_key_gets_no_answer(client: TestClient) -> None:
    made = client.post("/api/v1/keys", json={"name": "x", "scopes": ["links:write"]}).json()
    bearer = f"Bearer {made['key']}"
    assert post(client, "k1", authorization=bearer).status_code == 201
    client.delete(f"/api/v1/keys/{made['id']}")
    assert post(client, "k1", authorization=bearer).status_code == 401


def test_nothing_is_kept_for_strangers(client: TestClient) -> None:
    assert post(client, "k1", authorization="Bearer nonsense").status_code == 401
    with client.app.state.parts.database.read() as connection:  # type: ignore[attr-defined]
        assert connection.exec_driver_sql("SELECT count(*) FROM idempotent_answer").scalar() == 0


@pytest.mark.parametrize("key", ["", "ü", "a b", "x" * 256])
def test_what_is_no_key(client: TestClient, key: str) -> None:
    answer = client.post(LINKS, json={"target": TARGET}, headers=[(b"idempotency-key", key.encode("latin-1"))])
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-invalid")
    assert count(client) == 0


LINK = {"target": TARGET, "code": "mine"}
WRITES_NOTHING = {
    "explain": (f"{LINKS}/mine/explain", {}, 200),
    "explain-of-nothing": (f"{LINKS}/nobodys/explain", {}, 404),
    "existing-link": (f"{LINKS}?if_exists=return", LINK, 200),
    "taken-code": (LINKS, LINK, 409),
    "bad-field": (LINKS, {"target": "nowhere"}, 422),
    "unknown-field": (LINKS, {"target": TARGET, "colour": "red"}, 422),
    "bulk-of-refusals": (f"{LINKS}/bulk", [LINK, {"target": "nowhere"}], 207),
    "empty-bulk": (f"{LINKS}/bulk", [], 207),
    "unknown-tag": ("/api/v1/tags/nobodys/merge", {"into": "other"}, 404),
}


@pytest.mark.parametrize(("path", "body", "status"), WRITES_NOTHING.values(), ids=WRITES_NOTHING.keys())
def test_what_writes_nothing_writes_no_answer_either(client: TestClient, path: str, body: Any, status: int) -> None:
    client.post(LINKS, json=LINK)
    for _ in range(2):
        answer = post(client, "k1", path, body)
        assert answer.status_code in {status, 422 if path.endswith("bulk") else status}, answer.text
        assert "idempotent-replayed" not in answer.headers
    with client.app.state.parts.database.read() as connection:  # type: ignore[attr-defined]
        assert connection.exec_driver_sql("SELECT count(*) FROM idempotent_answer").scalar() == 0


def test_a_reading_key_has_no_use_for_it(client: TestClient) -> None:
    client.post(LINKS, json=LINK)
    key = client.post("/api/v1/keys", json={"name": "x", "scopes": ["links:read"]}).json()["key"]
    for header in ("k1", "", "x" * 1000):
        answer = post(client, header, f"{LINKS}/mine/explain", {}, authorization=f"Bearer {key}")
        assert answer.status_code == 200


def test_a_day_later_it_is_forgotten(client: TestClient) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=25)):
        post(client, "k1")
    assert "idempotent-replayed" not in post(client, "k1").headers
    assert count(client) == 2


def test_other_methods_do_not_care(client: TestClient) -> None:
    post(client, "k1", body={"target": TARGET, "code": "mine"})
    answer = client.patch(f"{LINKS}/mine", json={"title": "x"}, headers={"idempotency-key": "k1"})
    assert (answer.status_code, answer.json()["title"]) == (200, "x")


class TestFaults:
    def attempt(self, database: Database, request: bytes = b"request") -> Attempt:
        return Attempt(database, b"credential", "key", request)

    def carry_out(self, database: Database, attempt: Attempt) -> None:
        token = before_commit.set(attempt.done)
        try:
            with database.write() as connection:
                connection.exec_driver_sql(f"INSERT INTO tag (name) VALUES ('{uuid4()}')")
        finally:
            before_commit.reset(token)

    def tags(self, database: Database) -> int:
        with database.read() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM tag").scalar() or 0)

    def test_two_at_once_are_one(self, database: Database) -> None:
        assert self.attempt(database).begin() is None
        with pytest.raises(errors.IdempotencyKeySpent, match="still being carried out"):
            self.attempt(database).begin()

    def test_who_died_before_the_commit_is_followed_by_another(self, database: Database) -> None:
        with time_machine.travel(datetime.now(UTC) - timedelta(minutes=2)):
            dead = self.attempt(database)
            assert dead.begin() is None
        heir = self.attempt(database)
        assert heir.begin() is None
        self.carry_out(database, heir)
        # It was only slow: what it would write now has been written by the other.
        with pytest.raises(errors.IdempotencyKeySpent):
            self.carry_out(database, dead)
        assert self.tags(database) == 1

    def test_who_died_after_the_commit_has_done_it(self, database: Database) -> None:
        with time_machine.travel(datetime.now(UTC) - timedelta(minutes=2)):
            dead = self.attempt(database)
            dead.begin()
            self.carry_out(database, dead)
        with pytest.raises(errors.IdempotencyKeySpent, match="has been carried out"):
            self.attempt(database).begin()
        assert self.tags(database) == 1

    def test_the_answer_comes_back_as_it_was(self, database: Database) -> None:
        first = self.attempt(database)
        first.begin()
        self.carry_out(database, first)
        first.keep(Answer(201, "/somewhere", b"body"))
        assert self.attempt(database).begin() == Answer(201, "/somewhere", b"body")

    def test_many_at_once(self, client: TestClient) -> None:
        async def together() -> list[int]:
            return await asyncio.gather(
                *(asyncio.to_thread(lambda: int(post(client, "k").status_code)) for _ in range(8))
            )

        statuses = asyncio.run(together())
        assert set(statuses) <= {201, 409}
        assert count(client) == 1


class Outage:
    """A database that can go away and come back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_on = False
        transaction = Database._transaction

        @contextmanager
        def interrupted(database: Database, options: dict[str, Any]) -> Iterator[Connection]:
            if self.is_on:
                raise errors.DatabaseUnavailable
            with transaction(database, options) as connection:
                yield connection

        monkeypatch.setattr(Database, "_transaction", interrupted)


def fail(*_: object, **__: object) -> Any:
    raise RuntimeError("a fault of ours")


def with_fault(where: Any, name: str) -> Callable[[pytest.MonkeyPatch, Outage], None]:
    """Something that the request needs fails."""
    return lambda monkeypatch, _outage: monkeypatch.setattr(where, name, fail)


def with_outage(where: Any, name: str, *, before: bool, fails: bool) -> Callable[[pytest.MonkeyPatch, Outage], None]:
    """The database goes away before or behind something that the request needs, which may fail because of that."""
    needed = getattr(where, name)

    def interrupt(monkeypatch: pytest.MonkeyPatch, outage: Outage) -> None:
        def interrupted(*arguments: Any, **options: Any) -> Any:
            outage.is_on = before
            result = needed(*arguments, **options)
            outage.is_on = True
            if fails:
                raise errors.DatabaseUnavailable
            return result

        monkeypatch.setattr(where, name, interrupted)

    return interrupt


#: By name: what goes wrong, the first answer, and what the retry is answered: status, and whether it is a replay.
FAILURES: dict[str, tuple[Callable[[pytest.MonkeyPatch, Outage], None], int, int, bool]] = {
    "in-the-service": (with_fault(links, "create"), 500, 201, False),
    "in-the-transaction": (with_fault(recorded, "record"), 500, 201, False),
    # It is carried out, and must not be again.
    "in-rendering": (with_fault(routes, "answer"), 500, 409, False),
    "no-database-before-the-commit": (with_outage(links, "create", before=True, fails=True), 503, 201, False),
    "no-database-at-the-commit": (with_outage(links, "create", before=False, fails=True), 503, 409, False),
    "no-database-after-the-commit": (with_outage(routes, "answer", before=False, fails=False), 201, 201, True),
}


@pytest.mark.parametrize(("goes_wrong", "first", "then", "is_replay"), FAILURES.values(), ids=list(FAILURES))
def test_a_request_that_failed_is_sent_again(
    app: FastAPI,
    monkeypatch: pytest.MonkeyPatch,
    goes_wrong: Callable[[pytest.MonkeyPatch, Outage], None],
    first: int,
    then: int,
    is_replay: bool,
) -> None:
    """What changed nothing is carried out as if for the first time, and nothing is carried out twice."""
    outage = Outage(monkeypatch)
    with TestClient(app, raise_server_exceptions=False, headers=AUTHORIZED) as client:
        with monkeypatch.context() as patched:
            goes_wrong(patched, outage)
            assert post(client, "k1").status_code == first
        outage.is_on = False
        again = []

        def settled() -> bool:
            again.append(post(client, "k1"))
            return again[-1].status_code == then and ("idempotent-replayed" in again[-1].headers) is is_replay

        # A second or so after the database is back.
        eventually(settled, 5.0)
        if then == 409:
            assert "has been carried out" in again[-1].json()["detail"]
        assert count(client) == 1
