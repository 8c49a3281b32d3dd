"""Raw clicks, one by one: lists of them, newest first, and all there are for a file, oldest first.

Both go from day to day (UTC), and through a day in the order in which clicks were counted. A click that comes late is
so never shown twice, and what is counted while somebody reads on is at the beginning of a list and in no file.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from shortener.domain import page as pages
from shortener.domain import period as periods
from shortener.domain.click import ClickClass, Dimension
from shortener.domain.filter import Filter
from shortener.domain.page import Page
from shortener.domain.period import Asked
from shortener.services import scopes
from shortener.services.walk import Walk
from shortener.storage import clicks, labels, stats
from shortener.storage import raw_clicks as rows
from shortener.storage.engine import Connection, Database
from shortener.storage.raw_clicks import Recorded, Selection
from shortener.storage.stats import Scope

_OTHERS = tuple(dimension for dimension in Dimension if dimension is not Dimension.CODE)
#: What is told of a click, in this order.
COLUMNS = ("time", "code", "domain", "class", "unique", *(dimension.label for dimension in _OTHERS))
#: Values in the order of COLUMNS; None where there is none.
Row = tuple[str | bool | None, ...]

#: Clicks read in one transaction of an export: half a megabyte of CSV, 20 ms of CPU.
CHUNK = 2_000
#: Texts of labels kept while exporting: a megabyte, and at their longest 20.
_LABELS_KEPT = 10_000
#: Where a period without a beginning begins: before every click, and late enough to have a midnight in every zone.
_EVER = periods.EARLIEST + timedelta(days=2)
_CLASSES: Mapping[int, str] = {int(kind): kind.label for kind in ClickClass}
_CODE, *_REST = (list(Dimension).index(dimension) for dimension in (Dimension.CODE, *_OTHERS))


class Kind(StrEnum):
    """What clicks are asked about."""

    ALL = "all"
    LINK = "link"
    DOMAIN = "domain"
    TAG = "tag"
    ORPHANS = "orphans"


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose clicks are meant, by its name: code, host or tag, as somebody wrote it."""

    kind: Kind
    name: str = ""
    #: Of a link; empty is the default one.
    domain: str = ""


class Export(NamedTuple):
    """All clicks that are asked for, as they are read."""

    #: How many there will be, if none is deleted meanwhile; None with filters, as only reading would tell.
    total: int | None
    #: To be taken once. Between two pieces no transaction is open.
    pieces: Iterator[Sequence[Row]]


def listing(
    database: Database,
    whose: Whose,
    asked: Asked,
    classes: Collection[ClickClass],
    filters: tuple[Filter, ...] = (),
    *,
    limit: int,
    cursor: str | None = None,
) -> Page[Row]:
    """A page of clicks, the newest first; over several transactions where few of many pass the filters.

    Raises LinkNotFound, DomainInvalid, DomainNotFound, TagNotFound, PeriodInvalid, CursorInvalid.
    """
    texts = _Texts()
    with database.read() as connection:
        scope = _scope(connection, whose)
        question = _question(scope, asked, classes, filters)
        walk = Walk(_selection(scope, asked, classes, filters), newest_first=True)
        walk.begin(connection, None if cursor is None else pages.read_cursor(question, cursor, (int, int)))
        found = walk.step(connection, limit + 1)
        shown = texts.rows(connection, found)
    while walk.days and len(found) <= limit:
        with database.read() as connection:
            more = walk.step(connection, limit + 1 - len(found))
            found += more
            shown += texts.rows(connection, more)
    if len(found) <= limit:
        return Page(shown, None)
    last = found[limit - 1]
    return Page(shown[:limit], pages.make_cursor(question, [periods.day_of(last.time_ms), last.id]))


def export(
    database: Database,
    whose: Whose,
    asked: Asked,
    classes: Collection[ClickClass],
    filters: tuple[Filter, ...] = (),
) -> Export:
    """All clicks that are asked for and counted by now, the oldest first.

    Raises LinkNotFound, DomainInvalid, DomainNotFound, TagNotFound, PeriodInvalid.
    """
    with database.read() as connection:
        walk = Walk(_selection(_scope(connection, whose), asked, classes, filters), newest_first=False)
        walk.last_id = clicks.last_id(connection)
        total = walk.begin(connection, None)
    return Export(None if filters else total, _pieces(database, walk))


def _pieces(database: Database, walk: Walk) -> Iterator[Sequence[Row]]:
    texts = _Texts()
    while walk.days:
        with database.read() as connection:
            piece = texts.rows(connection, walk.step(connection, CHUNK))
        if piece:
            yield piece


class _Texts:
    """The texts that clicks name by number; those of labels are kept, as far as they are not too many."""

    def __init__(self) -> None:
        self._labels: dict[int, str] = {}
        self._domains: dict[int, str] = {}

    def rows(self, connection: Connection, found: Iterable[Recorded]) -> list[Row]:
        """What is told of these clicks."""
        found = list(found)
        if len(self._labels) > _LABELS_KEPT:
            self._labels.clear()
        label_ids = {label_id for click in found for label_id in click.label_ids if label_id is not None}
        self._learn(self._labels, label_ids, lambda missing: labels.texts(connection, missing))
        domain_ids = {click.domain_id for click in found}
        self._learn(self._domains, domain_ids, lambda missing: rows.domain_names(connection, missing))
        return [self._row(click) for click in found]

    @staticmethod
    def _learn(known: dict[int, str], wanted: set[int], read: Callable[[set[int]], Mapping[int, str]]) -> None:
        if missing := wanted - known.keys():
            known.update(read(missing))

    def _row(self, click: Recorded) -> Row:
        ids, text = click.label_ids, self._labels.get
        code = ids[_CODE]
        return (
            periods.rfc_3339(click.time_ms),
            None if code is None else text(code),
            self._domains.get(click.domain_id),
            _CLASSES[click.click_class],
            click.first == 1,
            *[None if (label_id := ids[place]) is None else text(label_id) for place in _REST],
        )


def _scope(connection: Connection, whose: Whose) -> Scope:
    """Raises LinkNotFound, DomainInvalid, DomainNotFound, TagNotFound."""
    match whose.kind:
        case Kind.LINK:
            return scopes.of_link(connection, whose.domain, whose.name)[0]
        case Kind.DOMAIN:
            return scopes.of_domain(connection, whose.name)
        case Kind.TAG:
            return scopes.of_tag(connection, whose.name)
        case Kind.ORPHANS:
            return stats.ORPHANS
        case Kind.ALL:
            return stats.INSTANCE


def _selection(scope: Scope, asked: Asked, classes: Collection[ClickClass], filters: tuple[Filter, ...]) -> Selection:
    """Raises PeriodInvalid."""
    period = periods.resolve(asked, datetime.now(UTC), _EVER)
    return Selection(scope, classes, period.start_ms, period.end_ms, filters)


def _question(scope: Scope, asked: Asked, classes: Collection[ClickClass], filters: Iterable[Filter]) -> str:
    """What a cursor is good for. A period that ends now moves on meanwhile, but it is the same question."""
    ends = ("" if moment is None else moment.isoformat() for moment in (asked.start, asked.end))
    whose = (str(scope.link_id), str(scope.tag_id))
    who = sorted(map(str, classes))
    return pages.question("clicks", *whose, asked.interval, *ends, asked.zone.key, *who, *map(_named, filters))


def _named(wanted: Filter) -> str:
    """A filter, the same however its values were ordered. As Python writes it: no value can look like another one."""
    return repr((wanted.dimension.label, wanted.excluded, sorted(map(repr, wanted.values))))
