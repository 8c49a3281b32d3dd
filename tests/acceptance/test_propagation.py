"""Edits: what one worker is told, every worker of every node serves within a second."""

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.visitors import (
    Visitor,
    clicks,
    create,
    metrics,
    visit,
    visitor_of_every_worker,
    wait_until_drained,
)
from tests.cli.process import Serving, served
from tests.conftest import ADMIN_KEY, ENGINES
from tests.postgres import Postgres

Report = Callable[[str, float], None]

#: What is promised, seconds.
PROMISED = 1.0
EDITS = 20
FOUND = 302
#: Seconds between looks at a worker: short against the promise, long enough to leave it time to work.
_LOOK = 0.002
#: Workers of each node. SQLite is one machine's.
_NODES = {"sqlite": [3], "postgresql": [2, 2]}
#: Clicks of each worker: so many at once, so many times.
_TOGETHER, _ROUNDS = 20, 30


@dataclass(frozen=True)
class Cluster:
    """Nodes on one database."""

    nodes: list[Serving]
    database_url: str
    spools: list[Path]


@dataclass(frozen=True)
class Everyone:
    """A connection with each worker of each node, by the workers' numbers."""

    visitors: dict[int, Visitor]

    def __iter__(self) -> Iterator[Visitor]:
        return iter(self.visitors.values())

    def until(self, holds: Callable[[Visitor], bool]) -> float:
        """Seconds from now until it holds for every worker."""
        began = time.monotonic()
        waiting = list(self)
        while waiting := [visitor for visitor in waiting if not holds(visitor)]:
            assert time.monotonic() - began < 10 * PROMISED, f"never seen by {len(waiting)} workers"
            time.sleep(_LOOK)
        return time.monotonic() - began

    def until_all_get(self, code: str, status: int, target: str = "https://example.com/") -> float:
        """Seconds from now until visits of `code` get this answer from every worker; `target` where it is a 302."""
        wanted = (status, target if status == FOUND else "")

        def holds(visitor: Visitor) -> bool:
            answer = visitor.visit(code)
            return (answer.status, answer.target) == wanted

        return self.until(holds)


@pytest.fixture(scope="module", params=ENGINES)
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    url = f"sqlite:///{folder}/shortener.db"
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.url(postgres.create())
    settings = {"SHORTENER_DATABASE_URL": url, "SHORTENER_ADMIN_KEY": ADMIN_KEY}
    with ExitStack() as stack:
        nodes, spools = [], []
        for number, workers in enumerate(_NODES[request.param]):
            own = folder / f"node-{number}"
            own.mkdir()
            nodes.append(stack.enter_context(served(own, "--port", "0", "--workers", str(workers), **settings)))
            spools.append(own / "data" / "spool")
        yield Cluster(nodes, url, spools)


@pytest.fixture
def everyone(cluster: Cluster) -> Iterator[Everyone]:
    with ExitStack() as stack:
        found = {}
        for node in cluster.nodes:
            found.update(stack.enter_context(visitor_of_every_worker(node)))
        yield Everyone(found)


@pytest.fixture
def report(cluster: Cluster, everyone: Everyone, capsys: pytest.CaptureFixture[str]) -> Report:
    """Says how long something took, and that it was soon enough."""
    where = f"{len(cluster.nodes)} node(s), workers {sorted(everyone.visitors)}, {cluster.database_url.split(':')[0]}"

    def told(what: str, seconds: float) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{what}: seen by everyone within {seconds * 1000:.0f} ms ({where})\n")
        assert seconds <= PROMISED

    return told


def test_edits(cluster: Cluster, everyone: Everyone, report: Report) -> None:
    """By one worker after the other, of a link that all have in their caches."""
    create(cluster.nodes[0], "edited")
    everyone.until_all_get("edited", FOUND)
    took = []
    for number, editor in zip(range(EDITS), itertools.cycle(everyone), strict=False):
        target = f"https://example.com/{number}"
        assert editor.call("PATCH", "/links/edited", {"target": target}).status == 200
        # To its own visitors at once.
        assert editor.visit("edited").target == target
        took.append(everyone.until_all_get("edited", FOUND, target))
    report(f"the slowest of {EDITS} edits", max(took))


