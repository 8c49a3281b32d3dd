"""Statistics against a plain-Python model: random clicks, scopes, zones, periods, groups and filters; between two
folds too.
"""

import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from shortener.domain import buckets, period
from shortener.domain import grouping as groupings
from shortener.domain.click import ClickClass, Dimension
from shortener.domain.comparison import Comparison
from shortener.domain.filter import Filter
from shortener.domain.grouping import DOMAIN, HOUR_OF_WEEK, LINK, TAG, TIMESERIES
from shortener.domain.link import Link
from shortener.domain.period import Asked, Granularity, Interval, Period
from shortener.services import domains, links, rollup, stats
from shortener.services.stats import Answer, Question
from shortener.storage import pruning
from shortener.storage.click_tables import TOTAL
from shortener.storage.engine import Database, sqlite_module
from tests.clicks import (
    POLICY,
    Model,
    Seen,
    age_link,
    click_on,
    drain,
    fold_all,
    make_link,
    random_click,
    some_filters,
)
from tests.comparisons import model
from tests.sizes import nightly, size
from tests.storage.test_pruning import prune_all

SPAN_DAYS = 100
ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati", "Australia/Lord_Howe"]
#: What random_click varies.
DIMENSIONS = (
    Dimension.REFERRER,
    Dimension.REFERRER_URL,
    Dimension.BROWSER,
    Dimension.LANGUAGE,
    Dimension.UTM_SOURCE,
    Dimension.CODE,
)
GROUPINGS = (TIMESERIES, HOUR_OF_WEEK, LINK, TAG, DOMAIN, *(dimension.label for dimension in DIMENSIONS))
HUMANS = frozenset({ClickClass.HUMAN})
ELSEWHERE = "b.example"
#: More than any period has.
MANY_DAYS = 1_000_000
#: Code, domain and tags of the links.
LINKS = (
    ("one", "", ("red",)),
    ("two", "", ("red", "blue")),
    ("three", "", ()),
    ("one", ELSEWHERE, ("blue",)),
    ("four", ELSEWHERE, ()),
)


@dataclass(frozen=True)
class Scope:
    """Whose clicks are asked about: how, and which links they are."""

    ask: Callable[[Database, Question], Answer]
    links: frozenset[int]


@dataclass(frozen=True)
class World:
    """A database with links, and the model of its clicks."""

    database: Database
    links: Sequence[Link]
    model: Model

    def scopes(self) -> list[Scope]:
        """Every link, tag and domain, and all."""
        return [
            Scope(stats.of_all, frozenset(link.id for link in self.links)),
            *(Scope(partial(_of_link, link), frozenset({link.id})) for link in self.links),
            *(
                Scope(partial(_of_tag, tag), frozenset(link.id for link in self.links if tag in link.tags))
                for tag in ("red", "blue")
            ),
            *(
                Scope(partial(_of_domain, name), frozenset(link.id for link in self.links if link.domain == name))
                for name in ("", ELSEWHERE)
            ),
        ]


def _of_link(link: Link, database: Database, question: Question) -> Answer:
    return stats.of_link(database, link.code, question, link.domain)


def _of_tag(tag: str, database: Database, question: Question) -> Answer:
    return stats.of_tag(database, tag, question)


def _of_domain(name: str, database: Database, question: Question) -> Answer:
    return stats.of_domain(database, name, question)


@pytest.fixture
def world(database: Database) -> World:
    domains.create(database, POLICY.targets, "http://localhost:8000", ELSEWHERE, {}, actor="test")
    links = [make_link(database, code, domain=domain, tags=tags) for code, domain, tags in LINKS]
    for link in links:
        age_link(database, link, SPAN_DAYS + 1)
    return World(database, links, Model())


