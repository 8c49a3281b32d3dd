"""Pruning: raw clicks go in time, their sums stay, and readers are told."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy
import time_machine

from shortener.clicks import pruning as module
from shortener.clicks.drainer import Drainer
from shortener.clicks.pruning import Pruner
from shortener.domain import period
from shortener.domain.click import ClickClass, Dimension
from shortener.domain.filter import Filter
from shortener.domain.link import ORPHANS_ID, Link
from shortener.domain.period import Asked, Granularity, Period
from shortener.services import stats
from shortener.storage import erasing, pruning
from shortener.storage.click_tables import click
from shortener.storage.engine import Database
from tests import sums
from tests.clicks import age_link, click_on, drain, fold_all, make_link
from tests.frames import Click
from tests.spools import count, now_ms, raw_rows

KEEP = 90


@pytest.fixture
def link(database: Database) -> Link:
    """A link that is old enough."""
    made = make_link(database)
    age_link(database, made, 400)
    return made


def today() -> int:
    return period.day_of(now_ms())


def at(days_ago: int, after_ms: int = 0) -> int:
    """A moment of an earlier UTC day."""
    return (today() - days_ago) * period.DAY_MS + after_ms


def days_left(database: Database) -> list[int]:
    """The days of all raw clicks, as days ago, in order."""
    with database.read() as connection:
        return sorted(today() - day for day in connection.execute(sqlalchemy.select(click.c.day)).scalars())


def pruned_before(database: Database) -> int:
    with database.read() as connection:
        return pruning.pruned_before(connection)


def prune_all(database: Database, keep_days: int = KEEP) -> None:
    pruner = Pruner(database, keep_days)
    while True:
        before = raw_rows(database)
        pruner.step()
        if raw_rows(database) == before:
            return


class TestWhatGoes:
    def test_days_before_those_that_are_kept(self, database: Database, link: Link) -> None:
        drain(
            database,
            [
                click_on(link, at(ago, after))
                for ago in (0, 1, KEEP, KEEP + 1, KEEP + 2)
                for after in (0, period.DAY_MS - 1)
            ],
        )
        fold_all(database)
        prune_all(database)
        assert days_left(database) == [0, 0, 1, 1, KEEP, KEEP]
        assert pruned_before(database) == today() - KEEP
        assert count(database, link.id) == count(database) == 10
        sums.hold(database)

    def test_orphans_too(self, database: Database) -> None:
        drain(database, [Click(at(200), None, 0, "/nothing"), Click(at(2), None, 0, "/nothing")])
        fold_all(database)
        prune_all(database)
        assert days_left(database) == [2]
        assert count(database, ORPHANS_ID) == 2
        sums.hold(database)

    @pytest.mark.parametrize("keep_days", [0, 401])
    def test_nothing_where_all_is_kept(self, database: Database, link: Link, keep_days: int) -> None:
        drain(database, [click_on(link, at(400, period.DAY_MS - 1))])
        fold_all(database)
        prune_all(database, keep_days)
        assert days_left(database) == [400]
        assert pruned_before(database) == 0

    def test_nothing_that_is_not_folded(self, database: Database, link: Link) -> None:
        drain(database, [click_on(link, at(100)), click_on(link, at(100, 1))])
        fold_all(database, upto=1)
        prune_all(database)
        assert days_left(database) == [100]
        sums.hold(database)
        fold_all(database)
        prune_all(database)
        assert days_left(database) == []
        sums.hold(database)

    def test_a_click_that_comes_late_goes_too(self, database: Database, link: Link) -> None:
        drain(database, [click_on(link, at(100))])
        fold_all(database)
        prune_all(database)
        drain(database, [click_on(link, at(200))])
        fold_all(database)
        prune_all(database)
        assert days_left(database) == []
        # It does not take back what has been said of younger days.
        assert pruned_before(database) == today() - 99
        assert count(database, link.id) == 2
        sums.hold(database)

    def test_nothing_that_an_erasing_still_needs(self, database: Database, link: Link) -> None:
        drain(database, [click_on(link, at(0))])
        fold_all(database)
        with database.write() as connection:
            erasure, _ = erasing.begin(connection, link.id, 1, now_ms())
        with time_machine.travel(period.from_ms(at(-100)), tick=False):
            prune_all(database)
        assert raw_rows(database) == 1
        for _ in erasing.steps(database, erasure):
            pass
        assert raw_rows(database) == 0
        sums.hold(database)


class TestSteps:
    def test_the_oldest_day_goes_first_and_as_a_whole(
        self, database: Database, link: Link, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "STEP", 2)
        monkeypatch.setattr(module, "LOOK", 3)
        # Drained in another order than that of their days.
        drain(database, [click_on(link, at(ago, after)) for after in range(4) for ago in (100, 120, 110)])
        fold_all(database)
        pruner, seen = Pruner(database, KEEP), []
        while days_left(database):
            pruner.step()
            seen.append((days_left(database), today() - pruned_before(database)))
            sums.hold(database)
        assert [(len(left), before) for left, before in seen] == [
            (10, 119),
            (9, 119),
            (8, 119),
            (6, 109),
            (5, 109),
            (4, 109),
            (2, 99),
            (1, 99),
            (0, 99),
        ]
        assert {tuple(sorted(set(left))) for left, _ in seen[:3]} == {(100, 110, 120), (100, 110)}

    def test_it_is_looked_for_now_and_then(self, database: Database, link: Link) -> None:
        pruner = Pruner(database, KEEP)
        pruner.step()
        drain(database, [click_on(link, at(100))])
        fold_all(database)
        pruner.step()
        assert raw_rows(database) == 1
        pruner._next = 0.0
        pruner.step()
        assert raw_rows(database) == 0

    def test_the_drainer_does_it(
        self, database: Database, link: Link, drainer: Drainer, folder: Path, database_id: bytes
    ) -> None:
        drain(database, [click_on(link, at(100))])
        fold_all(database)
        drainer.step()
        assert raw_rows(database) == 1, "who is not told to keep less keeps all"
        drainer.close()
        with_retention = Drainer(folder, database, database_id, keep_days=KEEP)
        assert with_retention.elected()
        with_retention.step()
        with_retention.close()
        assert raw_rows(database) == 0


def question(link: Link, start_ms: int, *groupings: str, filters: tuple[Filter, ...] = ()) -> stats.Question:
    start, end = period.from_ms(start_ms), period.from_ms(at(0))
    asked = Asked(ZoneInfo("UTC"), start=start, end=end)
    return stats.Question(asked, frozenset({ClickClass.HUMAN}), groupings, filters)


def test_answers_stay_what_they_were(database: Database, link: Link) -> None:
    drain(database, [click_on(link, at(ago), referrer=f"https://r{ago % 3}.example") for ago in range(0, 300, 7)])
    fold_all(database)
    midnight = at(350) // period.DAY_MS * period.DAY_MS
    questions = [
        question(link, midnight, name) for name in ("timeseries", "referrer", "browser", "link", "hour_of_week")
    ]
    before = [stats.of_link(database, link.code, question) for question in questions]
    prune_all(database)
    assert raw_rows(database) < 15
    assert [stats.of_link(database, link.code, question) for question in questions] == before


def test_where_a_day_that_is_gone_is_cut_the_whole_of_it_is_told(database: Database, link: Link) -> None:
    drain(database, [click_on(link, at(ago)) for ago in (100, 1)])
    fold_all(database)
    prune_all(database)
    # Just behind the click of that day, which is counted all the same.
    asked = question(link, at(100) + period.SLOT_MS, "browser")
    answer = stats.of_link(database, link.code, asked)
    assert (answer["complete"], answer["totals"]["clicks"], answer["data"][0]["clicks"]) == (False, 2, 2)
    midnight = period.from_ms(at(100) // period.DAY_MS * period.DAY_MS)
    assert answer["range"]["start"] == midnight.isoformat()
    # By time nothing is gone.
    answer = stats.of_link(database, link.code, question(link, at(100) + period.SLOT_MS, "timeseries"))
    assert (answer["complete"], answer["totals"]["clicks"]) == (True, 1)


def test_filters_are_told_of_what_is_kept(database: Database, link: Link) -> None:
    drain(database, [click_on(link, at(ago)) for ago in (100, 1)])
    fold_all(database)
    prune_all(database)
    only = (Filter(Dimension.BROWSER, frozenset({"Firefox"}), excluded=False),)
    answer = stats.of_link(database, link.code, question(link, at(200), "os", filters=only))
    assert (answer["source"], answer["complete"], answer["totals"]["clicks"]) == ("raw", False, 1)
    with database.read() as connection:
        first = period.from_ms(pruning.pruned_before(connection) * period.DAY_MS)
    assert answer["range"]["start"] == first.isoformat()


@pytest.mark.parametrize("slots", [1, 2])
def test_a_filtered_answer_about_what_is_gone_says_so(database: Database, link: Link, slots: int) -> None:
    drain(database, [click_on(link, at(ago)) for ago in (100, 1)])
    fold_all(database)
    prune_all(database)
    start, end = (period.from_ms(at(100) + after * period.SLOT_MS) for after in (0, slots))
    only = (Filter(Dimension.BROWSER, frozenset({"Firefox"}), excluded=False),)
    asked = stats.Question(Asked(ZoneInfo("UTC"), start=start, end=end), frozenset(ClickClass), ("os",), only)
    answer = stats.of_link(database, link.code, asked)
    assert (answer["complete"], answer["totals"]["clicks"]) == (False, 0)


@pytest.mark.parametrize("grouping", ["timeseries", "hour_of_week"])
def test_totals_of_a_day_that_is_cut_are_the_sums_of_its_slots(database: Database, link: Link, grouping: str) -> None:
    """Whose raw clicks are gone: a day of Kathmandu's begins at 18:15 UTC."""
    drain(database, [click_on(link, at(100, hour * 3_600_000)) for hour in (18, 19, 20)] + [click_on(link, at(1))])
    fold_all(database)
    prune_all(database)
    answer = stats.of_link(database, link.code, question(link, at(100, 18 * 3_600_000 + period.SLOT_MS), grouping))
    assert (answer["complete"], answer["totals"]["clicks"]) == (True, 3)
    assert sum(row["clicks"] for row in answer["data"]) == 3


