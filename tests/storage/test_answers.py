"""Kept answers: given again while nothing has happened, and never when something has."""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

import orjson
import pytest
from sqlalchemy import event, func, select

from shortener.domain import period
from shortener.domain.click import ClickClass, Dimension
from shortener.domain.comparison import Comparison
from shortener.domain.filter import Filter
from shortener.domain.grouping import Grouping
from shortener.domain.link import Link
from shortener.domain.period import Asked, Interval
from shortener.services import answers as answers_module
from shortener.services import erasing, scopes, stats
from shortener.services.answers import Answers
from shortener.services.scopes import Place
from shortener.services.stats import Answer, Question
from shortener.storage import erasing as erasures
from shortener.storage.click_tables import link_total
from shortener.storage.engine import Database
from tests.clicks import BOT, age_link, click_on, drain, fold_all, make_link, random_click
from tests.frames import Click
from tests.spools import now_ms
from tests.storage.test_pruning import prune_all

ROOM = 1_000_000
SPAN_DAYS = 40
UTC = ZoneInfo("UTC")
#: What has a state of its own: a link, and the pseudo-links.
PLACES: Sequence[Place] = (scopes.link("one"), scopes.ALL, scopes.ORPHANS, scopes.domain(""))
#: The same for all questions: a period that ends now is another one in the next quarter of an hour.
NOW = now_ms()
#: Where clicks are found; the last one's id alone says nothing of them.
CLICKS = re.compile(r"click\.class\b|FROM click_(breakdown|series)\b")
PAGE = ("timeseries", "referrer", "browser", "code")
#: To compare with.
LAST_MONTH = period.between(
    period.from_ms(NOW - 50 * period.DAY_MS), period.from_ms(NOW - 20 * period.DAY_MS), ZoneInfo("UTC")
)


def a_page(**fields: object) -> Question:
    asked = Asked(UTC, start=period.from_ms(NOW - SPAN_DAYS * period.DAY_MS), end=period.from_ms(NOW + period.DAY_MS))
    return Question(**{"period": asked, "classes": frozenset(ClickClass), "groupings": PAGE, **fields})  # type: ignore[arg-type]


@pytest.fixture
def links(database: Database) -> Sequence[Link]:
    """Two, with clicks of many days."""
    made = [make_link(database, code) for code in ("one", "two")]
    for link in made:
        age_link(database, link, SPAN_DAYS + 1)
    dice = random.Random(1)
    drain(database, [random_click(dice.choice(made), now_ms(), SPAN_DAYS - 2, dice) for _ in range(80)])
    drain(database, [Click(now_ms(), None, 0, f"/nothing-{number}") for number in range(3)])
    return made


@contextmanager
def queries(database: Database) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def told(answers: Answers, place: Place, question: Question) -> Answer:
    found: Answer = orjson.loads(orjson.dumps(answers.json(place, question)))
    return found


def is_kept(database: Database, answers: Answers, place: Place, question: Question) -> bool:
    """Whether an answer is given as it stands: then nothing but the state of the clicks is asked for."""
    with queries(database) as seen:
        answers.json(place, question)
    return not any(CLICKS.search(statement) for statement in seen)


def one_more(database: Database, link: Link) -> None:
    drain(database, [click_on(link, now_ms())])


def a_robot(database: Database, link: Link) -> None:
    drain(database, [click_on(link, now_ms(), user_agent=BOT)])


def one_of_last_month(database: Database, link: Link) -> None:
    drain(database, [click_on(link, now_ms() - 35 * period.DAY_MS)])


def an_orphan(database: Database, _link: Link) -> None:
    drain(database, [Click(now_ms(), None, 0, "/nowhere")])


def folding(database: Database, _link: Link) -> None:
    fold_all(database)


def pruning(database: Database, _link: Link) -> None:
    fold_all(database)
    prune_all(database, keep_days=3)


def as_many_anew(database: Database, link: Link) -> None:
    """All that there were are gone, and as many have come, as many of them first ones: no sum tells."""
    before = counted(database, link)
    erasing.of_link(database, link.code, actor="test")
    others(database, link, *before)
    assert counted(database, link) == before


