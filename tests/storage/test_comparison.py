"""Comparisons: what stands beside the rows of an answer, whatever ranks first in the other period; and its costs."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from shortener import errors
from shortener.domain import comparison, period
from shortener.domain.click import ClickClass, Dimension
from shortener.domain.comparison import Comparison
from shortener.domain.filter import Filter
from shortener.domain.link import Link
from shortener.domain.period import Asked, Granularity, Interval, Period
from shortener.services import domains, links, stats
from shortener.services.stats import Answer, Question
from shortener.storage.engine import Database
from tests.clicks import BROWSERS, POLICY, age_link, click_on, drain, fold_all, make_link
from tests.frames import Click
from tests.spools import now_ms
from tests.storage.test_answers import queries

UTC = ZoneInfo("UTC")
DAY = period.DAY_MS
#: The beginning of a day that is over; before it lies what is compared with.
TODAY = period.day_of(now_ms()) * DAY
BEGIN, END = TODAY - 10 * DAY, TODAY
Ask = Callable[[Database, Question], Answer]


def a_question(*groupings: str, **fields: object) -> Question:
    asked = Asked(UTC, start=period.from_ms(BEGIN), end=period.from_ms(END))
    given = {"period": asked, "classes": frozenset({ClickClass.HUMAN}), "groupings": groupings}
    return Question(**{**given, "compare": Comparison.PREVIOUS, **fields})  # type: ignore[arg-type]


def beside(answer: Answer) -> dict[str | None, tuple[int, int]]:
    """Clicks of each row and of what was cut off, and those of the other period."""
    rows = [*answer["data"], {"value": "(other)", **answer["other"]}]
    return {row["value"]: (row["clicks"], row["previous"]["clicks"]) for row in rows}


def some(link: Link, count: int, time_ms: int, **facts: object) -> list[Click]:
    return [click_on(link, time_ms + number, **facts) for number in range(count)]


@pytest.fixture(params=["folded", "raw"])
def world(request: pytest.FixtureRequest, database: Database) -> Sequence[Link]:
    """Links `a` to `e` with clicks from as many referrers: what comes first in one period comes last in the other.

    Each has a tag and is on a domain of its own name, but for the last one, which has neither.
    """
    made: list[Link] = []
    for name in "abcde":
        tags, domain = ((), "") if name == "e" else ((name,), f"{name}.example")
        if domain:
            domains.create(database, POLICY.targets, "http://localhost:8000", domain, {}, actor="test")
        made.append(make_link(database, name, domain=domain, tags=tags))
        age_link(database, made[-1], 100)
    clicks: list[Click] = []
    for rank, link in enumerate(made, 1):
        referrer = "" if link.code == "e" else f"https://{link.code}.example"
        clicks += some(link, 10 * (6 - rank), BEGIN + DAY, referrer=referrer)
        # Nobody came from the second one before.
        clicks += some(link, 0 if rank == 2 else 10 * rank + 1, BEGIN - DAY, referrer=referrer)
    drain(database, clicks)
    if request.param == "folded":
        fold_all(database)
    return made


FOUND: dict[str, dict[str, tuple[int, int]]] = {
    "all of them": {"a": (50, 11), "b": (40, 0), "c": (30, 31), "d": (20, 41), "e": (10, 51), "(other)": (0, 0)},
    "the first two": {"a": (50, 11), "b": (40, 0), "(other)": (60, 123)},
    "the first one": {"a": (50, 11), "(other)": (100, 123)},
}
LIMITS = {"all of them": 100, "the first two": 2, "the first one": 1}
#: What the rows of links are called in the answers of each grouping.
NAMES: dict[str, Callable[[str], str | None]] = {
    "referrer": lambda name: None if name == "e" else f"{name}.example",
    "code": lambda name: name,
    "link": lambda name: name if name == "e" else f"{name}.example/{name}",
    "tag": lambda name: None if name == "e" else name,
    "domain": lambda name: "" if name == "e" else f"{name}.example",
}
FILTERS = {
    "rollup": (),
    "raw": (Filter(Dimension.BROWSER, frozenset({"Firefox"}), excluded=False),),
}


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("which", FOUND)
@pytest.mark.parametrize("grouping", NAMES)
def test_rows_have_their_own_clicks_before(
    database: Database, world: Sequence[Link], grouping: str, which: str, filters: tuple[Filter, ...]
) -> None:
    answer = stats.of_all(database, a_question(grouping, limit=LIMITS[which], filters=filters))
    name = NAMES[grouping]
    wanted = {value if value == "(other)" else name(value): counts for value, counts in FOUND[which].items()}
    assert beside(answer) == wanted
    assert sum(before for _, before in beside(answer).values()) == answer["previous"]["totals"]["clicks"]
    # The answer about the other period is what it is without a comparison.
    alone = a_question(
        grouping,
        limit=LIMITS[which],
        filters=filters,
        compare=None,
        period=Asked(UTC, start=period.from_ms(2 * BEGIN - END), end=period.from_ms(BEGIN)),
    )
    assert answer["previous"] == stats.of_all(database, alone)


@pytest.mark.parametrize("scope", ["a link", "a domain", "a tag"])
@pytest.mark.parametrize("grouping", NAMES)
def test_of_everything_that_can_be_asked_about(
    database: Database, world: Sequence[Link], grouping: str, scope: str
) -> None:
    ask: Ask = {
        "a link": partial(_of_link, world[0]),
        "a domain": partial(_of_domain, "a.example"),
        "a tag": partial(_of_tag, "a"),
    }[scope]
    answer = ask(database, a_question(grouping, limit=1))
    assert beside(answer) == {NAMES[grouping]("a"): (50, 11), "(other)": (0, 0)}


def _of_link(link: Link, database: Database, question: Question) -> Answer:
    return stats.of_link(database, link.code, question, link.domain)


def _of_domain(name: str, database: Database, question: Question) -> Answer:
    return stats.of_domain(database, name, question)


def _of_tag(name: str, database: Database, question: Question) -> Answer:
    return stats.of_tag(database, name, question)


def test_links_of_one_name_are_kept_apart(database: Database) -> None:
    """One of them has been deleted, and its code is another one's now."""
    old = make_link(database, "same")
    age_link(database, old, 100)
    drain(database, [*some(old, 3, BEGIN - DAY), *some(old, 2, BEGIN + DAY)])
    links.delete(database, "same", actor="test")
    new = make_link(database, "same")
    age_link(database, new, 100)
    drain(database, some(new, 5, BEGIN + DAY))
    for limit in (1, 2):
        answer = stats.of_all(database, a_question("link", limit=limit))
        rows = [(row["value"], row["clicks"], row["previous"]["clicks"]) for row in answer["data"]]
        assert rows == [("same", 5, 0), ("same", 2, 3)][:limit]


