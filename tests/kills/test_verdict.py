"""The verdict is worth something only if it notices what is wrong."""

from pathlib import Path

import pytest
from sqlalchemy import Table, update

from shortener.storage.click_tables import click_breakdown, click_series, link_total
from shortener.storage.engine import Database
from tests.clicks import click_on, drain, fold_all, make_link
from tests.kills import tables, verdict
from tests.kills.blows import Blow, kills, restarts
from tests.kills.failures import FAILURES
from tests.kills.ledger import UNANSWERED, Ledger, number_of, query
from tests.kills.load import target_of
from tests.spools import now_ms

ROOT = Path(__file__).parents[2]
LINKS = {"x": (1, target_of("x")), "y": (2, target_of("y"))}


def ledger(*statuses: int) -> Ledger:
    kept = Ledger()
    for status in statuses:
        kept.statuses[kept.ask("x")] = status
    return kept


def row(number: int, code: str = "x", link_id: int = 1) -> tables.Row:
    return tables.Row(link_id, code, f"a{number // 1000}", f"b{number % 1000}")


@pytest.mark.parametrize(
    ("statuses", "rows", "complaint"),
    [
        pytest.param([302, 302], [row(0), row(1)], None, id="each once"),
        pytest.param([302, UNANSWERED], [row(0)], None, id="an unanswered one is not counted"),
        pytest.param([302, UNANSWERED], [row(0), row(1)], None, id="an unanswered one is counted"),
        pytest.param([302, 302], [row(1)], "1 visits were redirected and are not counted: [0]", id="lost"),
        pytest.param([302], [row(0), row(0)], "1 visits are counted more than once: [0]", id="doubled"),
        pytest.param(
            [UNANSWERED], [row(0)] * 2, "1 visits are counted more than once: [0]", id="unanswered, doubled"
        ),
        pytest.param([503], [row(0)], "1 visits were not redirected and are counted: [0]", id="refused, counted"),
        pytest.param([302], [row(0), row(1)], "a click that nobody made", id="invented"),
        pytest.param(
            [302], [row(0), tables.Row(1, "x", None, "b1")], "a click that nobody made", id="without number"
        ),
        pytest.param([302], [row(0, "x", 2)], "number 0 went to /x and is counted for", id="on another link"),
        pytest.param([302], [row(0, "y", 1)], "number 0 went to /x and is counted for", id="on another code"),
    ],
)
def test_clicks(statuses: list[int], rows: list[tables.Row], complaint: str | None) -> None:
    kept = ledger(*statuses)
    found = verdict.found(kept, rows, LINKS)
    complaints = [*found.complaints, *verdict.on_clicks(kept, found.numbers)]
    assert len(complaints) == (complaint is not None)
    assert all(each.startswith(complaint or "") for each in complaints)


@pytest.mark.parametrize(
    ("status", "unavailable", "wrong"),
    [(302, False, False), (404, False, True), (503, False, True), (503, True, False)],
)
def test_answers(status: int, unavailable: bool, wrong: bool) -> None:
    assert bool(verdict.on_answers(ledger(status), may_be_unavailable=unavailable)) is wrong


def test_links_that_were_promised() -> None:
    kept = Ledger(created={"x": 201, "gone": 201, "never": UNANSWERED})
    assert verdict.on_links(kept, LINKS) == ["1 links were created and are not there: ['gone']"]


@pytest.mark.parametrize("number", [0, 999, 1000, 1_234_567])
def test_a_number_comes_back(number: int) -> None:
    source, medium = (part.partition("=")[2] for part in query(number).split("&"))
    assert number_of(source, medium) == number


@pytest.mark.parametrize("table", [link_total, click_series, click_breakdown], ids=lambda table: table.name)
def test_sums_that_differ(database: Database, table: Table) -> None:
    link = make_link(database)
    drain(database, [click_on(link, now_ms()) for _ in range(3)])
    fold_all(database)
    with tables.reading(database) as connection:
        assert tables.is_folded(connection)
        assert not tables.disagreements(connection)
        assert not tables.damage(connection)
    with database.write() as connection:
        connection.execute(update(table).where(table.c.link_id == link.id).values(clicks=2))
    with tables.reading(database) as connection:
        assert tables.disagreements(connection)


def test_which_blows() -> None:
    dealt = kills(100)
    assert dealt[:5] == [Blow.WORKER, Blow.DRAINER, Blow.SUPERVISOR, Blow.WORKER, Blow.DRAINER]
    assert [dealt.count(blow) for blow in (Blow.WORKER, Blow.DRAINER, Blow.SUPERVISOR, Blow.TREE)] == [30, 30, 30, 10]
    assert restarts(3) == [Blow.DATABASE, Blow.WORKER, Blow.DATABASE, Blow.DRAINER, Blow.DATABASE]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.what)
def test_every_failure_names_tests_that_there_are(failure: object) -> None:
    assert failure.tests  # type: ignore[attr-defined]
    for test in failure.tests:  # type: ignore[attr-defined]
        path, *_, name = test.split("::")
        assert f"def {name}(" in (ROOT / "tests" / path).read_text(), test
