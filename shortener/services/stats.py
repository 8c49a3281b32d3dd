"""Answers about clicks. One question, one snapshot: totals, rows and rest always add up."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from operator import itemgetter
from typing import Any, NamedTuple

from shortener.domain import buckets
from shortener.domain import grouping as groupings
from shortener.domain import period as periods
from shortener.domain.click import ALWAYS_KNOWN, ClickClass, Dimension
from shortener.domain.clock import HOURS_OF_WEEK
from shortener.domain.filter import Filter
from shortener.domain.grouping import DOMAIN, HOUR_OF_WEEK, LINK, TAG, TIMESERIES
from shortener.domain.period import Asked, Granularity, Interval, Period
from shortener.services import halves, rollup, scopes
from shortener.services.raw import Raw
from shortener.services.scopes import Place
from shortener.services.shelf import Shelf
from shortener.services.since import Since
from shortener.services.sources import Source
from shortener.storage import breakdowns
from shortener.storage import stats as rows
from shortener.storage.breakdowns import Breakdown
from shortener.storage.engine import Connection, Database
from shortener.storage.stats import Count, PlainSlot, Scope, State

Answer = dict[str, Any]

_NOTHING: PlainSlot = (0, 0, 0)
_START = itemgetter(0)
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
    #: Whether the same is asked of the period before.
    compare: bool = False


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
    """The answer for a scope and a period that has been `resolved`; on the shelf is what it may be made of."""
    answer = _about(connection, found, question, period, shelf)
    if question.compare:
        answer["previous"] = _about(connection, found, question, periods.previous(period), shelf)
    return answer


def _about(connection: Connection, found: Found, question: Question, asked: Period, shelf: Shelf | None) -> Answer:
    period = _kept(asked, found.state.pruned_before, question)
    source = _source(connection, found, question, period, shelf)
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
    return header | _answered(connection, source, question, period, granularity)


def _source(connection: Connection, found: Found, question: Question, period: Period, shelf: Shelf | None) -> Source:
    now_ms = periods.to_ms(datetime.now(UTC))
    read = periods.filled_up(period, now_ms, has_all=_is_about_all(question))
    if question.filters:
        dimension = next(iter(_dimensions(question)), None)
        return Raw(connection, found.scope, read, question.classes, question.filters, dimension)
    whole = rollup.rollup(connection, found.scope, found.state, read, question.classes)
    state = found.state
    if shelf is None or not shelf.has_room or found.scope.is_many or state.is_erasing:
        return whole
    changed = (state.pruned_before, state.erased, state.erased_upto)
    return Since(
        halves.halved(whole, state, shelf, now_ms),
        shelf,
        changed,
        Count(state.clicks, state.unique),
        found.last_click,
    )


def _dimensions(question: Question) -> list[Dimension]:
    """Those among what is asked to group by."""
    found = (groupings.dimension(grouping) for grouping in question.groupings)
    return [dimension for dimension in found if dimension is not None]


def _answered(
    connection: Connection, source: Source, question: Question, period: Period, granularity: Granularity | None
) -> Answer:
    """Totals, and the rows of each grouping."""
    groups: dict[str, Answer] = {}
    if granularity is not None:
        starts, names = buckets.starts(period, granularity), buckets.names(period, granularity)
        groups[TIMESERIES] = {"data": _series(starts, names, source.over_time(starts, granularity))}
    if HOUR_OF_WEEK in question.groupings:
        groups[HOUR_OF_WEEK] = {"data": _hours(source.hours_of_week())}
    found = source.sums()
    totals = sum((found.get(kind, Count()) for kind in question.classes), Count())
    groups |= _breakdowns(connection, source, question, totals)
    excluded = {kind.label: found[kind].clicks for kind in sorted(found.keys() - question.classes)}
    sums: Answer = {"totals": _json(totals), "excluded": excluded}
    if len(question.groupings) == 1:
        return sums | groups[question.groupings[0]]
    return sums | {"groups": {grouping: groups[grouping] for grouping in question.groupings}}


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


def _series(starts: Sequence[int], names: Sequence[str], slots: Sequence[PlainSlot]) -> list[dict[str, Any]]:
    found = dict(zip(map(_START, slots), slots, strict=True))
    if sum(map(found.__contains__, starts)) < len(slots):
        # Slots are narrower than buckets, or two pieces meet in one: hours of a year are sooner told without a look.
        found = _gathered(starts, slots)
    rows = map(found.get, starts, repeat(_NOTHING))
    return [
        {"bucket": name, "clicks": clicks, "unique": unique}
        for name, (_, clicks, unique) in zip(names, rows, strict=True)
    ]


def _gathered(starts: Sequence[int], slots: Sequence[PlainSlot]) -> dict[int, PlainSlot]:
    """The sums of slots by the starts of the buckets that they lie in."""
    found: dict[int, PlainSlot] = {}
    for start_ms, clicks, unique in slots:
        # Never before the first: the first day or hour may begin before its first bucket.
        start = starts[max(bisect_right(starts, start_ms) - 1, 0)]
        _, clicks_before, unique_before = found.get(start, _NOTHING)
        found[start] = start, clicks_before + clicks, unique_before + unique
    return found


def _hours(found: Sequence[tuple[int, Count]]) -> list[dict[str, Any]]:
    """The hours of a week: `1-00` to `7-23`."""
    counts = [Count()] * HOURS_OF_WEEK
    for hour, count in found:
        counts[hour] = counts[hour] + count
    return [{"value": f"{hour // 24 + 1}-{hour % 24:02}", **_json(count)} for hour, count in enumerate(counts)]


def _breakdowns(connection: Connection, source: Source, question: Question, totals: Count) -> dict[str, Answer]:
    """The rows of what is asked to group by, but for times."""
    groups: dict[str, Answer] = {}
    limit, dimensions = question.limit, _dimensions(question)
    if dimensions:
        for dimension, found in source.by_values(dimensions, limit).items():
            absent = Count() if dimension in ALWAYS_KNOWN else totals - found.sum
            groups[dimension.label] = _breakdown(found, absent, totals, limit)
    if TAG in question.groupings:
        found, absent = source.by_tag(limit)
        groups[TAG] = _breakdown(found, absent, found.sum + absent, limit) | {"overlapping": True}
    for grouping in {LINK, DOMAIN}.intersection(question.groupings):
        found = _by_link_or_domain(connection, source, grouping, limit)
        # Unknown codes are no link's.
        groups[grouping] = _breakdown(found, totals - found.sum, totals, limit)
    return groups


def _breakdown(found: Breakdown, absent: Count, totals: Count, limit: int) -> Answer:
    """The first rows, with those clicks that have no value among them, and the other ones of all."""
    data: list[tuple[str | None, Count]] = list(found.rows)
    if absent.clicks:
        # Most clicks first, as the rows are; among equals the named ones stand before the nameless.
        data.insert(bisect_right(data, -absent.clicks, key=lambda row: -row[1].clicks), (None, absent))
    shown = data[:limit]
    # With plain numbers: to make a Count of each two takes four times as long.
    other = totals - Count(sum(count[0] for _, count in shown), sum(count[1] for _, count in shown))
    return {
        "data": [{"value": value, "clicks": clicks, "unique": unique} for value, (clicks, unique) in shown],
        "other": _json(other),
    }


def _by_link_or_domain(connection: Connection, source: Source, grouping: str, limit: int) -> Breakdown:
    if grouping == LINK:
        return source.by_link(limit)
    parts = source.domains()
    if parts is not None:
        return breakdowns.by_domain(connection, parts, limit)
    return breakdowns.by_domain_of_links(connection, source.links(), limit)


def _json(count: Count) -> dict[str, int]:
    return {"clicks": count.clicks, "unique": count.unique}


def _local(period: Period, instant_ms: int) -> str:
    return period.local(instant_ms).isoformat()
