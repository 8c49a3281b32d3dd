"""Answers that are kept: what was told about clicks is told again, as it stands, while nothing happens to them.

To ask whether anything has takes one query; to answer takes ten, and of a busy link some milliseconds.
"""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson

from shortener.domain import period as periods
from shortener.domain.grouping import DOMAIN, LINK, TAG
from shortener.domain.period import Asked, Period
from shortener.services import stats
from shortener.services.scopes import Place
from shortener.services.shelf import Shelf
from shortener.services.stats import Found, Question
from shortener.storage import stats as rows
from shortener.storage.engine import Connection, Database
from shortener.storage.stats import Scope

#: In the place of how the period was asked for: which one it is, is known.
_ANY = Asked(ZoneInfo("UTC"))
#: Groupings whose answers change with what links are called and carry, and not with clicks alone.
_OF_LINKS = frozenset({LINK, TAG, DOMAIN})
#: Bytes of what is kept with each value that a question filters by (measured: 174).
_OF_A_VALUE = 160


class Answers:
    """Answers of a database, as JSON; those that were asked for last, in `most_bytes`. Threads may share it."""

    def __init__(self, database: Database, most_bytes: int) -> None:
        self._database = database
        self._shelf = Shelf(most_bytes)

    def json(self, place: Place, question: Question) -> orjson.Fragment:
        """The same as stats.answer, as JSON. Raises what that raises."""
        with self._database.read() as connection:
            scope, first = place(connection)
            period = stats.resolved(connection, scope, first, question)
            return orjson.Fragment(self._json(connection, scope, period, question))

    def _json(self, connection: Connection, scope: Scope, period: Period, question: Question) -> bytes:
        of = Found(scope, *rows.state(connection, scope))
        # A click that a clock dates beyond the end of a period is in it as long as that end is to come.
        now_ms = periods.to_ms(datetime.now(UTC))
        are_open = tuple(each.end_ms > now_ms for each in stats.periods_of(period, question))
        key = (scope, period, are_open, replace(question, period=_ANY))
        found = self._shelf.found(key, of.state)
        if found is None:
            found = orjson.dumps(stats.answered(connection, of, period, question, self._shelf))
            if not (scope.is_many or of.state.is_erasing) and _OF_LINKS.isdisjoint(question.groupings):
                self._shelf.keep(key, of.state, found, _beside(question))
        return found


def _beside(question: Question) -> int:
    """Bytes of the values that a question filters by."""
    values = (value or "" for each in question.filters for value in each.values)
    return sum(_OF_A_VALUE + len(value) for value in values)