def a_question(dice: random.Random, now_ms: int, groupings: Sequence[str] = GROUPINGS) -> Question:
    """A random question about the last days, by one or more of these."""
    ends, others = (
        sorted(now_ms + 3_600_000 - int(dice.random() * SPAN_DAYS * period.DAY_MS) for _ in range(2))
        for _ in range(2)
    )
    zone = ZoneInfo(dice.choice(ZONES))
    own = period.between(period.from_ms(others[0]), period.from_ms(others[1] + 1), zone)
    return Question(
        Asked(
            zone,
            dice.choice([Interval.WEEK, Interval.MONTH, Interval.YEAR, Interval.ALL]),
            *dice.choice([(None, None), (period.from_ms(ends[0]), period.from_ms(ends[1] + 1))]),
        ),
        classes=dice.choice([HUMANS, frozenset({ClickClass.BOT}), frozenset(ClickClass)]),
        groupings=tuple(dice.sample(groupings, k=min(dice.choice([1, 1, 1, 3]), len(groupings)))),
        filters=dice.choice([(), (), some_filters(dice)]),
        granularity=dice.choice([None, Granularity.HOUR, Granularity.DAY, Granularity.WEEK, Granularity.MONTH]),
        limit=dice.choice([1, 2, 100]),
        compare=dice.choice([None] * 6 + [*Comparison, own]),
    )


def passes(seen: Seen, filters: Iterable[Filter]) -> bool:
    return all((seen.values.get(each.dimension) in each.values) is not each.excluded for each in filters)


def check(answer: Answer, asked: Question, world: World, scope: Scope) -> None:
    """Holds `answer` against what the model counts in the range that it tells of."""
    assert answer["source"] == ("raw" if asked.filters else "rollup")
    inside = clicks_in(answer, asked, world, scope)
    wanted = [seen for seen in inside if seen.click_class in asked.classes]
    assert answer["totals"] == counted(wanted)
    left_out = Counter(seen.click_class.label for seen in inside if seen.click_class not in asked.classes)
    assert answer["excluded"] == dict(left_out)
    groups = groups_of(answer, asked)
    assert list(groups) == list(asked.groupings)
    for grouping, group in groups.items():
        check_group(answer | group, grouping, asked, world, wanted)


def clicks_in(answer: Answer, asked: Question, world: World, scope: Scope) -> Sequence[Seen]:
    """The clicks of all classes in the range that an answer tells of."""
    start, end = (period.to_ms(datetime.fromisoformat(answer["range"][name])) for name in ("start", "end"))
    if asked.filters:
        # Where nothing that was asked about is left, the range is not empty all the same.
        start = max(start, pruned_before_ms(world.database))
    return [
        seen
        for seen in world.model.seen
        if start <= seen.time_ms < end and seen.link_id in scope.links and passes(seen, asked.filters)
    ]


def groups_of(answer: Answer, asked: Question) -> dict[str, Answer]:
    groups: dict[str, Answer] = answer["groups"] if len(asked.groupings) > 1 else {asked.groupings[0]: answer}
    return groups


def check_compared(answer: Answer, whole: Answer, asked: Question, world: World, scope: Scope) -> None:
    """Holds what stands beside the rows of an answer against the model; `whole` is of all that was asked about."""
    previous, groups = answer["previous"], groups_of(answer, asked)
    wanted = [seen for seen in clicks_in(previous, asked, world, scope) if seen.click_class in asked.classes]
    for grouping, before in groups_of(previous, asked).items():
        rows = groups[grouping]["data"]
        if grouping == TIMESERIES:
            check_buckets_beside(rows, before["data"], answer, whole)
        elif grouping == HOUR_OF_WEEK:
            assert [row["previous"] for row in rows] == [
                {name: row[name] for name in ("clicks", "unique")} for row in before["data"]
            ]
        else:
            check_rows_beside(groups[grouping], grouping, world, wanted)
        assert not any("previous" in row for row in before["data"])


