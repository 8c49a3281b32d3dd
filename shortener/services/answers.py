"""Answers that are kept: what was told about clicks is told again, as it stands, while nothing happens to them.

To ask whether anything has takes one query; to answer takes a dozen, and of a busy link some milliseconds.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace
from datetime import UTC, datetime
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


class Answers:
    """Answers of a database, as JSON; those that were asked for last, in `most_bytes`. Threads may share it."""

    def __init__(self, database: Database, most_bytes: int) -> None:
        self._database = database
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[State, bytes]] = OrderedDict()
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
                self._keep(key, state, found)
        return found

    def _may_keep(self, scope: Scope, question: Question) -> bool:
        return bool(self._most_bytes) and not scope.is_many and _OF_LINKS.isdisjoint(question.groupings)

    def _found(self, key: Hashable, state: State | None) -> bytes | None:
        with self._lock:
            was, body = self._kept.get(key, (None, None))
            if state is None or was != state:
                return None
            self._kept.move_to_end(key)
            return body

    def _keep(self, key: Hashable, state: State, body: bytes) -> None:
        if len(body) > self._most_bytes // _LARGEST_SHARE:
            return
        with self._lock:
            _, older = self._kept.pop(key, (None, b""))
            self._kept[key] = (state, body)
            self._bytes += len(body) - len(older)
            while self._bytes > self._most_bytes:
                _, (_, oldest) = self._kept.popitem(last=False)
                self._bytes -= len(oldest)