def test_a_link_that_is_switched_off_and_on_and_deleted(cluster: Cluster, everyone: Everyone, report: Report) -> None:
    create(cluster.nodes[0], "ending")
    everyone.until_all_get("ending", FOUND)
    editor = next(iter(everyone))
    for enabled, status in ((False, 410), (True, FOUND)):
        assert editor.call("PATCH", "/links/ending", {"enabled": enabled}).status == 200
        report(f"enabled={enabled}", everyone.until_all_get("ending", status))
    assert editor.call("DELETE", "/links/ending").status == 204
    report("deleted", everyone.until_all_get("ending", 404))


def test_a_link_made_after_its_code_was_asked_for(everyone: Everyone, report: Report) -> None:
    took = []
    for number, maker in enumerate(everyone):
        code = f"made{number}"
        assert {visitor.visit(code).status for visitor in everyone} == {404}
        assert maker.call("POST", "/links", {"target": "https://example.com/", "code": code}).status == 201
        took.append(everyone.until_all_get(code, FOUND))
    report("the slowest of the links made after they had been missing", max(took))


def test_a_scheduled_change(cluster: Cluster, everyone: Everyone, report: Report) -> None:
    create(cluster.nodes[0], "scheduled")
    everyone.until_all_get("scheduled", FOUND)
    took = []
    for number, planner in enumerate(everyone):
        target = f"https://example.com/{number}"
        at = datetime.now(UTC) + timedelta(seconds=1)
        plan = {"at": at.isoformat(), "changes": {"target": target}}
        assert planner.call("POST", "/links/scheduled/schedule", plan).status == 201
        everyone.until_all_get("scheduled", FOUND, target)
        took.append((datetime.now(UTC) - at).total_seconds())
    assert min(took) > 0, "before its time"
    report(f"the slowest of {len(took)} scheduled changes, from its moment on", max(took))
    assert planner.call("GET", "/links/scheduled").json()["version"] == 1 + len(took)


def test_a_new_code_and_an_alias(cluster: Cluster, everyone: Everyone, report: Report) -> None:
    create(cluster.nodes[0], "misspelt")
    everyone.until_all_get("misspelt", FOUND)
    editor = next(iter(everyone))
    assert editor.call("POST", "/links/misspelt/aliases", {"code": "short"}).status == 201
    report("an alias", everyone.until_all_get("short", FOUND))
    assert editor.call("PATCH", "/links/misspelt", {"code": "spelt", "target": "https://example.com/2"}).status == 200
    took = [everyone.until_all_get(code, FOUND, "https://example.com/2") for code in ("spelt", "short")]
    report("a new code, and the edit under the alias", max(*took, everyone.until_all_get("misspelt", 404)))


def test_a_domain(cluster: Cluster, everyone: Everyone, report: Report) -> None:
    editor = next(iter(everyone))
    for status, fields in ((404, {}), (FOUND, {"not_found_target": "https://example.com/lost"})):
        method, path = ("PATCH", "/domains/go.example") if fields else ("POST", "/domains")
        body = fields or {"name": "go.example"}
        assert editor.call(method, path, body).status in {200, 201}
        report(
            f"a domain whose unknown codes get {status}",
            everyone.until_all_get("none", status, "https://example.com/lost"),
        )
    assert editor.call("DELETE", "/domains/go.example").status == 204
    report("gone again", everyone.until_all_get("none", 404))


def test_a_key_that_is_revoked(everyone: Everyone, report: Report) -> None:
    issuer = next(iter(everyone))
    made = issuer.call("POST", "/keys", {"name": "short-lived", "scopes": ["links:read"]}).json()
    key = made["key"]
    report("issued", everyone.until(lambda caller: caller.call("GET", "/links", key=key).status == 200))
    assert issuer.call("DELETE", f"/keys/{made['id']}").status == 204
    report("revoked", everyone.until(lambda caller: caller.call("GET", "/links", key=key).status == 401))


def test_clicks_of_all_workers_and_nodes_are_counted(cluster: Cluster, everyone: Everyone) -> None:
    """By as many drainers at once as there are nodes."""
    create(cluster.nodes[0], "busy")
    for _ in range(_ROUNDS):
        for visitor in everyone:
            visitor.say(visit("busy") * _TOGETHER)
        for visitor in everyone:
            assert {visitor.hear().status for _ in range(_TOGETHER)} == {FOUND}
    wait_until_drained(cluster.database_url, *cluster.spools)
    seen = _ROUNDS * _TOGETHER * len(everyone.visitors)
    assert {clicks(node, "busy") for node in cluster.nodes} == {seen}
    assert all(metrics(node)["shortener_clicks_drained_total"] > 0 for node in cluster.nodes)
