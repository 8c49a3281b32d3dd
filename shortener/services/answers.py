"""Answers that are kept: what was told about clicks is told again, as it stands, while nothing happens to them.

To ask whether anything has takes one query; to answer takes a dozen, and of a busy link some milliseconds.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import orjson

from shortener.domain import period as periods
from shortener.domain.grouping import DOMAIN, LINK, TAG
from shortener.domain.period import Asked, Period
from shortener.services import stats
from shortener.services.scopes import Place
from shortener.services.stats import Question
from shortener.storage import stats as rows
from shortener.storage.engine import Connection, Database
from shortener.storage.stats import Scope, State

#: In the place of how the period was asked for: which one it is, is known.
_ANY = Asked(ZoneInfo("UTC"))
#: Groupings whose answers change with what links are called and carry, and not with clicks alone.
_OF_LINKS = frozenset({LINK, TAG, DOMAIN})
#: A larger part of the room than this is not given to one answer.
_LARGEST_SHARE = 4
#: Bytes of what is kept with an answer, and with each value that its question filters by (measured: 1,001 and 174).
_BESIDE, _OF_A_VALUE = 1_000, 160


class _Kept(NamedTuple):
    state: State
    body: bytes
    #: Bytes, with everything that belongs to it.
    size: int


class Answers:
    """Answers of a database, as JSON; those that were asked for last, in `most_bytes`. Threads may share it."""

    def __init__(self, database: Database, most_bytes: int) -> None:
        self._database = database
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._bytes = 0

    def json(self, place: Place, question: Question) -> orjson.Fragment:
        """The same as stats.answer, as JSON. Raises what that raises."""
        with self._database.read() as connection:
            scope, first = place(connection)
            period = stats.resolved(connection, scope, first, question)
            return orjson.Fragment(self._json(connection, scope, period, question))

    def _json(self, connection: Connection, scope: Scope, period: Period, question: Question) -> bytes:
        state = rows.state(connection, scope) if self._may_keep(scope, question) else None
        # A click that a clock dates beyond the end of a period is in it as long as that end is to come.
        is_open = period.end_ms > periods.to_ms(datetime.now(UTC))
        key = (scope, period, is_open, replace(question, period=_ANY))
        found = self._found(key, state)
        if found is None:
            found = orjson.dumps(stats.answered(connection, scope, period, question))
            if state is not None:
                self._keep(key, _Kept(state, found, len(found) + _beside(question)))
        return found

    def _may_keep(self, scope: Scope, question: Question) -> bool:
        return bool(self._most_bytes) and not scope.is_many and _OF_LINKS.isdisjoint(question.groupings)

    def _found(self, key: Hashable, state: State | None) -> bytes | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.state != state:
                return None
            self._kept.move_to_end(key)
            return kept.body

    def _keep(self, key: Hashable, answer: _Kept) -> None:
        if answer.size > self._most_bytes // _LARGEST_SHARE:
            return
        with self._lock:
            older = self._kept.pop(key, None)
            self._kept[key] = answer
            self._bytes += answer.size - (older.size if older else 0)
            while self._bytes > self._most_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.size


def _beside(question: Question) -> int:
    """Bytes that are kept with the answer to a question."""
    values = (value or "" for each in question.filters for value in each.values)
    return _BESIDE + sum(_OF_A_VALUE + len(value) for value in values)
