"""Statistics against a plain-Python model: random clicks, zones, periods and groups; between two folds too."""

import random
from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from shortener.domain import period
from shortener.domain.click import ClickClass, Dimension
from shortener.domain.link import Link
from shortener.domain.period import Granularity
from shortener.services import stats
from shortener.services.stats import Question
from shortener.storage.engine import Database
from tests.clicks import Model, age_link, drain, fold_all, make_link, random_click

SPAN_DAYS = 100
ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati", "Australia/Lord_Howe"]
#: What random_click varies.
DIMENSIONS = (Dimension.REFERRER, Dimension.BROWSER, Dimension.LANGUAGE, Dimension.UTM_SOURCE, Dimension.CODE)
HUMANS = frozenset({ClickClass.HUMAN})


def question(dice: random.Random, now_ms: int) -> Question:
    """A random question about the last days."""
    ends = sorted(now_ms + 3_600_000 - int(dice.random() * SPAN_DAYS * period.DAY_MS) for _ in range(2))
    return Question(
        zone=ZoneInfo(dice.choice(ZONES)),
        classes=dice.choice([HUMANS, frozenset({ClickClass.BOT}), frozenset(ClickClass)]),
        dimension=dice.choice([None, *DIMENSIONS]),
        start=period.from_ms(ends[0]),
        end=period.from_ms(ends[1] + 1),
        granularity=dice.choice([None, *(g for g in Granularity if g is not Granularity.QUARTER_HOUR)]),
        limit=dice.choice([1, 2, 100]),
    )


def check(answer: stats.Answer, asked: Question, model: Model, link: Link | None) -> None:
    """Holds `answer` against what the model counts."""
    start, end = (period.to_ms(datetime.fromisoformat(answer["range"][name])) for name in ("start", "end"))
    inside = [s for s in model.seen if start <= s.time_ms < end and (link is None or s.link_id == link.id)]
    wanted = [s for s in inside if s.click_class in asked.classes]
    assert answer["totals"] == {"clicks": len(wanted), "unique": sum(s.first for s in wanted)}
    left_out = Counter(s.click_class.label for s in inside if s.click_class not in asked.classes)
    assert answer["excluded"] == dict(left_out)
    rows = [*answer["data"], *([answer["other"]] if "other" in answer else [])]
    for name in ("clicks", "unique"):
        assert sum(row[name] for row in rows) == answer["totals"][name]
    if asked.dimension is None:
        check_series(answer, asked, [s.time_ms for s in wanted])
    else:
        check_breakdown(answer, asked, Counter(s.values.get(asked.dimension) for s in wanted))


def check_series(answer: stats.Answer, asked: Question, times: list[int]) -> None:
    starts = [period.to_ms(datetime.fromisoformat(row["bucket"])) for row in answer["data"]]
    ends = [*starts[1:], period.to_ms(datetime.fromisoformat(answer["range"]["end"]))]
    assert starts == sorted(set(starts))
    for row, start, end in zip(answer["data"], starts, ends, strict=True):
        assert row["clicks"] == sum(start <= time < end for time in times), row
    if asked.granularity is Granularity.DAY:
        local = [datetime.fromisoformat(row["bucket"]) for row in answer["data"][1:]]
        assert all((moment.hour, moment.minute) == (0, 0) for moment in local)


def check_breakdown(answer: stats.Answer, asked: Question, counts: Counter[str | None]) -> None:
    shown = {row["value"]: row["clicks"] for row in answer["data"]}
    assert list(shown.values()) == sorted(counts.values(), reverse=True)[: asked.limit]
    assert all(counts[value] == clicks for value, clicks in shown.items())
    assert len(shown) == min(asked.limit, len(counts))


@pytest.mark.parametrize("seed", range(3))
def test_answers_equal_the_model(database: Database, seed: int) -> None:
    dice = random.Random(seed)
    now_ms = period.to_ms(datetime.now(UTC))
    links = [make_link(database) for _ in range(3)]
    for link in links:
        age_link(database, link, SPAN_DAYS + 1)
    model = Model()
    for _ in range(4):
        clicks = [random_click(dice.choice(links), now_ms, SPAN_DAYS, dice) for _ in range(120)]
        drain(database, clicks)
        model.add(clicks)
        if dice.random() < 0.6:
            fold_all(database, dimensions=dice.sample(list(Dimension), k=8))
        for _ in range(25):
            asked = question(dice, now_ms)
            chosen = dice.choice([None, *links])
            answer = stats.of_link(database, chosen.code, asked) if chosen else stats.of_all(database, asked)
            check(answer, asked, model, chosen)
    # Twice as many questions once everything is folded.
    fold_all(database)
    for _ in range(50):
        asked = question(dice, now_ms)
        check(stats.of_all(database, asked), asked, model, None)