FIREFOX = (Filter(Dimension.BROWSER, frozenset({"Firefox"}), excluded=False),)


def days(first: int, end: int) -> Period:
    """Whole UTC days, as days ago."""
    return Period(at(first), at(end), ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("range_", "compare", "beside"),
    [
        pytest.param((80, 0), (160, 80), {ago: ago + 80 for ago in range(1, 11)}, id="of what it is compared with"),
        pytest.param((100, 80), (20, 0), {ago: ago - 80 for ago in range(81, 91)}, id="of the range"),
        pytest.param((100, 80), (95, 75), {ago: ago - 5 for ago in range(81, 91)}, id="of both"),
        pytest.param((95, 75), (100, 80), {ago: ago + 5 for ago in range(76, 86)}, id="of both, turned around"),
        pytest.param((80, 70), (160, 150), {71: 151}, id="all but the last slot, of which nothing is known"),
    ],
)
def test_buckets_stand_beside_those_at_their_places_though_days_are_gone(
    database: Database,
    link: Link,
    range_: tuple[int, int],
    compare: tuple[int, int],
    beside: dict[int, int],
) -> None:
    """The places are those in the periods that were asked about."""
    drain(database, [click_on(link, at(ago)) for ago in range(170)])
    fold_all(database)
    prune_all(database)
    start, end = map(period.from_ms, map(at, range_))
    asked = Asked(ZoneInfo("UTC"), start=start, end=end)
    by_day = question(link, 0, "timeseries", filters=FIREFOX)
    by_day = replace(by_day, period=asked, granularity=Granularity.DAY, compare=days(*compare))
    answer = stats.of_link(database, link.code, by_day)
    told = {days_ago(row): row["previous"] and days_ago(row["previous"]) for row in answer["data"]}
    assert {ago: other for ago, other in told.items() if other is not None} == beside
    assert all(
        row["previous"]["clicks"] == (1 if days_ago(row["previous"]) <= KEEP else 0)
        for row in answer["data"]
        if row["previous"] is not None
    )
    assert answer["complete"] is (range_[0] <= KEEP)
    assert answer["previous"]["complete"] is (compare[0] <= KEEP)


