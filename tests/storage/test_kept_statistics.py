"""What is kept for statistics: answers are those of the rollups, whatever happens, and little is read again."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import orjson
import pytest

from shortener.domain import period
from shortener.domain.click import ClickClass, Dimension
from shortener.domain.link import Link
from shortener.domain.period import Asked, Granularity, Interval, Period
from shortener.services import erasing, rollup, scopes, since, stats, values
from shortener.services.answers import Answers
from shortener.services.rollup import Rollup
from shortener.services.scopes import Place
from shortener.services.stats import Answer, Question
from shortener.storage.click_tables import TOTAL
from shortener.storage.engine import Database
from tests.clicks import age_link, click_on, drain, fold_all, make_link, random_click
from tests.frames import Click
from tests.sizes import nightly, size
from tests.spools import now_ms
from tests.storage.test_pruning import prune_all
from tests.storage.test_statistics import a_question

ROOM = 4_000_000
SPAN_DAYS = 100
UTC = ZoneInfo("UTC")
PLACES: Sequence[Place] = (scopes.link("one"), scopes.ALL, scopes.ORPHANS, scopes.domain(""), scopes.tag("red"))
PAGE = ("timeseries", "referrer", "browser", "hour_of_week", "code", "language")


def a_page(**fields: object) -> Question:
    asked = Asked(UTC, Interval.QUARTER)
    return Question(**{"period": asked, "classes": frozenset(ClickClass), "groupings": PAGE, **fields})  # type: ignore[arg-type]


@pytest.fixture
def links(database: Database) -> Sequence[Link]:
    """Two that are old."""
    made = [make_link(database, code, tags=("red",)) for code in ("one", "two")]
    for link in made:
        age_link(database, link, SPAN_DAYS + 1)
    return made


@pytest.fixture(autouse=True)
def everybody_has_many_clicks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else all would be told by slots."""
    monkeypatch.setattr(rollup, "_FEW_CLICKS", 0)


