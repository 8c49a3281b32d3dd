"""Answers about clicks. One question, one snapshot: totals, rows and rest always add up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from shortener import errors
from shortener.domain import buckets
from shortener.domain import comparison as comparisons
from shortener.domain import period as periods
from shortener.domain.click import ClickClass
from shortener.domain.comparison import Comparison
from shortener.domain.filter import Filter
from shortener.domain.grouping import HOUR_OF_WEEK, TIMESERIES
from shortener.domain.period import Asked, Granularity, Interval, Period
from shortener.services import comparison, groups, halves, rollup, scopes
from shortener.services.comparison import Side
from shortener.services.groups import Group, Ranking
from shortener.services.raw import Raw
from shortener.services.scopes import Place
from shortener.services.shelf import Shelf
from shortener.services.since import Since
from shortener.services.sources import Source
from shortener.storage import stats as rows
from shortener.storage.engine import Connection, Database
from shortener.storage.stats import Count, Scope, State

Answer = dict[str, Any]

#: Groupings that are answered from slots, which are kept for ever.
_OF_TIME = frozenset({TIMESERIES, HOUR_OF_WEEK})


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about clicks, whoever they are on."""

    period: Asked
    classes: frozenset[ClickClass]
    #: One or several of domain.grouping.Grouping.
    groupings: tuple[str, ...] = (TIMESERIES,)
    #: All of them must let a click pass.
    filters: tuple[Filter, ...] = ()
    #: None chooses by the length of the period.
    granularity: Granularity | None = None
    #: Most rows of a breakdown.
    limit: int = 100
    #: Which period the same is asked of; None for no other.
    compare: Comparison | Period | None = None


class Found(NamedTuple):
    """Whose clicks are asked about, and what became of them so far."""

    scope: Scope
    state: State
    #: The id of the last click of all.
    last_click: int


def of_link(database: Database, code: str, question: Question, domain: str = "") -> Answer:
    """The answer for the link called `code`. Raises LinkNotFound, DomainInvalid and what `resolved` raises."""
    return answer(database, scopes.link(code, domain), question)


def of_all(database: Database, question: Question) -> Answer:
    """The answer for all links of this instance. Raises what `resolved` raises."""
    return answer(database, scopes.ALL, question)


def of_orphans(database: Database, question: Question) -> Answer:
    """The answer for unknown codes. Raises what `resolved` raises."""
    return answer(database, scopes.ORPHANS, question)


def of_domain(database: Database, name: str, question: Question) -> Answer:
    """The answer for all links on a domain; the empty name is the default one. Raises DomainNotFound."""
    return answer(database, scopes.domain(name), question)


def of_tag(database: Database, name: str, question: Question) -> Answer:
    """The answer for the links that carry a tag now. Raises TagNotFound."""
    return answer(database, scopes.tag(name), question)


def answer(database: Database, place: Place, question: Question) -> Answer:
    """The answer for what is found at `place`. Raises what that raises, and what `resolved` raises."""
    with database.read() as connection:
        scope, first = place(connection)
        period = resolved(connection, scope, first, question)
        return answered(connection, Found(scope, *rows.state(connection, scope)), period, question)


def answered(
    connection: Connection, found: Found, period: Period, question: Question, shelf: Shelf | None = None
) -> Answer:
    """The answer for a scope and a period that has been `resolved`; on the shelf is what it may be made of.

    Raises TooManyBuckets.
    """
    side = _side(connection, found, question, period, shelf, has_all=_is_about_all(question))
    if question.compare is None:
        return side.answer
    # In buckets of the same width, whatever the length of the other period.
    same = replace(question, granularity=side.granularity)
    try:
        previous = _side(connection, found, same, comparisons.compared(period, question.compare), shelf)
    except errors.TooManyBuckets as error:
        raise _too_many_buckets(side.granularity) from error
    return comparison.joined(connection, side, previous)


def _too_many_buckets(granularity: Granularity | None) -> errors.TooManyBuckets:
    most = f"more than {buckets.MAX_BUCKETS} buckets by {granularity}"
    detail = f"The period compared with has {most}; choose a coarser granularity or a shorter period."
    return errors.TooManyBuckets(detail, field="granularity")


def periods_of(period: Period, question: Question) -> Sequence[Period]:
    """The periods that the answer for `period` is about: that one, and the one it is compared with."""
    return (period,) if question.compare is None else (period, comparisons.compared(period, question.compare))


