"""Limits, from outside: so many visitors are redirected and not one more, whoever answers and whatever restarts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select

from shortener.storage.click_tables import click, click_inbox
from shortener.storage.engine import Database
from shortener.storage.tables import link
from tests.acceptance.visitors import (
    BROWSER,
    Answer,
    Visitor,
    clicks,
    create,
    port_of,
    visit,
    visitor_of_every_worker,
)
from tests.cli.process import Serving, eventually, served
from tests.conftest import ADMIN_KEY, ENGINES, FIREFOX
from tests.postgres import Postgres

MOST, VISITORS = 100, 1000
FOUND, GONE = 302, 410
TARGET = "https://example.com/limited"
#: Workers of each node. SQLite is one machine's.
_NODES = {"sqlite": [2], "postgresql": [1, 1]}
#: Seconds within which statistics have caught up: two, and what a busy machine takes to answer.
_CAUGHT_UP = 5.0


@dataclass(frozen=True)
class Cluster:
    """Nodes on one database, each in a folder of its own, which may be started again and again."""

    database_url: str
    folders: Sequence[Path]
    workers: Sequence[int]

    @contextmanager
    def running(self) -> Iterator[list[Serving]]:
        settings = {"SHORTENER_DATABASE_URL": self.database_url, "SHORTENER_ADMIN_KEY": ADMIN_KEY}
        with ExitStack() as stack:
            yield [
                stack.enter_context(served(folder, "--port", "0", "--workers", str(workers), **settings))
                for folder, workers in zip(self.folders, self.workers, strict=True)
            ]

    def stored(self, code: str) -> tuple[int, int, int]:
        """Slots that were taken of a link, rows of its clicks, and what is left in the inbox."""
        database = Database(self.database_url)
        try:
            with database.read() as connection:
                found = connection.execute(select(link.c.id, link.c.used).where(link.c.code == code)).one()
                rows = select(func.count()).select_from(click).where(click.c.link_id == found.id)
                left = select(func.count()).select_from(click_inbox)
                return found.used, connection.execute(rows).scalar_one(), connection.execute(left).scalar_one()
        finally:
            database.close()


@contextmanager
def _cluster(request: pytest.FixtureRequest, above: Path) -> Iterator[Cluster]:
    workers = _NODES[request.param]
    folders = [above / f"node-{number}" for number in range(len(workers))]
    for folder in folders:
        folder.mkdir()
    if request.param == "sqlite":
        yield Cluster(f"sqlite:///{above}/shortener.db", folders, workers)
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    name = postgres.create()
    yield Cluster(postgres.url(name), folders, workers)
    postgres.drop(name)


@pytest.fixture(params=ENGINES)
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    with _cluster(request, tmp_path) as made:
        yield made


@pytest.fixture(scope="module", params=ENGINES)
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Cluster, list[Serving]]]:
    """A cluster whose nodes run, for tests that start none themselves. Each has a link of its own."""
    with _cluster(request, tmp_path_factory.mktemp("shared")) as made, made.running() as nodes:
        yield made, nodes


def at_once(nodes: Sequence[Serving], code: str, visitors: int) -> Counter[tuple[int, str]]:
    """Status and target of what as many visitors get, who all ask before anybody has listened."""
    with ExitStack() as stack:
        asking = [stack.enter_context(Visitor(port_of(nodes[number % len(nodes)]))) for number in range(visitors)]
        for visitor in asking:
            visitor.say(visit(code))
        answers = [visitor.hear() for visitor in asking]
    return Counter((answer.status, answer.target) for answer in answers)


def caught_up(nodes: Sequence[Serving], cluster: Cluster, code: str, wanted: int) -> None:
    """The statistics say `wanted` on every node, and stay there: nothing that was counted is still on its way."""
    eventually(lambda: {clicks(node, code) for node in nodes} == {wanted}, within=_CAUGHT_UP)
    assert cluster.stored(code) == (wanted, wanted, 0)


def test_exactly_so_many_are_redirected(shared: tuple[Cluster, list[Serving]]) -> None:
    cluster, nodes = shared
    create(nodes[0], "exactly", TARGET, max_clicks=MOST)
    answers = at_once(nodes, "exactly", VISITORS)
    assert answers == {(FOUND, TARGET): MOST, (GONE, ""): VISITORS - MOST}
    caught_up(nodes, cluster, "exactly", MOST)
    # And so it stays, for every worker.
    for node in nodes:
        with visitor_of_every_worker(node) as each:
            assert {visitor.visit("exactly").status for visitor in each.values()} == {GONE}
    caught_up(nodes, cluster, "exactly", MOST)


def test_a_restart_in_between_changes_nothing(cluster: Cluster) -> None:
    before, after = 60, 500
    with cluster.running() as nodes:
        create(nodes[0], "limited", TARGET, max_clicks=MOST)
        assert at_once(nodes, "limited", before) == {(FOUND, TARGET): before}
    with cluster.running() as nodes:
        answers = at_once(nodes, "limited", after)
        assert answers == {(FOUND, TARGET): MOST - before, (GONE, ""): after - (MOST - before)}
        assert at_once(nodes, "limited", 10) == {(GONE, ""): 10}
        caught_up(nodes, cluster, "limited", MOST)


def test_killed_in_between_none_is_granted_twice(cluster: Cluster) -> None:
    """Whoever got no answer has wasted a slot at most; whoever got one is counted."""
    with cluster.running() as nodes, ExitStack() as stack:
        create(nodes[0], "limited", TARGET, max_clicks=MOST)
        # Many times more than share one transaction, and far more than have been answered when the blow falls.
        asking = [stack.enter_context(Visitor(port_of(nodes[number % len(nodes)]))) for number in range(400)]
        for visitor in asking:
            visitor.say(visit("limited"))
        redirected = sum(asking[number].hear().status == FOUND for number in range(20))
        for node in nodes:
            node.process.kill()
        for visitor in asking[20:]:
            with suppress(ConnectionError):
                redirected += visitor.hear().status == FOUND
    with cluster.running() as nodes:
        answers = at_once(nodes, "limited", 400)
        granted = redirected + answers[FOUND, TARGET]
        assert granted <= MOST
        assert set(answers) <= {(FOUND, TARGET), (GONE, "")}
        caught_up(nodes, cluster, "limited", MOST)


#: By name: who takes no slot, and what is said on their behalf before the end of the head.
_HARMLESS = {
    "HEAD": b"HEAD /harmless HTTP/1.1\r\n" + BROWSER,
    "a robot": b"GET /harmless HTTP/1.1\r\nHost: go.example\r\nUser-Agent: Googlebot/2.1\r\n",
    "a link unfurler": b"GET /harmless HTTP/1.1\r\nHost: go.example\r\nUser-Agent: Slackbot-LinkExpanding 1.0\r\n",
    "a program": b"GET /harmless HTTP/1.1\r\nHost: go.example\r\nUser-Agent: curl/8.5.0\r\n",
    "nobody": b"GET /harmless HTTP/1.1\r\nHost: go.example\r\n",
}


def test_robots_and_head_take_nothing(shared: tuple[Cluster, list[Serving]]) -> None:
    cluster, nodes = shared
    create(nodes[0], "harmless", TARGET, max_clicks=1)
    with Visitor(port_of(nodes[-1])) as visitor:
        for who, said in _HARMLESS.items():
            for _ in range(3):
                answer = _answer_to(visitor, said)
                assert (answer.status, answer.target) == (200, ""), who
                # Not even in the page.
                assert TARGET.encode() not in answer.body, who
        assert cluster.stored("harmless") == (0, 0, 0)
        assert visitor.visit("harmless").target == TARGET
        assert visitor.visit("harmless").status == GONE
    caught_up(nodes, cluster, "harmless", 1)


def _answer_to(visitor: Visitor, said: bytes) -> Answer:
    visitor.say(said + b"\r\n")
    return visitor.hear(to_head=said.startswith(b"HEAD"))


def test_a_limit_that_is_raised_grants_the_rest(shared: tuple[Cluster, list[Serving]]) -> None:
    cluster, nodes = shared
    create(nodes[0], "raised", TARGET, max_clicks=3)
    assert at_once(nodes, "raised", 10) == {(FOUND, TARGET): 3, (GONE, ""): 7}
    with Visitor(port_of(nodes[0])) as editor:
        assert editor.call("PATCH", "/links/raised", {"max_clicks": 5}).status == 200
    # Within a second everybody knows it: not one too many until then, and all in the end.
    redirected = 0
    with ExitStack() as stack:
        asking = [stack.enter_context(Visitor(port_of(node))) for node in nodes]

        def all_granted() -> bool:
            nonlocal redirected
            redirected += sum(visitor.visit("raised").status == FOUND for visitor in asking)
            return redirected == 2

        eventually(all_granted, within=_CAUGHT_UP)
    assert at_once(nodes, "raised", 10) == {(GONE, ""): 10}
    caught_up(nodes, cluster, "raised", 5)


def test_who_must_not_be_tracked_takes_a_slot_too(shared: tuple[Cluster, list[Serving]]) -> None:
    cluster, nodes = shared
    create(nodes[0], "private", TARGET, max_clicks=1)
    with Visitor(port_of(nodes[0])) as visitor:
        private = f"GET /private HTTP/1.1\r\nHost: go.example\r\nUser-Agent: {FIREFOX}\r\nSec-GPC: 1\r\n".encode()
        assert [_answer_to(visitor, private).status for _ in range(2)] == [FOUND, GONE]
    caught_up(nodes, cluster, "private", 1)
