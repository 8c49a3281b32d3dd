"""Raw clicks that pass filters, on both engines: against all of them, filtered in Python."""

import random
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, text

from shortener import errors
from shortener.domain import period
from shortener.domain.click import ClickClass, Dimension
from shortener.domain.filter import Filter
from shortener.domain.link import Link
from shortener.services import clicks, walk
from shortener.services.clicks import COLUMNS, Row, Whose
from shortener.storage import raw_clicks
from shortener.storage.click_tables import click
from shortener.storage.engine import Connection, Database
from shortener.storage.raw_clicks import Selection
from tests.clicks import click_on, drain, random_click, some_filters
from tests.sizes import nightly, size
from tests.storage.test_raw_clicks import (
    ALL,
    EVER,
    EVERYBODY,
    SCOPES,
    SPAN_DAYS,
    come,
    dice,
    exported,
    linked,
    now_ms,
)

pytestmark = pytest.mark.unmeasured

__all__ = ["dice", "linked"]

Filters = tuple[Filter, ...]
RARE: Filters = (Filter(Dimension.UTM_SOURCE, frozenset({"rare"}), excluded=False),)


def passing(rows: list[Row], filters: Filters) -> list[Row]:
    """Those of `rows` that pass, as their own words say."""
    column = {each.dimension: COLUMNS.index(each.dimension.label) for each in filters}
    return [
        row
        for row in rows
        if all((row[column[each.dimension]] in each.values) is not each.excluded for each in filters)
    ]


def listed(database: Database, whose: Whose, filters: Filters, limit: int) -> list[list[Row]]:
    """Pages of a list to its end."""
    pages: list[list[Row]] = []
    cursor = None
    while not pages or cursor is not None:
        page = clicks.listing(database, whose, EVER, EVERYBODY, filters, limit=limit, cursor=cursor)
        pages.append(list(page.items))
        cursor = page.next
    return pages


@nightly
@pytest.mark.parametrize("looked_through", [7, 20_000])
@pytest.mark.parametrize("whose", [whose for whose, _ in SCOPES.values()], ids=SCOPES.keys())
def test_a_filtered_list_is_the_list_filtered(
    database: Database,
    linked: list[Link],
    dice: random.Random,
    monkeypatch: pytest.MonkeyPatch,
    whose: Whose,
    looked_through: int,
) -> None:
    monkeypatch.setattr(walk, "LOOKED_THROUGH", looked_through)
    monkeypatch.setattr(clicks, "CHUNK", 5)
    come(database, linked, dice, 50)
    # Also many of one day, by no order of links.
    drain(database, [random_click(dice.choice(linked), now_ms(), 1, dice) for _ in range(40)])
    whole, newest_first = exported(database, whose), backwards(database, whose)
    lengths = set()
    for _ in range(size(3, 40)):
        filters = some_filters(dice)
        expected = passing(whole, filters)
        export = clicks.export(database, whose, EVER, EVERYBODY, filters)
        assert export.total is None
        assert [row for piece in export.pieces for row in piece] == expected
        limit = dice.choice([3, 200])
        pages = listed(database, whose, filters, limit)
        assert [row for page in pages for row in page] == passing(newest_first, filters)
        assert all(len(page) == limit for page in pages[:-1])
        lengths.add(len(expected))
    assert len(lengths) > 1


def backwards(database: Database, whose: Whose) -> list[Row]:
    """All clicks, the newest first."""
    return [row for page in listed(database, whose, (), 200) for row in page]


