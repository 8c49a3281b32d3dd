"""Raw clicks one by one, on both engines: lists and exports against the rows themselves, while clicks come in."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, select, text

from shortener import errors
from shortener.domain import period
from shortener.domain.click import ClickClass
from shortener.domain.link import Link, LinkDraft
from shortener.domain.period import Asked, Interval
from shortener.services import clicks, domains, links
from shortener.services.clicks import Kind, Row, Whose
from shortener.storage import raw_clicks
from shortener.storage.click_tables import click
from shortener.storage.engine import Database
from tests.clicks import BOT, POLICY, age_link, click_on, drain, make_link, random_click
from tests.frames import Click

SPAN_DAYS = 40
EVERYBODY = frozenset(ClickClass)
EVER = Asked(ZoneInfo("UTC"), Interval.ALL)
ALL, ORPHANS = Whose(Kind.ALL), Whose(Kind.ORPHANS)


def now_ms() -> int:
    return period.to_ms(datetime.now(UTC))


@pytest.fixture
def dice() -> random.Random:
    return random.Random(5)


@pytest.fixture
def linked(database: Database) -> list[Link]:
    """Three links: two with a tag, one of them on a domain."""
    domains.create(database, POLICY.targets, "https://go.example", "go.example.org", {}, actor="test")
    drafts = [
        LinkDraft(target="https://example.com/", code="plain"),
        LinkDraft(target="https://example.com/", code="tagged", tags=("sale",)),
        LinkDraft(target="https://example.com/", code="there", tags=("sale",), domain="go.example.org"),
    ]
    made = [links.create(database, POLICY, draft, actor="test")[0] for draft in drafts]
    for link in made:
        age_link(database, link, SPAN_DAYS + 1)
    return made


def come(database: Database, linked: list[Link], dice: random.Random, times: int = 60) -> None:
    """Clicks on any of the links, of any day, in any order, and an orphan."""
    found = [random_click(dice.choice(linked), now_ms(), SPAN_DAYS, dice) for _ in range(times)]
    drain(database, [*found, orphan()])


def orphan() -> Click:
    return Click(time_ms=now_ms(), link_id=None, nonce=0, code="/missing", user_agent=BOT)


def stored(database: Database, *where: Any, newest_first: bool = True) -> list[str]:
    """The times of raw rows in the order in which they are to be shown."""
    query = select(click.c.time_ms).where(*where)
    order = (click.c.day, click.c.id)
    with database.read() as connection:
        times = connection.execute(query.order_by(*(key.desc() for key in order) if newest_first else order))
        return [period.rfc_3339(time_ms) for time_ms in times.scalars()]


def pages_of(database: Database, whose: Whose, limit: int, asked: Asked = EVER) -> Iterator[list[Row]]:
    cursor = None
    while True:
        page = clicks.listing(database, whose, asked, EVERYBODY, limit=limit, cursor=cursor)
        yield list(page.items)
        cursor = page.next
        if cursor is None:
            return


def exported(database: Database, whose: Whose, asked: Asked = EVER) -> list[Row]:
    export = clicks.export(database, whose, asked, EVERYBODY)
    found = [row for piece in export.pieces for row in piece]
    assert len(found) == export.total
    return found


def times(rows: list[Row]) -> list[Any]:
    return [row[0] for row in rows]


SCOPES: dict[str, tuple[Whose, Callable[[list[Link]], Any]]] = {
    "all": (ALL, lambda linked: click.c.link_id > 0),
    "link": (Whose(Kind.LINK, "plain"), lambda linked: click.c.link_id == linked[0].id),
    "link on a domain": (
        Whose(Kind.LINK, "there", "go.example.org"),
        lambda linked: click.c.link_id == linked[2].id,
    ),
    "domain": (Whose(Kind.DOMAIN, "GO.example.org"), lambda linked: click.c.link_id == linked[2].id),
    "tag": (Whose(Kind.TAG, "Sale"), lambda linked: click.c.link_id.in_([linked[1].id, linked[2].id])),
    "orphans": (ORPHANS, lambda linked: click.c.link_id == -1),
}


@pytest.mark.parametrize(("whose", "condition"), SCOPES.values(), ids=SCOPES.keys())
def test_every_scope_has_its_rows(
    database: Database,
    linked: list[Link],
    dice: random.Random,
    monkeypatch: pytest.MonkeyPatch,
    whose: Whose,
    condition: Any,
) -> None:
    monkeypatch.setattr(clicks, "CHUNK", 7)
    for _ in range(3):
        come(database, linked, dice)
    where = condition(linked)
    expected = stored(database, where)
    assert len(expected) >= 3
    for limit in (1, 4, 200):
        listed = list(pages_of(database, whose, limit))
        assert [time for page in listed for time in times(page)] == expected
        assert {len(page) for page in listed[:-1]} <= {limit}
    assert times(exported(database, whose)) == stored(database, where, newest_first=False)


def test_periods_and_classes(database: Database, linked: list[Link], dice: random.Random) -> None:
    come(database, linked, dice, 300)
    for start_days, end_days, classes in ((9.3, 2.6, EVERYBODY), (30, 5, frozenset({ClickClass.BOT}))):
        ends = (now_ms() - int(days * period.DAY_MS) for days in (start_days, end_days))
        asked = Asked(ZoneInfo("Asia/Kathmandu"), start=period.from_ms(next(ends)), end=period.from_ms(next(ends)))
        exact = period.resolve(asked, datetime.now(UTC), period.EARLIEST)
        inside = (
            click.c.link_id > 0,
            click.c.time_ms >= exact.start_ms,
            click.c.time_ms < exact.end_ms,
            click.c["class"].in_([int(kind) for kind in classes]),
        )
        export = clicks.export(database, ALL, asked, classes)
        expected = stored(database, *inside, newest_first=False)
        assert len(expected) > 10
        assert [row[0] for piece in export.pieces for row in piece] == expected
        assert export.total == len(expected)
        page = clicks.listing(database, ALL, asked, classes, limit=200)
        assert [row[0] for row in page.items] == stored(database, *inside)[:200]


def test_pages_while_clicks_come_in(database: Database, linked: list[Link], dice: random.Random) -> None:
    """Whatever was there at first is shown once; nothing is shown twice."""
    come(database, linked, dice, 150)
    with database.read() as connection:
        there = set(connection.execute(select(click.c.time_ms).where(click.c.link_id > 0)).scalars())
    seen: list[Any] = []
    for page in pages_of(database, ALL, 10):
        seen += times(page)
        come(database, linked, dice, 5)
    # Times are to the millisecond, and few fall on the same: as often as there are rows of it at most.
    with database.read() as connection:
        stored_times = [period.rfc_3339(t) for t in connection.execute(select(click.c.time_ms)).scalars()]
    assert {period.rfc_3339(time) for time in there} <= set(seen)
    assert all(seen.count(time) <= stored_times.count(time) for time in set(seen))


def test_an_export_ends_where_it_began(
    database: Database, linked: list[Link], dice: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clicks, "CHUNK", 10)
    for whose, condition in SCOPES.values():
        if whose is ORPHANS:
            continue
        come(database, linked, dice, 50)
        expected = stored(database, condition(linked), newest_first=False)
        export = clicks.export(database, whose, EVER, EVERYBODY)
        found: list[Any] = []
        for piece in export.pieces:
            found += [row[0] for row in piece]
            come(database, linked, dice, 5)
        assert found == expected
        assert export.total == len(expected)


def test_a_link_that_was_deleted_keeps_its_rows(database: Database, linked: list[Link], dice: random.Random) -> None:
    come(database, linked, dice, 100)
    before = {
        kind: times(exported(database, Whose(kind, name))) for kind, name in ((Kind.ALL, ""), (Kind.TAG, "sale"))
    }
    links.delete(database, "tagged", actor="test")
    assert {kind: times(exported(database, Whose(kind, "sale"))) for kind in before} == before
    with pytest.raises(errors.LinkNotFound):
        clicks.listing(database, Whose(Kind.LINK, "tagged"), EVER, EVERYBODY, limit=1)


def test_what_is_told_of_a_click(database: Database, linked: list[Link]) -> None:
    facts = {"referrer": "https://a.example", "utm": {"utm_source": "=1+1"}, "language": "de", "visitor_hash": 7}
    time_ms = now_ms()
    drain(database, [click_on(linked[2], time_ms, **facts)])
    drain(database, [click_on(linked[2], time_ms, **facts, user_agent=BOT)])
    first, second = (dict(zip(clicks.COLUMNS, row, strict=True)) for row in exported(database, ALL))
    known = {name: value for name, value in first.items() if value is not None}
    assert known == {
        "time": period.rfc_3339(time_ms),
        "code": "there",
        "domain": "go.example.org",
        "class": "human",
        "unique": True,
        "referrer": "a.example",
        "browser": "Firefox",
        "os": "Linux",
        "device": "desktop",
        "language": "de",
        "utm_source": "=1+1",
    } | {name: value for name, value in known.items() if name == "referrer_url"}
    assert (second["class"], second["unique"]) == ("bot", True)
    drain(database, [orphan(), replace(orphan(), domain="go.example.org")])
    found = [dict(zip(clicks.COLUMNS, row, strict=True)) for row in exported(database, ORPHANS)]
    assert [row["domain"] for row in found] == ["", "go.example.org"]


def test_cursors_are_for_one_question(database: Database, linked: list[Link], dice: random.Random) -> None:
    come(database, linked, dice, 100)
    cursor = clicks.listing(database, ALL, EVER, EVERYBODY, limit=1).next
    assert cursor is not None
    humans = frozenset({ClickClass.HUMAN})
    year = Asked(ZoneInfo("UTC"), Interval.YEAR)
    for whose, asked, classes in (
        (Whose(Kind.LINK, "plain"), EVER, EVERYBODY),
        (Whose(Kind.TAG, "sale"), EVER, EVERYBODY),
        (ORPHANS, EVER, EVERYBODY),
        (ALL, year, EVERYBODY),
        (ALL, Asked(ZoneInfo("Asia/Tokyo"), Interval.ALL), EVERYBODY),
        (ALL, EVER, humans),
    ):
        with pytest.raises(errors.CursorInvalid):
            clicks.listing(database, whose, asked, classes, limit=1, cursor=cursor)
    assert clicks.listing(database, ALL, EVER, EVERYBODY, limit=1, cursor=cursor).items


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the raw table meanwhile."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "FROM click " in statement.replace("\n", " ") + " ":
            asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


PLANS = {
    "all": (ALL, "INTEGER PRIMARY KEY (rowid>? AND rowid<?)", False),
    "link": (Whose(Kind.LINK, "plain"), "ix_click_day (day=? AND link_id=? AND id>? AND id<?)", False),
    "tag": (Whose(Kind.TAG, "sale"), "ix_click_day (day=? AND link_id=?", True),
}


@pytest.mark.parametrize(("whose", "plan", "is_sorted"), PLANS.values(), ids=PLANS.keys())
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_rows_are_found_by_an_index(
    database: Database, linked: list[Link], dice: random.Random, whose: Whose, plan: str, is_sorted: bool
) -> None:
    come(database, linked, dice, 100)
    with statements(database) as asked:
        exported(database, whose)
        clicks.listing(database, whose, EVER, EVERYBODY, limit=20)
    rows = [(statement, values) for statement, values in asked if "LIMIT" in statement]
    assert rows
    for statement, values in rows:
        with database.read() as connection:
            explained = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            found = "; ".join(row[3] for row in explained)
        assert plan in found
        assert ("TEMP B-TREE" in found) is is_sorted, found


def test_little_is_held_at_a_time(
    database: Database, linked: list[Link], dice: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A piece is read when it is asked for, and no connection is kept while nobody asks."""
    monkeypatch.setattr(clicks, "CHUNK", 10)
    come(database, linked, dice, 200)
    read = 0

    def counting(*given: Any, **options: Any) -> list[raw_clicks.Recorded]:
        nonlocal read
        found = of_day(*given, **options)
        read += len(found)
        return found

    of_day = raw_clicks.of_day
    monkeypatch.setattr(raw_clicks, "of_day", counting)
    export = clicks.export(database, ALL, EVER, EVERYBODY)
    assert read == 0
    taken = 0
    for piece in export.pieces:
        taken += len(piece)
        assert len(piece) <= 10
        assert read == taken
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        drain(database, [click_on(linked[0], now_ms())])  # so nothing keeps a writer waiting either
    assert taken == export.total == 200


def test_labels_are_forgotten(
    database: Database, linked: list[Link], dice: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clicks, "CHUNK", 5)
    come(database, linked, dice, 100)
    whole = exported(database, ALL)
    monkeypatch.setattr(clicks, "_LABELS_KEPT", 0)
    assert exported(database, ALL) == whole


def test_nothing_there(database: Database) -> None:
    make_link(database, "new")
    for whose in (ALL, ORPHANS, Whose(Kind.LINK, "new")):
        assert exported(database, whose) == []
        assert list(pages_of(database, whose, 10)) == [[]]


def test_rows_that_are_gone(database: Database, linked: list[Link], dice: random.Random) -> None:
    """What is pruned is no longer listed, though it is still counted."""
    come(database, linked, dice, 200)
    before_day = period.day_of(now_ms()) - 3
    with database.write() as connection:
        connection.execute(text("DELETE FROM click WHERE day < :day"), {"day": before_day})
    expected = stored(database, click.c.link_id > 0)
    assert [time for page in pages_of(database, ALL, 7) for time in times(page)] == expected
    export = clicks.export(database, ALL, EVER, EVERYBODY)
    assert export.total == len(expected) == sum(len(piece) for piece in export.pieces)