def check_rows_beside(group: Answer, grouping: str, world: World, wanted: Sequence[Seen]) -> None:
    keys = keys_of(grouping, world)
    found: dict[str | None, list[Seen]] = {}
    for seen in wanted:
        for key in keys(seen):
            found.setdefault(key, []).append(seen)
    for row in group["data"]:
        assert row["previous"] == counted(found.get(row["value"], ())), row
    every = summed(row["previous"] for row in [*group["data"], group["other"]])
    assert every == counted(seen for each in found.values() for seen in each)


def check_buckets_beside(rows: Sequence[Answer], before: Sequence[Answer], answer: Answer, whole: Answer) -> None:
    """Each bucket has the one beside it that is as far from where the period compared with begins."""
    granularity = Granularity(answer["range"]["granularity"])
    by_place = dict(zip(places(before, whole["previous"], granularity), before, strict=True))
    for place, row in zip(places(rows, whole, granularity), rows, strict=True):
        assert row["previous"] == by_place.get(place), row
    if answer["complete"] and answer["previous"]["complete"]:
        beside = [row["previous"] for row in rows]
        assert beside == [*before, *[None] * len(rows)][: len(rows)]


def places(rows: Sequence[Answer], whole: Answer, granularity: Granularity) -> Sequence[int]:
    """How many buckets after the beginning of what was asked these lie, of which more or fewer may be answered."""
    wanted = buckets.starts(range_of(whole), granularity)
    starts = [period.to_ms(datetime.fromisoformat(row["bucket"])) for row in rows]
    first = bisect_right(wanted, starts[0]) - 1 if starts[0] >= wanted[0] else 1 - bisect_right(starts, wanted[0])
    return range(first, first + len(rows))


def range_of(answer: Answer) -> Period:
    start, end = (period.to_ms(datetime.fromisoformat(answer["range"][name])) for name in ("start", "end"))
    return Period(start, end, ZoneInfo(answer["range"]["timezone"]))


def pruned_before_ms(database: Database) -> int:
    with database.read() as connection:
        return pruning.pruned_before(connection) * period.DAY_MS


def check_group(answer: Answer, grouping: str, asked: Question, world: World, wanted: Sequence[Seen]) -> None:
    if grouping == TIMESERIES:
        check_series(answer, wanted)
    elif grouping == HOUR_OF_WEEK:
        check_hours(answer, wanted, ZoneInfo(answer["range"]["timezone"]))
    else:
        check_breakdown(answer, grouping, asked.limit, world, wanted)


def counted(seen: Iterable[Seen]) -> dict[str, int]:
    seen = list(seen)
    return {"clicks": len(seen), "unique": sum(each.first for each in seen)}


def summed(rows: Iterable[dict[str, Any]]) -> dict[str, int]:
    rows = list(rows)
    return {name: sum(row[name] for row in rows) for name in ("clicks", "unique")}


def check_series(answer: Answer, wanted: Sequence[Seen]) -> None:
    starts = [period.to_ms(datetime.fromisoformat(row["bucket"])) for row in answer["data"]]
    ends = [*starts[1:], period.to_ms(datetime.fromisoformat(answer["range"]["end"]))]
    assert starts == sorted(set(starts))
    assert summed(answer["data"]) == answer["totals"]
    for row, start, end in zip(answer["data"], starts, ends, strict=True):
        found = counted(seen for seen in wanted if start <= seen.time_ms < end)
        assert {name: row[name] for name in found} == found, row
    if answer["range"]["granularity"] == "day":
        zone = ZoneInfo(answer["range"]["timezone"])
        around = [
            [period.from_ms(moment).astimezone(zone).date() for moment in (each - 1, each)] for each in starts[1:]
        ]
        assert all(before < after for before, after in around), "days begin where the date turns"


def check_hours(answer: Answer, wanted: Sequence[Seen], zone: ZoneInfo) -> None:
    assert [row["value"] for row in answer["data"]] == [
        f"{day}-{hour:02}" for day in range(1, 8) for hour in range(24)
    ]
    clicks: Counter[str] = Counter()
    for seen in wanted:
        local = period.from_ms(seen.time_ms).astimezone(zone)
        clicks[f"{local.isoweekday()}-{local.hour:02}"] += 1
    assert {row["value"]: row["clicks"] for row in answer["data"] if row["clicks"]} == dict(clicks)
    assert summed(answer["data"]) == answer["totals"]