def days_ago(row: stats.Answer) -> int:
    return today() - period.day_of(period.to_ms(datetime.fromisoformat(row["bucket"])))


@pytest.mark.parametrize("turned", [False, True])
def test_buckets_stand_beside_those_at_their_places_though_more_is_told(
    database: Database, link: Link, *, turned: bool
) -> None:
    """The whole of a UTC day that is cut and gone: in Los Angeles it begins on the day before."""
    drain(database, [click_on(link, at(ago)) for ago in range(170)])
    fold_all(database)
    prune_all(database)
    zone = ZoneInfo("America/Los_Angeles")
    one, other = Period(at(120, 12 * 3_600_000), at(115), zone), Period(at(110), at(105), zone)
    if turned:
        one, other = other, one
    asked = Asked(zone, start=period.from_ms(one.start_ms), end=period.from_ms(one.end_ms))
    both = replace(
        question(link, 0, "timeseries", "browser"), period=asked, compare=other, granularity=Granularity.DAY
    )
    answer = stats.of_link(database, link.code, both)
    before = answer["previous"]["groups"]["timeseries"]["data"]
    assert (len(before), answer["complete"], answer["previous"]["complete"]) == (6, turned, not turned)
    wanted = [*before[1:], None] if turned else [None, *before[:-1]]
    assert [row["previous"] for row in answer["groups"]["timeseries"]["data"]] == wanted