def _side(
    connection: Connection,
    found: Found,
    question: Question,
    asked: Period,
    shelf: Shelf | None,
    *,
    has_all: bool = False,
) -> Side:
    """What is answered about one period; `has_all` says that there are no clicks before it."""
    period = _kept(asked, found.state.pruned_before, question)
    source = _source(connection, found, question, periods.filled_up(period, _now_ms(), has_all=has_all), shelf)
    granularity = None
    if TIMESERIES in question.groupings:
        granularity = question.granularity or periods.default_granularity(period)
    header: Answer = {
        "range": {
            "start": _local(period, period.start_ms),
            "end": _local(period, period.end_ms),
            "timezone": period.zone.key,
            "granularity": granularity,
        },
        "group_by": ",".join(question.groupings),
        "source": source.name,
        "complete": period == asked and not _is_gone(period, found.state.pruned_before, question),
    }
    sums, by_name, rankings = _answered(connection, source, question, period, granularity)
    only = by_name[question.groupings[0]] if len(by_name) == 1 else {"groups": by_name}
    return Side(header | sums | only, by_name, rankings, source, asked, period, granularity)


def _source(connection: Connection, found: Found, question: Question, read: Period, shelf: Shelf | None) -> Source:
    if question.filters:
        dimension = next(iter(groups.dimensions(question.groupings)), None)
        return Raw(connection, found.scope, read, question.classes, question.filters, dimension)
    whole = rollup.rollup(connection, found.scope, found.state, read, question.classes)
    state = found.state
    if shelf is None or not shelf.has_room or found.scope.is_many or state.is_erasing:
        return whole
    changed = (state.pruned_before, state.erased, state.erased_upto)
    return Since(
        halves.halved(whole, state, shelf, _now_ms()),
        shelf,
        changed,
        Count(state.clicks, state.unique),
        found.last_click,
    )


def _answered(
    connection: Connection, source: Source, question: Question, period: Period, granularity: Granularity | None
) -> tuple[Answer, dict[str, Group], dict[str, Ranking]]:
    """Totals, the rows of each grouping, and the breakdowns among them."""
    by_name: dict[str, Group] = {}
    if granularity is not None:
        by_name[TIMESERIES] = groups.series(source, period, granularity)
    if HOUR_OF_WEEK in question.groupings:
        by_name[HOUR_OF_WEEK] = groups.hours_of_week(source)
    found = source.sums()
    totals = sum((found.get(kind, Count()) for kind in question.classes), Count())
    rankings = groups.rankings(connection, source, question.groupings, totals, question.limit)
    by_name |= {grouping: ranking.group() for grouping, ranking in rankings.items()}
    excluded = {kind.label: found[kind].clicks for kind in sorted(found.keys() - question.classes)}
    sums: Answer = {"totals": groups.as_json(totals), "excluded": excluded}
    return sums, {grouping: by_name[grouping] for grouping in question.groupings}, rankings


def resolved(connection: Connection, scope: Scope, first: datetime, question: Question) -> Period:
    """The period that a question is about now; there are no clicks before `first`. Raises PeriodInvalid."""
    asked = question.period
    if _is_about_all(question):
        earliest_ms = rows.first_slot_ms(connection, scope)
        first = first if earliest_ms is None else min(first, periods.from_ms(earliest_ms))
    return periods.resolve(asked, datetime.now(UTC), first)


def _is_about_all(question: Question) -> bool:
    asked = question.period
    return (asked.start, asked.end, asked.interval) == (None, None, Interval.ALL)


def _kept(asked: Period, pruned_before: int, question: Question) -> Period:
    """What can be answered of the period asked about, where raw clicks before a day are gone."""
    if question.filters:
        return periods.without(asked, pruned_before)
    if all(grouping in _OF_TIME for grouping in question.groupings):
        return asked
    return periods.widened(asked, pruned_before)


def _is_gone(period: Period, pruned_before: int, question: Question) -> bool:
    """Whether what a filter lets pass was of days before those that are kept: of nothing else a slot is left."""
    return bool(question.filters) and periods.day_of(period.start_ms) < pruned_before


def _now_ms() -> int:
    return periods.to_ms(datetime.now(UTC))


def _local(period: Period, instant_ms: int) -> str:
    return period.local(instant_ms).isoformat()