def check_breakdown(answer: Answer, grouping: str, limit: int, world: World, wanted: Sequence[Seen]) -> None:
    keys = keys_of(grouping, world)
    groups: dict[str | None, list[Seen]] = {}
    for seen in wanted:
        for key in keys(seen):
            groups.setdefault(key, []).append(seen)
    counts = sorted((len(group) for group in groups.values()), reverse=True)
    assert [row["clicks"] for row in answer["data"]] == counts[:limit]
    for row in answer["data"]:
        assert {name: row[name] for name in ("clicks", "unique")} == counted(groups[row["value"]]), row
    every = summed([*answer["data"], answer["other"]])
    assert every == counted(seen for group in groups.values() for seen in group)
    assert answer.get("overlapping", False) is (grouping == TAG)
    if grouping != TAG:
        assert every == answer["totals"]


def keys_of(grouping: str, world: World) -> Callable[[Seen], Sequence[str | None]]:
    """What a click counts for."""
    links = {link.id: link for link in world.links}
    dimension = groupings.dimension(grouping)
    if dimension is not None:
        return lambda seen: (seen.values.get(dimension),)
    return {
        LINK: lambda seen: (
            "/".join(part for part in (links[seen.link_id].domain, links[seen.link_id].code) if part),
        ),
        TAG: lambda seen: links[seen.link_id].tags or (None,),
        DOMAIN: lambda seen: (links[seen.link_id].domain,),
    }[grouping]


@nightly
@pytest.mark.parametrize("seed", range(size(1, 20)))
def test_answers_equal_the_model(world: World, seed: int) -> None:
    dice = random.Random(seed)
    now_ms = period.to_ms(datetime.now(UTC))
    for _ in range(4):
        clicks = [random_click(dice.choice(world.links), now_ms, SPAN_DAYS, dice) for _ in range(120)]
        drain(world.database, clicks)
        world.model.add(clicks)
        if dice.random() < 0.6:
            fold_all(world.database, dimensions=dice.sample([TOTAL, *map(int, Dimension)], k=9))
        for _ in range(size(25, 40)):
            ask(world, dice, now_ms)
    # Once more when everything is folded.
    fold_all(world.database)
    for _ in range(size(30, 60)):
        ask(world, dice, now_ms)
    prune_all(world.database, keep_days=dice.choice([3, 30, 60]))
    for _ in range(size(45, 90)):
        ask(world, dice, now_ms)


def always_from_totals(monkeypatch: pytest.MonkeyPatch, *, when: bool) -> None:
    """What is told by link and tag is told from totals, whatever takes longer; or never."""
    monkeypatch.setattr(rollup, "_TOTALS", -MANY_DAYS if when else MANY_DAYS)


