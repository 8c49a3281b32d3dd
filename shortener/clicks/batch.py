"""A batch: clicks read from the spool on their way into the tables, in one transaction.

Gathering first (whose click, is it the visitor's first, which labels), then writing what follows. This is done for
each click there ever is: so rows are plain tuples in the order of their columns, and what many clicks have in common
is worked out once.
"""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from functools import lru_cache
from typing import NamedTuple

from shortener.clicks import enrich
from shortener.clicks.enrich import Enriched, OfLink, Values
from shortener.clicks.labels import Labels
from shortener.domain import click as clicks
from shortener.domain import period
from shortener.domain.click import Dimension
from shortener.domain.link import INSTANCE_ID, ORPHANS_ID, UNATTRIBUTED_ID, domain_pseudo_id
from shortener.storage import clicks as rows
from shortener.storage import domains
from shortener.storage.clicks import VisitorKey
from shortener.storage.engine import Connection

#: Salts older than this many UTC days are gone, and with them the memory of who was counted: each is destroyed two
#: days after its own began. Yesterday's is kept for clicks that had to wait.
SALT_DAYS = 1
#: Orphans stored of one UTC day where nobody says otherwise: a few megabytes.
ORPHANS_PER_DAY = 10_000
#: Slots whose month is remembered: three days' worth, and a little for clocks that are wrong.
_SLOTS_KEPT = 512

#: Label ids; 0 where there is none.
Ids = tuple[int, ...]
#: What a raw row begins with: id, day, link, time, domain, class, whether it is a visitor's first, flags.
_Facts = tuple[int, int, int, int, int, int, int, int]
#: Clicks, uniques and the time of the last one.
_Sum = tuple[int, int, int]


class _LabelIds(NamedTuple):
    """Label ids by the values that come together (clicks/enrich)."""

    referrers: dict[Values, Ids]
    visitors: dict[Values, Ids]
    utms: dict[Values, Ids]
    links: dict[Values, Ids]
    triggers: dict[Values, Ids]


class _Credited(NamedTuple):
    """The link or pseudo-link that clicks of one link part count for."""

    link_id: int
    domain_id: int
    #: Clicks cannot be older than this.
    created_ms: int
    #: Clicks that are not younger have been erased.
    erased_ms: int


class Written(NamedTuple):
    """What became of a batch; what is in neither were orphans of a day that had had its number."""

    stored: int
    #: Left out, because they had been erased on their way.
    erased: int


def write(
    connection: Connection, batch: Sequence[Enriched], labels: Labels, orphans_per_day: int = ORPHANS_PER_DAY
) -> Written:
    """Writes raw rows, totals, series and uniques of `batch`, which is not empty.

    Left out are clicks that have been erased, and orphans of a UTC day of which there are `orphans_per_day` already.
    """
    now_ms = time.time_ns() // 1_000_000
    latest_ms = now_ms + clicks.MAX_AHEAD_MS
    # First, because on PostgreSQL this lock keeps the drainers of several nodes from each other's rows, and whoever
    # erases from what is on its way.
    first_id = rows.take_ids(connection, len(batch))
    credited = _credit(connection, {click.link for click in batch})
    kept = _without_erased(batch, credited)
    erased = len(batch) - len(kept)
    if any(link.link_id is None for link in credited):
        kept = _without_surplus(connection, kept, orphans_per_day, latest_ms)
    if not kept:
        return Written(0, erased)
    if len(kept) < len(batch):  # what was left out makes no labels
        credited = {link: credited[link] for link in {click.link for click in kept}}
    batch = kept
    new = _new_visitors(connection, batch, credited, period.day_of(now_ms))
    facts = _facts(first_id, batch, credited, new, latest_ms)
    ids = _label_ids(connection, batch, credited, labels, period.day_of(now_ms))
    rows.add_clicks(connection, _raw_rows(facts, batch, ids))
    _add_sums(connection, facts)
    return Written(len(batch), erased)


def _without_erased(batch: Sequence[Enriched], credited: Mapping[OfLink, _Credited]) -> Sequence[Enriched]:
    if all(owner.erased_ms < 0 for owner in credited.values()):
        return batch
    return [click for click in batch if click.time_ms > credited[click.link].erased_ms]


def _without_surplus(
    connection: Connection, batch: Iterable[Enriched], per_day: int, latest_ms: int
) -> list[Enriched]:
    """`batch` without the orphans of which their day has had its `per_day`; the database knows how many it has had.

    Asked anew each time: it costs a tenth of a millisecond, and other nodes add orphans too.
    """
    left: dict[int, int] = {}
    kept = []
    for click in batch:
        if click.link.link_id is None:
            day = period.day_of(min(click.time_ms, latest_ms))
            if day not in left:
                left[day] = per_day - rows.clicks_of_day(connection, ORPHANS_ID, day)
            left[day] -= 1
            if left[day] < 0:
                continue
        kept.append(click)
    return kept


def _credit(connection: Connection, links: Set[OfLink]) -> dict[OfLink, _Credited]:
    owners = rows.owners(connection, {link.link_id for link in links if link.link_id is not None})
    credited = _credit_orphans(connection, [link for link in links if link.link_id is None])
    for link in links:
        if link.link_id is None:
            continue
        owner = owners.get(link.link_id)
        if owner is None or owner.nonce != link.nonce:
            credited[link] = _Credited(UNATTRIBUTED_ID, 0, 0, -1)
        else:
            credited[link] = _Credited(link.link_id, owner.domain_id, owner.created_ms, owner.erased_ms)
    return credited


