"""Leaders: whatever the days and months look like, none of the first is left out."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from shortener.domain import period
from shortener.domain.click import ClickClass
from shortener.domain.period import Asked
from shortener.services import stats
from shortener.services.stats import Question
from shortener.storage import leaders
from shortener.storage.click_tables import OF_CODES, OF_LINKS
from shortener.storage.engine import Database
from tests.clicks import age_link, click_on, drain, fold_all, make_link, random_click

SPAN_DAYS = 70
#: Shares of the clicks by rank: a few codes that lead, and codes that are all alike.
SHARES = {"few-lead": [1 / rank for rank in range(1, 61)], "all-alike": [1.0] * 60}


def first_ones(ranking: Mapping[int, int], depth: int) -> Sequence[tuple[int, int]]:
    return sorted(ranking.items(), key=lambda each: -each[1])[:depth]


@given(
    rankings=st.lists(st.dictionaries(st.integers(1, 30), st.integers(1, 40)), min_size=1, max_size=6),
    most=st.integers(1, 5),
    times=st.integers(1, 4),
)
def test_no_code_is_left_out_that_has_as_many_clicks_as_the_last(
    rankings: Sequence[Mapping[int, int]], most: int, times: int
) -> None:
    depth = most * times
    found = leaders.leaders([first_ones(ranking, depth) for ranking in rankings], depth, most)
    sums = sum((Counter(ranking) for ranking in rankings), Counter[int]())
    last = min((clicks for _, clicks in sums.most_common(most)), default=0)
    if found is not None:
        assert found >= {code for code, clicks in sums.items() if clicks >= last}
    if all(len(ranking) < depth for ranking in rankings):
        assert found is not None, "everything was read"


@pytest.mark.parametrize("shares", SHARES.values(), ids=SHARES)
@pytest.mark.parametrize("grouping", ["code", "link"])
def test_first_ones_are_those_that_were_clicked(database: Database, shares: Sequence[float], grouping: str) -> None:
    dice = random.Random(7)
    now_ms = period.to_ms(datetime.now(UTC))
    links = [make_link(database, f"code-{rank:02}") for rank in range(len(shares))]
    for link in links:
        age_link(database, link, SPAN_DAYS + 1)
    clicks = [random_click(link, now_ms, SPAN_DAYS, dice) for link in dice.choices(links, shares, k=1_500)]
    drain(database, clicks[:1_400])
    fold_all(database)
    # Above the mark, the drained ones are raw.
    drain(database, clicks[1_400:])
    for start, end, zone in (
        (now_ms - SPAN_DAYS * period.DAY_MS, now_ms + 1, "UTC"),
        (now_ms - 40 * period.DAY_MS, now_ms - 3 * period.DAY_MS, "Asia/Kathmandu"),
    ):
        asked = Asked(ZoneInfo(zone), start=period.from_ms(start), end=period.from_ms(end))
        for limit in (1, 3, 10):
            question = Question(asked, frozenset(ClickClass), (grouping,), limit=limit)
            answer = stats.of_all(database, question)
            begin, finish = (period.to_ms(datetime.fromisoformat(answer["range"][name])) for name in ("start", "end"))
            counted = Counter(each.code for each in clicks if begin <= each.time_ms < finish)
            wanted = sorted(counted.values(), reverse=True)[:limit]
            assert [row["clicks"] for row in answer["data"]] == wanted
            assert all(counted[row["value"]] == row["clicks"] for row in answer["data"])
            assert answer["other"]["clicks"] == counted.total() - sum(wanted)


@pytest.mark.parametrize(("grouping", "where"), [("code", OF_CODES.text), ("link", OF_LINKS.text)])
def test_some_tell_of_all(database: Database, monkeypatch: pytest.MonkeyPatch, grouping: str, where: str) -> None:
    """Where a few lead, only some are added up, and none is found without the index."""
    answers: list[frozenset[int] | None] = []
    real = leaders.among

    def noted(*given: Any) -> frozenset[int] | None:
        answers.append(real(*given))
        return answers[-1]

    monkeypatch.setattr(leaders, "among", noted)
    now_ms = period.to_ms(datetime.now(UTC))
    links = [make_link(database, f"code-{rank:02}") for rank in range(20)]
    for link in links:
        age_link(database, link, SPAN_DAYS + 1)
    then_ms = now_ms - 10 * period.DAY_MS
    drain(
        database, [click_on(link, then_ms) for rank, link in enumerate(links) for _ in range(40 if rank < 2 else 1)]
    )
    fold_all(database)
    asked = Asked(ZoneInfo("UTC"), start=period.from_ms(then_ms - 5 * period.DAY_MS), end=period.from_ms(now_ms))
    plans: list[str] = []
    with watched(database, where, plans):
        answer = stats.of_all(database, Question(asked, frozenset({ClickClass.HUMAN}), (grouping,), limit=2))
    assert [row["clicks"] for row in answer["data"]] == [40, 40]
    assert answer["other"]["clicks"] == 18
    (found,) = answers
    assert found is not None
    assert len(found) == 2
    assert plans
    if database.is_sqlite:
        assert all("ix_click_breakdown" in plan and "TEMP B-TREE" not in plan for plan in plans), plans


@contextmanager
def watched(database: Database, where: str, plans: list[str]) -> Iterator[None]:
    """Notes how the lists of leaders are found."""

    def note(_connection: Any, cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "clicks DESC" not in statement or where not in statement:
            return
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        other = cursor.connection.cursor()
        other.execute(f"{explain} {statement}", parameters)
        plans.append("; ".join(str(row[-1]) for row in other.fetchall()))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