@nightly
@pytest.mark.parametrize("seed", range(size(1, 20)))
def test_what_is_left_of_totals_equals_the_model(world: World, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of it folded, some days pruned."""
    dice = random.Random(seed)
    now_ms = period.to_ms(datetime.now(UTC))
    always_from_totals(monkeypatch, when=True)
    for number in range(3):
        clicks = [random_click(dice.choice(world.links), now_ms, SPAN_DAYS, dice) for _ in range(100)]
        drain(world.database, clicks)
        world.model.add(clicks)
        if number == 1:
            fold_all(world.database)
        for _ in range(size(30, 60)):
            ask(world, dice, now_ms, groupings=(LINK, TAG))
    fold_all(world.database)
    prune_all(world.database, keep_days=dice.choice([3, 30, 60]))
    for _ in range(size(30, 60)):
        ask(world, dice, now_ms, groupings=(LINK, TAG))


@pytest.mark.parametrize("grouping", [LINK, TAG])
def test_what_a_deleted_link_had_is_left_of_totals_too(
    world: World, grouping: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of it within the period, some not."""
    now_ms = period.to_ms(datetime.now(UTC))
    ages = (0, 1, 40, 90)
    drain(world.database, [click_on(link, now_ms - age * period.DAY_MS) for link in world.links for age in ages])
    links.delete(world.database, world.links[-1].code, domain=world.links[-1].domain, actor="test")
    asked = Question(Asked(ZoneInfo("UTC"), Interval.MONTH), HUMANS, (grouping,))
    for scope in (Scope(stats.of_all, frozenset()), Scope(partial(_of_domain, ELSEWHERE), frozenset())):
        answers = []
        for when in (True, False):
            always_from_totals(monkeypatch, when=when)
            answers.append(scope.ask(world.database, asked))
        assert answers[0] == answers[1]


def ask(world: World, dice: random.Random, now_ms: int, groupings: Sequence[str] = GROUPINGS) -> None:
    """Asks a random question and holds the answer against the model."""
    asked, scope = a_question(dice, now_ms, groupings), dice.choice(world.scopes())
    answer = scope.ask(world.database, asked)
    # By time nothing is ever gone.
    whole = scope.ask(world.database, replace(asked, groupings=(TIMESERIES,), filters=()))
    check(answer, asked, world, scope)
    # What ends now may end a slot later in the second of the two.
    check_range(answer, whole, ["start", *(["end"] if asked.period.end else [])])
    assert ("previous" in answer) is (asked.compare is not None)
    if asked.compare is not None:
        check(answer["previous"], asked, world, scope)
        check_range(answer["previous"], whole["previous"], ["start", "end"])
        compare = asked.compare
        wanted = compare if isinstance(compare, Period) else model(range_of(whole), compare)
        assert range_of(whole["previous"]) == wanted
        assert answer["previous"]["range"]["granularity"] == answer["range"]["granularity"]
        check_compared(answer, whole, asked, world, scope)


def check_range(answer: Answer, whole: Answer, names: Sequence[str]) -> None:
    """Whether it says that it tells of less or more than was asked for, because raw clicks are gone."""
    assert whole["complete"]
    told, wanted = ([datetime.fromisoformat(each["range"][name]) for name in names] for each in (answer, whole))
    assert answer["complete"] is (told == wanted)
    if answer["source"] == "rollup":
        assert told[0] <= wanted[0]


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        pytest.param("Europe/Berlin", "2026-03-29", id="an hour is skipped"),
        pytest.param("Europe/Berlin", "2025-10-26", id="an hour comes twice"),
        pytest.param("Australia/Lord_Howe", "2026-10-04", id="half an hour is skipped"),
        pytest.param("Australia/Lord_Howe", "2026-04-05", id="half an hour comes twice"),
        pytest.param("Africa/Cairo", "2026-04-24", id="midnight is skipped"),
        pytest.param("America/Havana", "2025-11-02", id="midnight comes twice"),
    ],
)
@pytest.mark.parametrize("folded", [False, True])
def test_where_clocks_are_changed(world: World, zone: str, day: str, *, folded: bool) -> None:
    """A click in every quarter of an hour around it, on links with many and with few others."""
    noon_ms = period.to_ms(datetime.fromisoformat(f"{day}T12:00+00:00"))
    moments = range(noon_ms - 2 * period.DAY_MS, noon_ms + 2 * period.DAY_MS, period.SLOT_MS)
    clicks = [click_on(link, moment + 1) for moment in moments for link in world.links[:2]]
    clicks += [click_on(world.links[0], noon_ms) for _ in range(1_000)]
    for link in world.links:
        age_link(world.database, link, 3_000)
    drain(world.database, clicks)
    world.model.add(clicks)
    if folded:
        fold_all(world.database)
    tz = ZoneInfo(zone)
    start = datetime.fromisoformat(day).replace(tzinfo=tz) - timedelta(days=1)
    for granularity in (Granularity.HOUR, Granularity.DAY, Granularity.WEEK):
        asked = Question(Asked(tz, start=start, end=start + timedelta(days=3)), HUMANS, granularity=granularity)
        for scope in world.scopes():
            answer = scope.ask(world.database, asked)
            assert answer["complete"]
            check(answer, asked, world, scope)
        # The three days around the change, and those that are compared with them.
        for days, compare in ((0, Comparison.WEEKDAY), (7, Comparison.WEEKDAY), (3, Comparison.PREVIOUS)):
            check_days_after(world, replace(asked, compare=compare), days)


