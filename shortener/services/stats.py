"""Answers about clicks. One question, one snapshot: totals, rows and rest always add up."""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from shortener import errors
from shortener.domain import code as codes
from shortener.domain import host as hosts
from shortener.domain import period as periods
from shortener.domain.click import ClickClass, Dimension
from shortener.domain.link import INSTANCE_ID
from shortener.domain.period import Granularity, Interval, Period
from shortener.storage import links, schema
from shortener.storage import stats as rows
from shortener.storage.engine import Connection, Database
from shortener.storage.stats import Count, Slot

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about the clicks of a link or of all links."""

    zone: ZoneInfo
    classes: frozenset[ClickClass]
    #: None asks for a time series.
    dimension: Dimension | None = None
    #: Either an interval that ends now, or start and end.
    interval: Interval = Interval.MONTH
    start: datetime | None = None
    end: datetime | None = None
    #: None chooses by the length of the period.
    granularity: Granularity | None = None
    #: Most rows of a breakdown.
    limit: int = 100


def of_link(database: Database, code: str, question: Question, domain: str = "") -> Answer:
    """The answer for the link called `code`. Raises LinkNotFound, DomainInvalid and what `_period` raises."""
    normal = codes.normal_form(code)
    with database.read() as connection:
        link = links.by_code(connection, hosts.normal_form(domain) if domain else "", normal) if normal else None
        if link is None:
            raise errors.LinkNotFound(f"There is no link called '{codes.shown(code)}'.")
        return _answer(connection, link.id, question, link.created_at)


def of_all(database: Database, question: Question) -> Answer:
    """The answer for all links of this instance."""
    with database.read() as connection:
        return _answer(connection, INSTANCE_ID, question, schema.created_at(connection))


def _answer(connection: Connection, link_id: int, question: Question, first: datetime) -> Answer:
    period = _period(connection, link_id, question, first)
    slots = rows.slots(connection, link_id, period)
    wanted = [slot for slot in slots if slot.click_class in question.classes]
    totals = sum((slot.count for slot in wanted), Count())
    granularity = None if question.dimension else question.granularity or periods.default_granularity(period)
    answer: Answer = {
        "range": {
            "start": _local(period, period.start_ms),
            "end": _local(period, period.end_ms),
            "timezone": period.zone.key,
            "granularity": granularity,
        },
        "group_by": question.dimension.label if question.dimension else "timeseries",
        "totals": _json(totals),
        "excluded": _excluded(slots, question.classes),
        "source": "rollup",
        "complete": True,
    }
    if question.dimension is None:
        return answer | {"data": _series(period, granularity or Granularity.DAY, wanted)}
    return answer | _breakdown(connection, link_id, question.dimension, period, question, totals)


def _period(connection: Connection, link_id: int, question: Question, first: datetime) -> Period:
    """The period that a question is about. Raises PeriodInvalid."""
    if question.start is not None or question.end is not None:
        start = question.start or first
        return periods.between(start, question.end or datetime.now(UTC), question.zone)
    if question.interval is Interval.ALL:
        earliest_ms = rows.first_slot_ms(connection, link_id)
        first = first if earliest_ms is None else min(first, periods.from_ms(earliest_ms))
    return periods.ending_now(question.interval, datetime.now(UTC), first, question.zone)


def _series(period: Period, granularity: Granularity, slots: Sequence[Slot]) -> list[dict[str, Any]]:
    starts = periods.bucket_starts(period, granularity)
    counts = [Count()] * len(starts)
    for slot in slots:
        index = bisect_right(starts, slot.start_ms) - 1
        counts[index] = counts[index] + slot.count
    return [{"bucket": _local(period, start), **_json(count)} for start, count in zip(starts, counts, strict=True)]


def _breakdown(
    connection: Connection, link_id: int, dimension: Dimension, period: Period, question: Question, totals: Count
) -> Answer:
    cover = periods.cover(period)
    found = rows.breakdown(connection, link_id, dimension, cover, question.classes, question.limit)
    data: list[tuple[str | None, Count]] = list(found.rows)
    absent = totals - found.sum
    if absent.clicks:
        data.append((None, absent))
        # Most clicks first; among equals the named ones stand before the nameless.
        data.sort(key=lambda row: (-row[1].clicks, row[0] is None))
    shown = data[: question.limit]
    other = totals - sum((count for _, count in shown), Count())
    return {"data": [{"value": value, **_json(count)} for value, count in shown], "other": _json(other)}


def _excluded(slots: Sequence[Slot], classes: Collection[ClickClass]) -> dict[str, int]:
    left_out: dict[str, int] = {}
    for slot in slots:
        if slot.click_class not in classes:
            left_out[slot.click_class.label] = left_out.get(slot.click_class.label, 0) + slot.count.clicks
    return left_out


def _json(count: Count) -> dict[str, int]:
    return {"clicks": count.clicks, "unique": count.unique}


def _local(period: Period, instant_ms: int) -> str:
    return period.local(instant_ms).isoformat()