def _credit_orphans(connection: Connection, links: Collection[OfLink]) -> dict[OfLink, _Credited]:
    """A host whose domain has been deleted since belongs to the default domain."""
    if not links:
        return {}
    erased_ms = rows.erased_ms(connection, ORPHANS_ID)
    ids = domains.ids(connection, {domains.DEFAULT, *(link.domain for link in links)})
    return {link: _Credited(ORPHANS_ID, ids.get(link.domain, ids[domains.DEFAULT]), 0, erased_ms) for link in links}


def _new_visitors(
    connection: Connection, batch: Sequence[Enriched], credited: Mapping[OfLink, _Credited], today: int
) -> set[VisitorKey]:
    """Those visitors of a link, class and salt day who have not been counted before."""
    salted = range(today - SALT_DAYS, today + 2)
    return rows.new_visitors(
        connection,
        {
            (click.visitor.salt_day, credited[click.link].link_id, click.click_class, click.visitor.visitor_hash)
            for click in batch
            if click.visitor.visitor_hash and click.visitor.salt_day in salted
        },
    )


def _label_ids(
    connection: Connection,
    batch: Sequence[Enriched],
    credited: Mapping[OfLink, _Credited],
    labels: Labels,
    today: int,
) -> _LabelIds:
    """The label ids of all values in `batch`."""
    found: tuple[tuple[Sequence[Dimension], set[Values]], ...] = (
        (enrich.REFERRER, {click.request.referrer for click in batch}),
        (enrich.VISITOR, {click.visitor.values for click in batch}),
        (enrich.UTM, {click.request.utm for click in batch}),
        (enrich.LINK, {link.values for link in credited}),
        (enrich.TRIGGER, {enrich.trigger(flags) for flags in {click.flags for click in batch}}),
    )
    wanted = {
        dimension: {text for text in texts if text is not None}
        for dimensions, distinct in found
        for dimension, texts in zip(dimensions, zip(*distinct, strict=True), strict=True)
    }
    # Codes and variants are their owner's choice, not whatever a stranger sends.
    own = {text for link, owner in credited.items() for text in link.values if owner.link_id > 0 and text}
    known = labels.resolve(connection, wanted, day=today, unbounded=own)
    return _LabelIds(
        *(_by_values(distinct, [known[dimension] for dimension in dimensions]) for dimensions, distinct in found)
    )


def _by_values(distinct: Iterable[Values], known: Sequence[Mapping[str, int]]) -> dict[Values, Ids]:
    return {
        values: tuple([ids[text] if text else 0 for ids, text in zip(known, values, strict=True)])
        for values in distinct
    }


def _facts(
    first_id: int,
    batch: Sequence[Enriched],
    credited: Mapping[OfLink, _Credited],
    new: set[VisitorKey],
    latest_ms: int,
) -> list[_Facts]:
    """The facts of the clicks in `batch`. Of a new visitor the first click is marked as such."""
    found = []
    for click_id, (sent_ms, flags, kind, link, visitor, _) in enumerate(batch, first_id):
        link_id, domain_id, created_ms, _ = credited[link]
        time_ms = min(max(sent_ms, created_ms), latest_ms)
        visitor_key = (visitor.salt_day, link_id, kind, visitor.visitor_hash)
        first = visitor_key in new
        new.discard(visitor_key)
        found.append((click_id, time_ms // period.DAY_MS, link_id, time_ms, domain_id, kind, int(first), flags))
    return found


def _raw_rows(facts: Iterable[_Facts], batch: Iterable[Enriched], ids: _LabelIds) -> list[Ids]:
    """The rows of the raw table: facts, then label ids in the order of Dimension."""
    referrers, visitors, utms, links, triggers = ids
    # By flags, of which few are ever seen.
    by_flags = {flags: triggers[enrich.trigger(flags)] for flags in {fact[-1] for fact in facts}}
    return [
        (
            *fact,
            *referrers[request.referrer],
            *visitors[visitor.values],
            *utms[request.utm],
            *links[link.values],
            *by_flags[flags],
        )
        for fact, (_, flags, _, link, visitor, request) in zip(facts, batch, strict=True)
    ]


def _add_sums(connection: Connection, facts: Iterable[_Facts]) -> None:
    """Adds `facts` to the series and totals of every link and pseudo-link that they count for."""
    by_link: dict[tuple[int, ...], _Sum] = {}
    for _, _, link_id, time_ms, domain_id, kind, first, _ in facts:
        _add(by_link, (link_id, domain_id, time_ms // period.SLOT_MS, kind), (1, first, time_ms))
    series: dict[tuple[int, ...], _Sum] = {}
    totals: dict[tuple[int, ...], _Sum] = {}
    for (link_id, domain_id, slot, kind), counted in by_link.items():
        month = _month_of_slot(slot)
        for credit in (link_id,) if link_id < 0 else (link_id, INSTANCE_ID, domain_pseudo_id(domain_id)):
            _add(series, (month, credit, slot, kind), counted)
            _add(totals, (credit, kind), counted)
    rows.add_series(connection, sorted((*key, clicks, unique) for key, (clicks, unique, _) in series.items()))
    rows.add_totals(connection, sorted(key + counted for key, counted in totals.items()))


def _add(sums: dict[tuple[int, ...], _Sum], key: tuple[int, ...], counted: _Sum) -> None:
    old = sums.get(key)
    if old is not None:
        counted = (old[0] + counted[0], old[1] + counted[1], max(old[2], counted[2]))
    sums[key] = counted


@lru_cache(_SLOTS_KEPT)
def _month_of_slot(slot: int) -> int:
    return period.month_of_day(period.day_of(slot * period.SLOT_MS))