def check_days_after(world: World, asked: Question, days: int) -> None:
    """Asks about as many days later, and holds the answer and what it compares with against the model."""
    assert asked.period.start is not None
    assert asked.period.end is not None
    by = timedelta(days=days)
    moved = replace(asked, period=replace(asked.period, start=asked.period.start + by, end=asked.period.end + by))
    for scope in world.scopes()[:2]:
        answer = scope.ask(world.database, moved)
        check(answer, moved, world, scope)
        check(answer["previous"], moved, world, scope)
        assert isinstance(asked.compare, Comparison)
        assert range_of(answer["previous"]) == model(range_of(answer), asked.compare)
        check_compared(answer, answer, moved, world, scope)
        if asked.granularity is Granularity.DAY:
            clocks = [[row["bucket"][11:16] for row in each["data"]] for each in (answer, answer["previous"])]
            assert [len(each) for each in clocks] == [3, 3]
            # But for a midnight that is skipped.
            assert all(set(each) <= {"00:00", "01:00"} for each in clocks)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("group", ["browser", "link", "timeseries"])
def test_what_is_not_folded_is_found_by_id_whatever_is_known_of_days(world: World, group: str) -> None:
    """SQLite skips from day to day once ANALYZE has told it that there are few: 8 ms a query, for nothing."""
    with world.database.write() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.exec_driver_sql("DELETE FROM sqlite_stat1 WHERE idx = 'ix_click_day'")
        known = "INSERT INTO sqlite_stat1 VALUES ('click', 'ix_click_day', '100000000 55000 600 1')"
        connection.exec_driver_sql(known)
    # They are read when a connection is opened.
    world.database.engine.dispose()
    plans: list[str] = []

    def note(_connection: Any, cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            plan = cursor.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[-1] for row in plan.fetchall())

    event.listen(world.database.engine, "before_cursor_execute", note)
    for scope in world.scopes():
        scope.ask(world.database, Question(Asked(ZoneInfo("UTC")), HUMANS, (group,)))
    event.remove(world.database.engine, "before_cursor_execute", note)
    assert any("SEARCH click USING INTEGER PRIMARY KEY" in plan for plan in plans)
    assert not [plan for plan in plans if "ANY(day)" in plan]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("group", GROUPINGS)
def test_what_is_asked_again_is_not_planned_again(world: World, group: str) -> None:
    """SQLite takes longer to plan a page's statements than to answer them; its authorizer is asked when it does."""
    planned: list[int] = []

    def note(what: int, *_about: Any) -> int:
        if what == sqlite_module().SQLITE_SELECT:
            planned.append(what)
        return 0

    event.listen(world.database.engine, "connect", lambda connection, _entry: connection.set_authorizer(note))
    world.database.engine.dispose()
    drain(world.database, [click_on(link, period.to_ms(datetime.now(UTC))) for link in world.links])
    rounds = []
    for limit in (10, 20, 30):
        for ask_about in (stats.of_all, partial(_of_link, world.links[0]), partial(_of_domain, ELSEWHERE)):
            ask_about(world.database, Question(Asked(ZoneInfo("UTC")), HUMANS, (group,), limit=limit))
        rounds.append(len(planned))
    assert rounds[0] > 0, "the first time it is"
    assert rounds[-1] == rounds[-2]