def test_unknown_codes(database: Database) -> None:
    age_link(database, make_link(database), 100)
    paths = {BEGIN - DAY: {"x": 1, "y": 3}, BEGIN + DAY: {"x": 3, "y": 2}}
    drain(
        database,
        [
            Click(time_ms + number, None, 0, f"/{path}", user_agent=BROWSERS["Firefox"])
            for time_ms, counts in paths.items()
            for path, count in counts.items()
            for number in range(count)
        ],
    )
    answer = stats.of_orphans(database, a_question("code", limit=1))
    assert [tuple(each) for each in beside(answer).values()] == [(3, 1), (2, 3)]


# --- buckets


def ends(*days: int) -> Period:
    """A period of whole days, as many before today."""
    return Period(TODAY - days[0] * DAY, TODAY - days[1] * DAY, UTC)


#: By name: what ten days are compared with, and which days stand beside them, counted back from today.
BESIDE: dict[str, tuple[Comparison | Period, Sequence[int | None]]] = {
    "the previous ones": (Comparison.PREVIOUS, range(20, 10, -1)),
    "the same weekdays": (Comparison.WEEKDAY, range(24, 14, -1)),
    "a longer period": (ends(40, 10), range(40, 30, -1)),
    "a shorter one": (ends(40, 37), [40, 39, 38, *[None] * 7]),
    "one of a part of a day": (Period(TODAY - 30 * DAY, TODAY - 30 * DAY + period.SLOT_MS, UTC), [30, *[None] * 9]),
    "itself": (ends(10, 0), range(10, 0, -1)),
    "one that reaches into it": (ends(14, 4), range(14, 4, -1)),
}


@pytest.mark.parametrize(("compare", "days"), BESIDE.values(), ids=BESIDE)
def test_buckets_have_those_at_their_places(
    database: Database, compare: Comparison | Period, days: Sequence[int | None]
) -> None:
    link = make_link(database)
    age_link(database, link, 100)
    # On each day as many as it is days ago.
    drain(database, [click for ago in range(1, 41) for click in some(link, ago, TODAY - ago * DAY)])
    answer = stats.of_all(database, a_question("timeseries", compare=compare))
    found = [(row["clicks"], row["previous"] and row["previous"]["clicks"]) for row in answer["data"]]
    assert found == list(zip(range(10, 0, -1), days, strict=True))
    starts = [None if ago is None else period.from_ms(TODAY - ago * DAY).isoformat() for ago in days]
    assert [row["previous"] and row["previous"]["bucket"] for row in answer["data"]] == starts
    first, last = (period.from_ms(each).isoformat() for each in _ends_of(compare))
    told = answer["previous"]["range"]
    assert (told["start"], told["end"], told["granularity"]) == (first, last, "day")
    assert answer["previous"]["complete"]
    every = sum(row["clicks"] for row in answer["previous"]["data"])
    assert every == answer["previous"]["totals"]["clicks"], "those beyond the end too"


def _ends_of(compare: Comparison | Period) -> tuple[int, int]:
    found = comparison.compared(Period(BEGIN, END, UTC), compare)
    return found.start_ms, found.end_ms


