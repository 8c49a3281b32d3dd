"""Many clients at once, against a real server: the unique constraint decides."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.server import Server

CLIENTS = 16


def at_once(server: Server, ask: Callable[[httpx2.Client, int], httpx2.Response]) -> list[httpx2.Response]:
    """What CLIENTS clients get that ask at the same time."""
    clients = [server.client() for _ in range(CLIENTS)]
    for client in clients:
        client.get("/healthz")
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(ask, clients, range(CLIENTS)))
    for client in clients:
        client.close()
    return answers


def create(client: httpx2.Client, **fields: Any) -> httpx2.Response:
    params = {"if_exists": fields.pop("if_exists")} if "if_exists" in fields else {}
    return client.post("/api/v1/links", json={"target": "https://example.com/", **fields}, params=params)


@pytest.mark.parametrize("round_", range(5))
def test_the_same_code_is_given_once(server: Server, round_: int) -> None:
    answers = at_once(server, lambda client, _: create(client, code=f"same{round_}"))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: CLIENTS - 1}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"code-taken"}


def test_codes_that_are_made_are_all_different(server: Server) -> None:
    answers = at_once(server, lambda client, _: create(client))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["code"] for answer in answers}) == CLIENTS


def test_returning_what_exists_makes_one_link(server: Server) -> None:
    answers = at_once(server, lambda client, _: create(client, target="https://example.com/once", if_exists="return"))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: CLIENTS - 1}
    assert len({answer.json()["code"] for answer in answers}) == 1


def test_the_same_new_tag_by_all(server: Server) -> None:
    """Shlink issues 522, 1226, 953: the same new tag by several at once gave a 500 for years."""
    answers = at_once(server, lambda client, _: create(client, tags=["fresh", "other"]))
    assert {answer.status_code for answer in answers} == {201}


def test_edits_and_deletes_of_one_link(server: Server) -> None:
    with server.client() as client:
        create(client, code="busy")

    def change(client: httpx2.Client, number: int) -> httpx2.Response:
        if number == CLIENTS - 1:
            return client.delete("/api/v1/links/busy")
        return client.patch("/api/v1/links/busy", json={"title": f"title {number}", "tags": [f"t{number}"]})

    assert {answer.status_code for answer in at_once(server, change)} <= {200, 204, 404}