def counted(database: Database, link: Link) -> tuple[int, int]:
    """Clicks on a link, and first ones among them, of all classes."""
    where = link_total.c.link_id == link.id
    with database.read() as connection:
        clicks, unique = connection.execute(
            select(func.sum(link_total.c.clicks), func.sum(link_total.c.unique)).where(where)
        ).one()
    return int(clicks), int(unique)


def others(database: Database, link: Link, clicks: int, unique: int) -> None:
    """So many clicks come that are not like those that there were; whoever has no hash is nobody's first."""
    hashes = [*(random.getrandbits(62) + 1 for _ in range(unique)), *[0] * (clicks - unique)]
    then = now_ms() + 1
    drain(database, [click_on(link, then, referrer="https://new.example", visitor_hash=each) for each in hashes])


HAPPENINGS: Sequence[Callable[[Database, Link], None]] = (
    one_more,
    a_robot,
    one_of_last_month,
    an_orphan,
    folding,
    pruning,
    as_many_anew,
)


@pytest.mark.parametrize("happens", HAPPENINGS, ids=lambda happens: happens.__name__)
def test_whatever_happens_is_told(
    database: Database, links: Sequence[Link], happens: Callable[[Database, Link], None]
) -> None:
    answers = Answers(database, ROOM)
    mail = Filter(Dimension.REFERRER, frozenset({"a.example"}), excluded=True)
    compared = [a_page(compare=each) for each in (*Comparison, LAST_MONTH)]
    questions = [a_page(), a_page(filters=(mail,)), *compared, a_page(classes=frozenset({ClickClass.BOT}))]
    before = [told(answers, place, question) for place in PLACES for question in questions]
    for _ in range(2):
        happens(database, links[0])
        after = [told(answers, place, question) for place in PLACES for question in questions]
        assert after == [stats.answer(database, place, question) for place in PLACES for question in questions]
    assert (after == before) is (happens is folding)


def test_nothing_is_kept_while_clicks_are_erased(database: Database, links: Sequence[Link]) -> None:
    """Some go, and as many others come."""
    answers, question, link = Answers(database, ROOM), a_page(), links[0]
    with database.write() as connection:
        erasure, _ = erasures.begin(connection, link.id, 0, now_ms())
    before = [told(answers, place, question) for place in PLACES]
    clicks, unique = counted(database, link)
    next(erasures.steps(database, erasure))
    clicks_left, unique_left = counted(database, link)
    assert clicks_left < clicks
    others(database, link, clicks - clicks_left, unique - unique_left)
    assert counted(database, link) == (clicks, unique)
    after = [told(answers, place, question) for place in PLACES]
    assert after == [stats.answer(database, place, question) for place in PLACES]
    assert after != before


@pytest.mark.parametrize("place", PLACES)
def test_what_nothing_happened_to_is_given_as_it_stands(
    database: Database, links: Sequence[Link], place: Place
) -> None:
    answers, question = Answers(database, ROOM), a_page()
    first = told(answers, place, question)
    assert is_kept(database, answers, place, question)
    assert told(answers, place, question) == first
    assert not is_kept(database, answers, place, a_page(limit=1)), "another question"
    if place is PLACES[0]:
        one_more(database, links[1])
        assert is_kept(database, answers, place, question), "a click on another link"


@pytest.mark.usefixtures("links")
@pytest.mark.parametrize("grouping", [str(each) for each in Grouping])
def test_names_of_links_are_not_kept(database: Database, grouping: str) -> None:
    """They change, and tags do, without a click."""
    answers, question = Answers(database, ROOM), a_page(groupings=("timeseries", grouping))
    told(answers, scopes.ALL, question)
    assert is_kept(database, answers, scopes.ALL, question) is (grouping not in {"link", "tag", "domain"})


def test_those_of_a_tag_are_not_kept(database: Database) -> None:
    make_link(database, "tagged", tags=("red",))
    answers = Answers(database, ROOM)
    told(answers, scopes.tag("red"), a_page())
    assert not is_kept(database, answers, scopes.tag("red"), a_page())