def test_buckets_are_as_wide_as_those_of_the_range(database: Database) -> None:
    """Whatever would be chosen for the other period by itself."""
    make_link(database)
    answer = stats.of_all(database, a_question("timeseries", compare=ends(12, 11)))
    assert answer["previous"]["range"]["granularity"] == "day"
    assert len(answer["previous"]["data"]) == 1


def test_more_buckets_than_an_answer_may_have(database: Database) -> None:
    years = Period(TODAY - 5_000 * DAY, TODAY, UTC)
    with pytest.raises(errors.TooManyBuckets) as refusal:
        stats.of_all(database, a_question("timeseries", granularity=Granularity.HOUR, compare=years))
    assert refusal.value.field == "granularity"
    assert refusal.value.detail.startswith("The period compared with has more than 10000 buckets by hour;")


@pytest.mark.parametrize(
    ("compare", "clicks"),
    [*((each, 0) for each in Comparison), (ends(50, 20), 3), (ends(24, 20), 0)],
)
def test_all_of_it_is_compared_like_another_range(
    database: Database, compare: Comparison | Period, clicks: int
) -> None:
    """From the first day on, before which there is nothing; but what a period of its own has is counted."""
    link = make_link(database)
    age_link(database, link, 30)
    drain(database, some(link, 3, TODAY - 25 * DAY))
    question = a_question("timeseries", period=Asked(UTC, Interval.ALL), compare=compare)
    answer = stats.of_link(database, link.code, question)
    assert answer["totals"]["clicks"] == 3
    assert answer["previous"]["complete"]
    assert answer["previous"]["totals"]["clicks"] == clicks


def test_hours_of_the_week(database: Database) -> None:
    link = make_link(database)
    age_link(database, link, 100)
    drain(database, [*some(link, 2, BEGIN + DAY), *some(link, 3, BEGIN + DAY - 14 * DAY)])
    answer = stats.of_all(database, a_question("hour_of_week", compare=Comparison.WEEKDAY))
    assert len(answer["data"]) == 168
    assert [(row["clicks"], row["previous"]["clicks"]) for row in answer["data"] if row["clicks"]] == [(2, 3)]
    assert sum(row["previous"]["clicks"] for row in answer["data"]) == 3


# --- costs


@pytest.mark.parametrize("limit", [2, 3])
@pytest.mark.parametrize(
    "groupings", [("referrer",), ("tag",), ("link",), ("domain",), ("referrer", "browser", "code", "language")]
)
def test_one_more_query_however_many_rows(
    database: Database, world: Sequence[Link], groupings: Sequence[str], limit: int
) -> None:
    """And none where the first rows of the other period are all it has."""
    for link in world:
        tagged(database, link, "x")

    def asked(limit: int) -> int:
        with queries(database) as seen:
            stats.of_tag(database, "x", a_question(*groupings, limit=limit))
        return len(seen)

    assert asked(limit) - asked(100) == 1


def tagged(database: Database, link: Link, name: str) -> None:
    """Gives a link one more tag."""
    edits = {"tags": [*link.tags, name]}
    links.edit(database, POLICY, link.code, edits, domain=link.domain, actor="test")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("grouping", "column"), [("code", "value_id"), ("link", "link_id")])
def test_of_all_links_and_codes_only_some_are_added_up(
    database: Database, world: Sequence[Link], grouping: str, column: str
) -> None:
    plans: list[list[str]] = []

    def note(_connection: Any, cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            plan = cursor.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.append([row[-1] for row in plan.fetchall()])

    event.listen(database.engine, "before_cursor_execute", note)
    stats.of_all(database, a_question(grouping, limit=2))
    event.remove(database.engine, "before_cursor_execute", note)
    days = [step for step in plans[-1] if step.startswith("SEARCH click_breakdown USING")]
    assert days
    assert all(f"{column}=?" in step for step in days)


#: Clicks have a value of their own of each.
MANY = ("referrer", "referrer_url", "code", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


def test_the_most_that_can_be_asked(database: Database) -> None:
    """A thousand rows of ten groupings, none of which is among the thousand first ones of the other period."""
    link = make_link(database)
    age_link(database, link, 100)
    clicks = [
        click_on(
            link,
            time_ms + number,
            code=f"{name}-{number}",
            referrer=f"https://{name}-{number}.example",
            utm={f"utm_{what}": f"{name}-{number}" for what in ("source", "medium", "campaign", "term", "content")},
        )
        for name, time_ms in (("now", BEGIN + DAY), ("before", BEGIN - DAY))
        for number in range(1_001)
    ]
    drain(database, clicks)
    fold_all(database)
    for scope in (stats.of_all, partial(_of_link, link)):
        answer = scope(database, a_question(*MANY, "language", "link", limit=1_000))
        for name in MANY:
            group = answer["groups"][name]
            assert {row["previous"]["clicks"] for row in group["data"]} == {0}
            assert (len(group["data"]), group["other"]["clicks"]) == (1_000, 1)
            assert group["other"]["previous"]["clicks"] == 1_001
