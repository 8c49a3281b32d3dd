"""Clicks that are made look like those of real life, are the same each time, and arrive exactly once."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from math import log
from pathlib import Path

import pytest
from sqlalchemy import func, select

from shortener.clicks import enrich, fold, frame
from shortener.domain import period
from shortener.domain.click import ClickClass, Dimension, Flag
from shortener.domain.period import DAY_MS
from shortener.storage import links
from shortener.storage.click_tables import click, click_series, visitor_day
from shortener.storage.engine import Database
from tests import frames
from tests.bench.clickstream import accounts
from tests.bench.clickstream.build import CannotGoOn, build, journal
from tests.bench.clickstream.copies import copy
from tests.bench.clickstream.estate import OTHER_DOMAIN, TAG, Estate, EstateExists
from tests.bench.clickstream.shape import Plan, Timeline
from tests.bench.clickstream.stream import Stream
from tests.clicks import ENRICHER
from tests.frames import Click

#: A Monday, so that whole weeks begin and end there.
_END_MS = period.to_ms(datetime(2026, 11, 23, tzinfo=UTC))
_PLAN = Plan(clicks=20_000, links=2_000, days=28, seed=1, end_ms=_END_MS, portion=5_000)
_SEAL_SEED, _SALT_DAY = 7, 20_000


def _bodies(plan: Plan) -> Iterator[bytes]:
    stream = Stream(plan)
    for number in range(plan.portions):
        data = stream.portion(number, _SEAL_SEED, _SALT_DAY)
        bodies, end = frame.read_all(data, _SEAL_SEED, plan.portion)
        assert end == len(data)
        yield from bodies


@cache
def _clicks() -> tuple[Click, ...]:
    return tuple(frames.decode(body) for body in _bodies(_PLAN))


@cache
def _enriched() -> tuple[enrich.Enriched, ...]:
    return tuple(ENRICHER.click(body) for body in _bodies(_PLAN))


def test_there_are_as_many_clicks_as_planned_in_order_of_time() -> None:
    times = [each.time_ms for each in _clicks()]
    assert len(times) == _PLAN.clicks
    assert times == sorted(times)
    assert _PLAN.start_ms <= times[0]
    assert times[-1] < _PLAN.end_ms


def test_the_same_plan_makes_the_same_clicks_and_another_seed_others() -> None:
    small = Plan(clicks=500, links=50, days=3, seed=1, end_ms=_END_MS)
    other = Plan(clicks=500, links=50, days=3, seed=2, end_ms=_END_MS)
    assert list(_bodies(small)) == list(_bodies(small))
    assert list(_bodies(small)) != list(_bodies(other))


def test_a_portion_does_not_depend_on_those_before_it() -> None:
    stream = Stream(_PLAN)
    third = stream.portion(2, _SEAL_SEED, _SALT_DAY)
    stream.portion(0, _SEAL_SEED, _SALT_DAY)
    assert stream.portion(2, _SEAL_SEED, _SALT_DAY) == third


@pytest.mark.parametrize("portion", [1, 7, 1_000, 100_000])
def test_times_do_not_depend_on_portions(portion: int) -> None:
    plan = Plan(clicks=2_000, links=1, days=2, seed=1, end_ms=_END_MS)
    days = Counter[int]()
    for first in range(0, plan.clicks, portion):
        end = min(first + portion, plan.clicks)
        found = list(Timeline(plan).times(first, end, random.Random(first)))
        assert len(found) == end - first
        assert all(plan.start_ms <= time_ms < plan.end_ms for time_ms in found)
        days.update(time_ms // period.SLOT_MS for time_ms in found)
    whole = Timeline(plan).times(0, plan.clicks, random.Random(0))
    assert days == Counter(time_ms // period.SLOT_MS for time_ms in whole)


def test_few_links_get_most_clicks_as_zipf_has_it() -> None:
    ranks = {number: rank for rank, number in enumerate(Estate(_PLAN).ids(1, _PLAN.links + 1), 1)}
    found = Counter(ranks[each.link_id] for each in _clicks() if each.link_id is not None)
    on_links = found.total()
    for upto in (1, 10, 100, 1_000):
        share = sum(found[rank] for rank in range(1, upto + 1)) / on_links
        assert share == pytest.approx(log(upto + 1) / log(_PLAN.links + 1), abs=0.03)


def test_days_have_a_night_and_weeks_a_weekend() -> None:
    moments = [period.from_ms(each.time_ms) for each in _clicks()]
    hours, days = Counter(each.hour for each in moments), Counter(each.weekday() for each in moments)
    assert 4 < hours[15] / hours[3] < 7
    assert 0.7 < days[5] / days[1] < 0.85


def test_there_are_more_clicks_from_month_to_month() -> None:
    plan = Plan(clicks=100_000, links=1, days=364, seed=1, end_ms=_END_MS)
    times = list(Timeline(plan).times(0, plan.clicks, random.Random(1)))
    quarters = Counter((time_ms - plan.start_ms) // (91 * DAY_MS) for time_ms in times)
    assert quarters[0] < quarters[1] < quarters[2] < quarters[3]
    assert 1.8 < quarters[3] / quarters[0] < 2.2


def test_some_visitors_come_again_on_the_day_and_on_no_other() -> None:
    visits = [(each.visitor_hash, each.link_id, each.time_ms // DAY_MS) for each in _clicks() if each.visitor_hash]
    of_link = {(visitor, link_id) for visitor, link_id, _ in visits}
    assert 0.7 < len(of_link) / len(visits) < 0.85
    assert len({visitor for visitor, _, _ in visits}) < len(of_link)
    days_of: dict[int, set[int]] = {}
    for visitor, _, day in visits:
        days_of.setdefault(visitor, set()).add(day)
    assert all(len(days) == 1 for days in days_of.values())


def test_robots_are_there_and_people_are_more() -> None:
    classes = Counter(ClickClass(each.click_class) for each in _enriched())
    total = classes.total()
    assert 0.7 < classes[ClickClass.HUMAN] / total < 0.85
    assert 0.1 < classes[ClickClass.BOT] / total < 0.25
    assert classes.keys() == set(ClickClass)


def test_every_dimension_has_values_and_none_has_too_many() -> None:
    values: dict[Dimension, Counter[str | None]] = {}
    for each in _enriched():
        for dimensions, found in (
            (enrich.REFERRER, each.request.referrer),
            (enrich.VISITOR, each.visitor.values),
            (enrich.UTM, each.request.utm),
            (enrich.LINK, each.link.values),
        ):
            for dimension, value in zip(dimensions, found, strict=True):
                values.setdefault(dimension, Counter())[value] += 1
    least = {
        Dimension.COUNTRY: 50,
        Dimension.LANGUAGE: 10,
        Dimension.BROWSER: 20,
        Dimension.REFERRER: 200,
        Dimension.UTM_CAMPAIGN: 100,
        Dimension.VARIANT: 3,
    }
    assert [dimension for dimension, count in least.items() if len(values[dimension]) < count] == []
    # A dimension has 5,000 new values a day, and a build is one day to it.
    assert all(len(found) < 5_000 for found in values.values())
    assert values[Dimension.COUNTRY].most_common(1)[0][0] == "US"


def test_what_a_visitor_asked_not_to_be_kept_is_not_there() -> None:
    shy = [each for each in _clicks() if Flag.DO_NOT_TRACK in each.flags]
    assert shy
    assert all(not (each.user_agent or each.visitor_hash or each.network or each.referrer) for each in shy)
    assert any(Flag.QR in each.flags for each in _clicks())


def test_aliases_and_orphans_are_there() -> None:
    codes = Counter(each.code[0] for each in _clicks() if each.link_id is not None)
    assert 0.01 < codes["a"] / codes.total() < 0.06
    orphans = sum(1 for each in _clicks() if each.link_id is None)
    assert 0.005 < orphans / _PLAN.clicks < 0.03


class Stopped(Exception):
    """Somebody pulled the plug."""


@pytest.fixture(autouse=True)
def folded_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "GATHER_SECONDS", 0.0)


def _stop(_clicks: int) -> None:
    raise Stopped


def _recent(clicks: int = 3_000) -> Plan:
    return Plan(clicks, links=1_000, days=40, seed=1, end_ms=period.to_ms(datetime.now(UTC)), portion=1_000)


def test_a_build_that_is_stopped_goes_on_where_it_was(database_url: str, database: Database, tmp_path: Path) -> None:
    plan = _recent()
    for _ in range(2):
        with pytest.raises(Stopped):
            build(database_url, tmp_path, plan, _stop)
    told: list[int] = []
    made = build(database_url, tmp_path, plan, told.append)
    assert told == [3_000]
    assert made.is_complete
    assert made == journal(tmp_path)
    clicks, unique = accounts.audit(database)
    with database.read() as connection:
        rows = connection.execute(select(func.count()).select_from(click)).scalar_one()
        assert connection.execute(select(func.count()).select_from(visitor_day)).scalar_one() == 0
        newest = connection.execute(select(func.max(click.c.time_ms))).scalar_one()
    assert rows == plan.clicks
    assert plan.clicks * 0.95 < clicks < plan.clicks
    assert clicks * 0.6 < unique < clicks * 0.9
    assert plan.end_ms - DAY_MS < newest < plan.end_ms


def test_a_build_has_what_is_asked_about(database_url: str, database: Database, tmp_path: Path) -> None:
    plan = _recent(1_000)
    build(database_url, tmp_path, plan)
    estate = Estate(plan)
    with database.read() as connection:
        heaviest, median = (estate.named(rank) for rank in (1, 500))
        for named in (heaviest, median):
            link = links.by_code(connection, named.domain, named.code)
            assert link is not None
        elsewhere = [estate.named(rank).domain for rank in range(1, 1_001)]
    assert elsewhere.count(OTHER_DOMAIN) == 250
    assert len(estate.tagged()[TAG]) == 1_000


def test_another_plan_or_anothers_database_is_refused(database_url: str, tmp_path: Path) -> None:
    build(database_url, tmp_path / "one", _recent(1_000))
    with pytest.raises(CannotGoOn, match="another build"):
        build(database_url, tmp_path / "one", _recent(2_000))
    with pytest.raises(EstateExists):
        build(database_url, tmp_path / "two", _recent(1_000))


def test_copies_add_up_too(database_url: str, database: Database, tmp_path: Path) -> None:
    build(database_url, tmp_path, _recent(2_000))
    clicks, unique = accounts.audit(database)
    made = copy(database_url, tmp_path, 3)
    assert copy(database_url, tmp_path, 3) == made
    assert accounts.audit(database) == (3 * clicks, 3 * unique)
    with database.read() as connection:
        days = connection.execute(select(func.max(click.c.day) - func.min(click.c.day))).scalar_one()
        months = connection.execute(select(click_series.c.month).distinct()).scalars().all()
    # 41 days are 6 weeks, twice, before 41 days.
    assert days in (2 * 42 + 39, 2 * 42 + 40)
    assert len(months) >= 4


def test_accounts_that_differ_are_found(database_url: str, database: Database, tmp_path: Path) -> None:
    build(database_url, tmp_path, _recent(1_000))
    with database.write() as connection:
        connection.execute(click_series.update().values(clicks=click_series.c.clicks + 1))
    with pytest.raises(accounts.DoNotBalance, match="click_series, the instance"):
        accounts.audit(database)