@pytest.mark.parametrize("is_compared", [False, True])
def test_what_a_clock_dates_later_leaves_a_period_that_has_ended(
    database: Database, links: Sequence[Link], monkeypatch: pytest.MonkeyPatch, *, is_compared: bool
) -> None:
    """It is told of now, and belongs to what comes then: see period.filled_up."""
    answers = Answers(database, ROOM)
    end_ms = NOW // period.SLOT_MS * period.SLOT_MS - period.DAY_MS
    over = [period.from_ms(end_ms - ago * period.DAY_MS) for ago in (1, 0)]
    before = [period.from_ms(end_ms - ago * period.DAY_MS) for ago in (4, 3)]
    drain(database, [click_on(links[0], end_ms + 1)])
    fold_all(database)
    question = Question(Asked(UTC, Interval.MONTH, *over), frozenset(ClickClass), ("browser",))
    if is_compared:
        # The range is over all the while, and what it is compared with ends.
        compare = period.between(over[0], over[1], UTC)
        question = replace(question, period=Asked(UTC, Interval.MONTH, *before), compare=compare)

    class Before(datetime):
        """A clock on which the end is to come."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Before":
            return cls.fromtimestamp((end_ms - 1) / 1000, tz)

    with monkeypatch.context() as patch:
        for module in (stats, answers_module):
            patch.setattr(module, "datetime", Before)
        at_first = told(answers, scopes.ALL, question)
    after = told(answers, scopes.ALL, question)
    assert after == stats.answer(database, scopes.ALL, question)
    clicks = [(each["previous"] if is_compared else each)["totals"]["clicks"] for each in (at_first, after)]
    assert clicks[1] < clicks[0]


def size(database: Database, question: Question) -> int:
    """Bytes that keeping an answer takes."""
    return len(orjson.dumps(stats.answer(database, scopes.ALL, question))) + 1_000


@pytest.mark.usefixtures("links")
def a_filtered_page(**fields: object) -> Question:
    """Of those the answer alone is kept, and not what it is made of."""
    short = Filter(Dimension.REFERRER, frozenset({"nobody.example"}), excluded=True)
    return a_page(**{"filters": (short,), **fields})


class TestRoom:
    def test_those_asked_for_last_stay(self, database: Database) -> None:
        questions = [a_filtered_page(limit=limit) for limit in (1, 2, 3, 4, 5)]
        answers = Answers(database, int(4.5 * max(size(database, each) for each in questions)))
        for question in questions[:4]:
            answers.json(scopes.ALL, question)
        assert is_kept(database, answers, scopes.ALL, questions[0])
        answers.json(scopes.ALL, questions[4])
        assert not is_kept(database, answers, scopes.ALL, questions[1]), "the oldest went"
        assert is_kept(database, answers, scopes.ALL, questions[0])
        assert is_kept(database, answers, scopes.ALL, questions[4])

    def test_a_newer_one_takes_the_place_of_the_older(self, database: Database, links: Sequence[Link]) -> None:
        question, other = a_filtered_page(), a_filtered_page(limit=1)
        answers = Answers(database, 5 * size(database, question))
        answers.json(scopes.ALL, other)
        for _ in range(6):
            one_more(database, links[0])
            answers.json(scopes.ORPHANS, other)
            answers.json(scopes.ALL, question)
        assert is_kept(database, answers, scopes.ORPHANS, other)

    def test_long_questions_take_room_too(self, database: Database) -> None:
        long = Filter(Dimension.REFERRER, frozenset(f"{number}.example" for number in range(100)), excluded=True)
        answers = Answers(database, 4 * (size(database, a_filtered_page()) + 200))
        for question in (a_filtered_page(), a_filtered_page(filters=(long,))):
            answers.json(scopes.ALL, question)
        assert is_kept(database, answers, scopes.ALL, a_filtered_page())
        assert not is_kept(database, answers, scopes.ALL, a_filtered_page(filters=(long,)))

    @pytest.mark.parametrize("most_bytes", [0, 1, 1_000])
    def test_what_is_too_large_is_not_kept(self, database: Database, most_bytes: int) -> None:
        answers = Answers(database, most_bytes)
        told(answers, scopes.ALL, a_page())
        assert not is_kept(database, answers, scopes.ALL, a_page())
