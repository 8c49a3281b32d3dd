"""Following clicks: those that have been committed since, and those that somebody has missed."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from shortener.domain import period
from shortener.domain.click import ClickClass, Dimension
from shortener.domain.filter import Filter
from shortener.services import links
from shortener.storage import clicks
from shortener.storage import live as rows
from shortener.storage.engine import Database
from shortener.storage.live import Click, Wanted
from shortener.storage.statements import Statements

#: Clicks read at a time: some ten milliseconds.
BATCH = 1_000
#: Missed clicks that are told of; the newest.
MOST_MISSED = 1_000
#: Ids that are gone through for missed clicks, at most: about 20 milliseconds.
MOST_LOOKED_THROUGH = 100_000


@dataclass(frozen=True, slots=True)
class Missed:
    """The clicks that somebody has missed, the newest MOST_MISSED of them."""

    clicks: list[Click]
    #: How many older ones are not in it; None if there were too many clicks to look through.
    left_out: int | None = 0


def of_link(
    database: Database,
    code: str,
    classes: frozenset[ClickClass],
    domain: str = "",
    filters: tuple[Filter, ...] = (),
) -> Wanted:
    """The clicks of `classes` on the link called `code` that pass `filters`. Raises LinkNotFound, DomainInvalid."""
    return Wanted(frozenset({links.get(database, code, domain).id}), classes, filters)


def of_all(classes: frozenset[ClickClass], filters: tuple[Filter, ...] = ()) -> Wanted:
    """The clicks of `classes` on any link that pass `filters`."""
    return Wanted(None, classes, filters)


class Feed:
    """Reads committed clicks, for one thread at a time. `close` it. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._statements = Statements(database)

    def head(self) -> int:
        """The id of the last click. One row by primary key."""
        with self._statements.connection() as connection:
            return clicks.last_id(connection)

    def between(self, after: int, upto: int, wanted: Wanted) -> list[Click]:
        """The wanted clicks with `after` < id ≤ `upto`, by id; the first BATCH of them where there are more."""
        with self._statements.connection() as connection:
            return rows.between(connection, after, upto, wanted, BATCH)

    def close(self) -> None:
        """Lets go of the database."""
        self._statements.close()


def united(every: Collection[Wanted]) -> Wanted:
    """What covers `every` one of some."""
    return rows.united(every)


def missed(database: Database, after: int, upto: int, wanted: Wanted) -> Missed:
    """The wanted clicks with `after` < id ≤ `upto`. An id from another time of the database has missed nothing."""
    if after >= upto:
        return Missed([])
    begin = max(after, upto - MOST_LOOKED_THROUGH)
    with database.read() as connection:
        found = rows.between(connection, begin, upto, wanted, MOST_MISSED, newest=True)
        if begin > after:
            return Missed(found, None)
        is_full = len(found) == MOST_MISSED
        return Missed(found, rows.count(connection, begin, found[0].id - 1, wanted) if is_full else 0)


def described(click: Click) -> dict[str, Any]:
    """A click as events tell of it: for each dimension its value, None where it has none."""
    moment = period.from_ms(click.time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "time": moment,
        "domain": click.domain,
        "class": click.click_class.label,
        "unique": click.is_first,
        **{dimension.label: click.values.get(dimension) for dimension in Dimension},
    }
