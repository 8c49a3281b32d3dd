"""Leaders: whatever the days and months look like, none of the first is left out."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.domain import period
from shortener.domain.click import ClickClass
from shortener.domain.period import Asked
from shortener.services import stats
from shortener.services.stats import Question
from shortener.storage import leaders
from shortener.storage.engine import Database
from tests.clicks import age_link, drain, fold_all, make_link, random_click

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
def test_codes_of_all_links_are_those_that_were_clicked(database: Database, shares: Sequence[float]) -> None:
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
            question = Question(asked, frozenset(ClickClass), ("code",), limit=limit)
            answer = stats.of_all(database, question)
            begin, finish = (period.to_ms(datetime.fromisoformat(answer["range"][name])) for name in ("start", "end"))
            counted = Counter(each.code for each in clicks if begin <= each.time_ms < finish)
            wanted = sorted(counted.values(), reverse=True)[:limit]
            assert [row["clicks"] for row in answer["data"]] == wanted
            assert all(counted[row["value"]] == row["clicks"] for row in answer["data"])
            assert answer["other"]["clicks"] == counted.total() - sum(wanted)
