"""A batch: clicks read from the spool on their way into the tables, in one transaction.

Gathering first (whose click, which class, which labels, is it the visitor's first), then writing what follows.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from shortener.clicks import enrich
from shortener.clicks.labels import Labels
from shortener.domain import click as clicks
from shortener.domain import period
from shortener.domain.click import Click, ClickClass, Dimension
from shortener.domain.link import INSTANCE_ID, ORPHANS_ID, UNATTRIBUTED_ID, domain_pseudo_id
from shortener.storage import clicks as rows
from shortener.storage.clicks import Owner
from shortener.storage.engine import Connection

log = structlog.get_logger()

#: Salts older than this many days are gone, and with them the memory of who was counted.
SALT_DAYS = 2


@dataclass(slots=True)
class _Attributed:
    """A click with its owner found and its time judged."""

    click: Click
    link_id: int
    domain_id: int
    time_ms: int
    click_class: ClickClass
    first: bool = False

    @property
    def visitor(self) -> tuple[int, int, int, int] | None:
        """The key under which this visitor is unique, or None where nothing was hashed."""
        if not self.click.visitor_hash:
            return None
        return (self.click.salt_day, self.link_id, self.click_class, self.click.visitor_hash)

    @property
    def credited(self) -> tuple[int, ...]:
        """Every link and pseudo-link whose statistics this click counts in."""
        return (self.link_id,) if self.link_id < 0 else (self.link_id, INSTANCE_ID, domain_pseudo_id(self.domain_id))


def write(connection: Connection, batch: Sequence[Click], labels: Labels) -> None:
    """Writes raw rows, totals, series and uniques of `batch`, which is not empty."""
    now_ms = time.time_ns() // 1_000_000
    # First, because on PostgreSQL this lock keeps the drainers of several nodes from each other's rows.
    first_id = rows.take_ids(connection, len(batch))
    owners = rows.owners(connection, {click.link_id for click in batch if click.link_id is not None})
    learnt = [_learn(click) for click in batch]
    attributed = [_attribute(click, kind, owners, now_ms) for click, (kind, _) in zip(batch, learnt, strict=True)]
    _mark_firsts(connection, attributed, period.day_of(now_ms))
    values = [found for _, found in learnt]
    wanted = {pair for found in values for pair in found.items()}
    own_codes = {
        found.get(Dimension.CODE, "") for found, item in zip(values, attributed, strict=True) if item.link_id > 0
    }
    ids = labels.resolve(connection, wanted, day=period.day_of(now_ms), unbounded=own_codes)
    raw = [
        _row(first_id + index, item, {dimension: ids[dimension, text] for dimension, text in found.items()})
        for index, (item, found) in enumerate(zip(attributed, values, strict=True))
    ]
    rows.add_clicks(connection, raw)
    _add_sums(connection, attributed)


def _learn(click: Click) -> tuple[ClickClass, dict[Dimension, str]]:
    """Class and values of a click. What cannot be learnt is missing: no click may stop those behind it."""
    try:
        return click.click_class or enrich.click_class(click.user_agent, click.flags), enrich.values(click)
    except Exception as error:
        log.error("a click could not be enriched", cause=repr(error))
        return click.click_class or ClickClass.BOT, {}


def _attribute(click: Click, kind: ClickClass, owners: dict[int, Owner], now_ms: int) -> _Attributed:
    latest = now_ms + clicks.MAX_AHEAD_MS
    if click.link_id is None:
        return _Attributed(click, ORPHANS_ID, 0, min(click.time_ms, latest), kind)
    owner = owners.get(click.link_id)
    if owner is None or owner.nonce != click.nonce:
        return _Attributed(click, UNATTRIBUTED_ID, 0, min(click.time_ms, latest), kind)
    time_ms = min(max(click.time_ms, owner.created_ms), latest)
    return _Attributed(click, click.link_id, owner.domain_id, time_ms, kind)


def _mark_firsts(connection: Connection, attributed: Sequence[_Attributed], today: int) -> None:
    """Marks the first click of each visitor, link, class and salt day as such."""
    earliest: dict[tuple[int, int, int, int], _Attributed] = {}
    for item in attributed:
        if item.visitor is not None and today - SALT_DAYS <= item.click.salt_day <= today + 1:
            earliest.setdefault(item.visitor, item)
    for key in rows.new_visitors(connection, list(earliest)):
        earliest[key].first = True


def _row(click_id: int, item: _Attributed, ids: dict[Dimension, int]) -> dict[str, Any]:
    return {
        "id": click_id,
        "day": period.day_of(item.time_ms),
        "link_id": item.link_id,
        "time_ms": item.time_ms,
        "domain_id": item.domain_id,
        "class": int(item.click_class),
        "first": int(item.first),
        "flags": int(item.click.flags),
        **{dimension.label: ids.get(dimension) for dimension in Dimension},
    }


def _add_sums(connection: Connection, attributed: Sequence[_Attributed]) -> None:
    series: dict[tuple[int, ...], list[int]] = {}
    totals: dict[tuple[int, ...], list[int]] = {}
    last: dict[tuple[int, ...], int] = {}
    for item in attributed:
        month = period.month_of_day(period.day_of(item.time_ms))
        for link_id in item.credited:
            total = (link_id, int(item.click_class))
            for counts, key in (
                (series, (month, link_id, item.time_ms // period.SLOT_MS, int(item.click_class))),
                (totals, total),
            ):
                pair = counts.setdefault(key, [0, 0])
                pair[0] += 1
                pair[1] += item.first
            last[total] = max(last.get(total, 0), item.time_ms)
    rows.add_series(connection, series)
    rows.add_totals(connection, totals, last)