def test_pages_while_clicks_come_in(
    database: Database, linked: list[Link], dice: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever passed at first is shown once; nothing is shown twice."""
    monkeypatch.setattr(walk, "LOOKED_THROUGH", 10)
    come(database, linked, dice, 150)
    filters = (Filter(Dimension.LANGUAGE, frozenset({"de"}), excluded=False),)
    there = passing(backwards(database, ALL), filters)
    seen: list[Row] = []
    cursor = None
    while cursor is not None or not seen:
        page = clicks.listing(database, ALL, EVER, EVERYBODY, filters, limit=4, cursor=cursor)
        seen += page.items
        cursor = page.next
        come(database, linked, dice, 5)
    assert [row for row in seen if row in there] == there
    known = backwards(database, ALL)
    assert all(seen.count(row) <= known.count(row) for row in seen)


def test_cursors_are_for_one_filter(database: Database, linked: list[Link], dice: random.Random) -> None:
    come(database, linked, dice, 100)
    browser, language = Dimension.BROWSER, Dimension.LANGUAGE
    both: Filters = (Filter(browser, frozenset({"Firefox", None}), False),)
    cursor = clicks.listing(database, ALL, EVER, EVERYBODY, both, limit=1).next
    assert cursor is not None
    others: list[Filters] = [
        (),
        (Filter(browser, frozenset({"Firefox"}), False),),
        (Filter(browser, frozenset({"Firefox", None}), True),),
        (Filter(browser, frozenset({"Firefox", "None"}), False),),
        (Filter(language, frozenset({"Firefox", None}), False),),
        (*both, Filter(language, frozenset({"de"}), False)),
    ]
    for filters in others:
        with pytest.raises(errors.CursorInvalid):
            clicks.listing(database, ALL, EVER, EVERYBODY, filters, limit=1, cursor=cursor)
    assert clicks.listing(database, ALL, EVER, EVERYBODY, both, limit=1, cursor=cursor).items


@pytest.mark.parametrize("whose", [whose for whose, _ in SCOPES.values()], ids=SCOPES.keys())
def test_little_is_looked_through_at_a_time(
    database: Database, linked: list[Link], dice: random.Random, monkeypatch: pytest.MonkeyPatch, whose: Whose
) -> None:
    """However rare what is looked for is, and however many clicks a day or many days have."""
    come(database, linked, dice, 60)
    drain(database, [random_click(dice.choice(linked), now_ms(), 1, dice) for _ in range(80)])
    drain(database, [click_on(link, now_ms() - 35 * period.DAY_MS, utm={"utm_source": "rare"}) for link in linked])
    expected = passing(exported(database, whose), RARE)
    monkeypatch.setattr(walk, "LOOKED_THROUGH", 20)
    looked: list[int] = []
    transactions: list[Any] = []
    of_day, step = raw_clicks.of_day, walk.Walk.step

    def noted(connection: Connection, selection: Selection, day: int, ids: range, *rest: Any, **options: Any) -> Any:
        inside = (click.c.day == day, selection.scope.clicked(), click.c.id >= ids.start, click.c.id < ids.stop)
        looked[-1] += connection.execute(select(func.count()).where(*inside)).scalar_one()
        return of_day(connection, selection, day, ids, *rest, **options)

    def counted(self: walk.Walk, connection: Connection, limit: int) -> Any:
        looked.append(0)
        transactions.append(connection.get_transaction())
        return step(self, connection, limit)

    monkeypatch.setattr(raw_clicks, "of_day", noted)
    monkeypatch.setattr(walk.Walk, "step", counted)
    found = listed(database, whose, RARE, 200)[0]
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    export = clicks.export(database, whose, EVER, EVERYBODY, RARE)
    assert [row for piece in export.pieces for row in piece] == expected
    assert max(looked) <= 20
    assert len(set(map(id, transactions))) == len(looked)


def test_what_nobody_ever_had_is_not_looked_for(
    database: Database, linked: list[Link], dice: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    come(database, linked, dice)
    monkeypatch.setattr(raw_clicks, "of_day", lambda *_given, **_options: pytest.fail("a click was looked for"))
    assert listed(database, ALL, RARE, 10) == [[]]
    assert list(clicks.export(database, ALL, EVER, EVERYBODY, RARE).pieces) == []


def test_filters_classes_and_periods_hold_together(
    database: Database, linked: list[Link], dice: random.Random
) -> None:
    come(database, linked, dice, 200)
    filters: Filters = (Filter(Dimension.LANGUAGE, frozenset({"de", None}), excluded=False),)
    bots = frozenset({ClickClass.BOT})
    asked = replace(EVER, start=period.from_ms(now_ms() - 20 * period.DAY_MS))
    everything = [row for piece in clicks.export(database, ALL, asked, bots).pieces for row in piece]
    expected = passing(everything, filters)
    assert 0 < len(expected) < len(everything)
    found = clicks.export(database, ALL, asked, bots, filters).pieces
    assert [row for piece in found for row in piece] == expected


def test_rows_that_are_gone(
    database: Database, linked: list[Link], dice: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holes among the ids, as pruning and erasing leave them, and days that are counted and yet gone."""
    monkeypatch.setattr(walk, "LOOKED_THROUGH", 3)
    come(database, linked, dice, 200)
    with database.write() as connection:
        connection.execute(
            text("DELETE FROM click WHERE id % 5 <> 0 OR day < :day"), {"day": _days_ago(SPAN_DAYS // 2)}
        )
    filters = (Filter(Dimension.BROWSER, frozenset({"Firefox"}), excluded=True),)
    for whose, _ in SCOPES.values():
        pages = listed(database, whose, filters, 2)
        assert [row for page in pages for row in page] == passing(backwards(database, whose), filters)


def _days_ago(days: int) -> int:
    return period.day_of(now_ms()) - days