@pytest.fixture
def everything_is_told_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if many clicks had come since."""
    monkeypatch.setattr(since, "_MOST_SINCE", -1)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Period]:
    """The periods of which values are read, one for each dimension; of the whole, past and present."""
    found: list[Period] = []
    for name in ("by_values", "counts"):
        monkeypatch.setattr(Rollup, name, _noting(getattr(Rollup, name), found))
    return found


def _noting(asked: Callable[..., object], found: list[Period]) -> Callable[..., object]:
    def note(self: Rollup, dimensions: Sequence[Dimension], *most: int) -> object:
        found.extend([self.period] * len(dimensions))
        return asked(self, dimensions, *most)

    return note


def told(answers: Answers, place: Place, question: Question) -> Answer:
    found: Answer = orjson.loads(orjson.dumps(answers.json(place, question)))
    return found


def happen(database: Database, links: Sequence[Link], dice: random.Random) -> None:
    """Clicks of now mostly, and what is rare."""
    span_days = dice.choice([1, 1, 1, SPAN_DAYS])
    clicks = [random_click(dice.choice(links), now_ms(), span_days, dice) for _ in range(30)]
    drain(database, [*clicks, Click(now_ms(), None, 0, f"/nothing-{dice.randrange(3)}")])
    if dice.random() < 0.5:
        fold_all(database, dimensions=dice.sample([TOTAL, *map(int, Dimension)], k=9))
    if dice.random() < 0.2:
        fold_all(database)
        prune_all(database, keep_days=dice.choice([60, 3]))
    if dice.random() < 0.2:
        erasing.of_link(database, dice.choice(links).code, actor="test")


@nightly
@pytest.mark.parametrize(("seed", "most_since", "few"), [(0, 500, 0), (1, 500, 500), (2, 40, 10), (3, -1, 10)])
def test_whatever_happens_answers_are_those_of_the_whole(
    database: Database, links: Sequence[Link], monkeypatch: pytest.MonkeyPatch, seed: int, most_since: int, few: int
) -> None:
    monkeypatch.setattr(since, "_MOST_SINCE", most_since)
    monkeypatch.setattr(since, "_FEW", few)
    dice, answers = random.Random(seed), Answers(database, ROOM)
    drain(database, [random_click(dice.choice(links), now_ms(), SPAN_DAYS, dice) for _ in range(200)])
    questions = [a_page(), *(a_question(dice, now_ms()) for _ in range(size(4, 8)))]
    for _ in range(size(3, 40)):
        for place in PLACES:
            for question in questions:
                assert told(answers, place, question) == stats.answer(database, place, question)
        happen(database, links, dice)


@pytest.mark.parametrize("most_since", [500, -1])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/St_Johns"])
@pytest.mark.parametrize("granularity", list(Granularity))
def test_buckets_at_the_seam(
    database: Database,
    links: Sequence[Link],
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
    granularity: Granularity,
    most_since: int,
) -> None:
    """A click in every quarter of an hour around it."""
    monkeypatch.setattr(since, "_MOST_SINCE", most_since)
    seam_ms = (period.day_of(now_ms()) - 1) * period.DAY_MS
    moments = range(seam_ms - 2 * period.DAY_MS, now_ms(), period.SLOT_MS)
    drain(database, [click_on(links[0], moment + 1) for moment in moments])
    fold_all(database)
    answers = Answers(database, ROOM)
    asked = Asked(ZoneInfo(zone), Interval.MONTH)
    question = Question(asked, frozenset(ClickClass), ("timeseries", "hour_of_week"), granularity=granularity)
    for _ in range(2):
        found = told(answers, scopes.link("one"), question)
        assert found == stats.answer(database, scopes.link("one"), question)
        assert found["totals"]["clicks"] >= len(moments)
        drain(database, [click_on(links[0], moment) for moment in (now_ms(), seam_ms - 1, seam_ms, moments.start)])


def test_what_was_told_is_told_with_the_clicks_since(
    database: Database, links: Sequence[Link], read: list[Period], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(since, "_MOST_SINCE", 4)
    answers, question = Answers(database, ROOM), a_page()
    drain(database, [click_on(links[0], now_ms() - days * period.DAY_MS) for days in range(80)])
    told(answers, scopes.link("one"), question)
    for days, referrer in ((0, ""), (1, "https://new.example"), (40, "https://new.example"), (200, "")):
        read.clear()
        drain(database, [click_on(links[0], now_ms() - days * period.DAY_MS, referrer=referrer)])
        found = told(answers, scopes.link("one"), question)
        # Codes are told by the database.
        assert len(read) == 1, "of a rollup"
        assert found == stats.answer(database, scopes.link("one"), question)
    read.clear()
    drain(database, [click_on(links[1], now_ms())])
    told(answers, scopes.link("one"), question)
    assert not read, "nothing has happened to this link"
    told(answers, scopes.link("two"), question)
    drain(database, [click_on(links[0], now_ms()) for _ in range(9)])
    read.clear()
    told(answers, scopes.link("two"), replace(question, limit=7))
    assert len(read) == 1, "all have happened to another link"
    told(answers, scopes.link("one"), replace(question, limit=7))
    assert len(read) > 2, "too many since"


def test_what_is_told_with_clicks_since_is_told_from_there_on(
    database: Database, links: Sequence[Link], read: list[Period], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(since, "_MOST_SINCE", 4)
    monkeypatch.setattr(since, "_FEW", 2)
    answers, question = Answers(database, ROOM), a_page(groupings=("timeseries", "referrer", "browser"))
    told(answers, scopes.link("one"), question)
    for number in range(4):
        read.clear()
        referrer = f"https://{number}.example"
        drain(database, [click_on(links[0], now_ms(), referrer=referrer) for _ in range(3)])
        assert told(answers, scopes.link("one"), question) == stats.answer(database, scopes.link("one"), question)
        assert len(read) == 2, "by the answer that was made from the whole"


def test_values_that_become_too_many_are_not_kept(
    database: Database, links: Sequence[Link], read: list[Period], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "MOST", 3)
    monkeypatch.setattr(since, "_FEW", 0)
    answers, question = Answers(database, ROOM), a_page(groupings=("referrer",))
    told(answers, scopes.link("one"), question)
    reads = []
    for number in range(6):
        read.clear()
        drain(database, [click_on(links[0], now_ms(), referrer=f"https://{number}.example")])
        told(answers, scopes.link("one"), question)
        reads.append(bool(read))
    assert reads == [False, False, False, False, True, True], "by the database, once four are there"


@pytest.mark.usefixtures("everything_is_told_anew")
def test_the_past_is_read_once(database: Database, links: Sequence[Link], read: list[Period]) -> None:
    answers = Answers(database, ROOM)
    drain(database, [click_on(links[0], now_ms() - days * period.DAY_MS) for days in range(80)])
    question = a_page(groupings=("referrer", "browser"))
    told(answers, scopes.ALL, question)
    seam_ms = max(each.start_ms for each in read)
    assert [each.start_ms < seam_ms for each in read] == [True, True, False, False]
    read.clear()
    drain(database, [click_on(links[0], now_ms())])
    told(answers, scopes.ALL, question)
    assert [each.start_ms for each in read] == [seam_ms] * 2, "a click of today"
    read.clear()
    told(answers, scopes.ALL, a_page(groupings=("browser", "language"), limit=1))
    assert sorted(each.start_ms < seam_ms for each in read) == [False, True], "language alone"
    read.clear()
    drain(database, [click_on(links[0], now_ms() - 40 * period.DAY_MS)])
    told(answers, scopes.ALL, question)
    assert [each.start_ms < seam_ms for each in read] == [True, True, False, False], "a click of last month"


@pytest.mark.usefixtures("links")
@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(Asked(UTC, Interval.WEEK), id="it is short"),
        pytest.param(
            Asked(
                UTC,
                start=period.from_ms(now_ms() - 60 * period.DAY_MS),
                end=period.from_ms(now_ms() - 3 * period.DAY_MS),
            ),
            id="it is over",
        ),
    ],
)
def test_a_period_is_told_as_a_whole(database: Database, read: list[Period], asked: Asked) -> None:
    answers = Answers(database, ROOM)
    told(answers, scopes.ALL, a_page(period=asked))
    assert len({each.start_ms for each in read}) == 1


@pytest.mark.usefixtures("links")
@pytest.mark.parametrize(
    ("room", "place"),
    [pytest.param(0, scopes.ALL, id="nothing is kept"), pytest.param(ROOM, scopes.tag("red"), id="links change")],
)
def test_nothing_is_told_in_halves_where(database: Database, read: list[Period], room: int, place: Place) -> None:
    answers = Answers(database, room)
    told(answers, place, a_page())
    assert len({each.start_ms for each in read}) == 1


@pytest.mark.parametrize("days_ago", [0, 40])
def test_values_that_are_too_many_are_told_by_the_database(
    database: Database, links: Sequence[Link], monkeypatch: pytest.MonkeyPatch, days_ago: int
) -> None:
    monkeypatch.setattr(values, "MOST", 3)
    then = now_ms() - days_ago * period.DAY_MS
    drain(database, [click_on(links[0], then, referrer=f"https://{number}.example") for number in range(5)])
    drain(database, [click_on(links[0], now_ms() - days * period.DAY_MS) for days in (0, 40)])
    answers, question = Answers(database, ROOM), a_page(groupings=("browser", "referrer", "language"))
    for _ in range(2):
        assert told(answers, scopes.ALL, question) == stats.answer(database, scopes.ALL, question)
        drain(database, [click_on(links[0], now_ms())])
