"""Limits: visits to links with `max_clicks`, each granted by the database or not at all.

Who asks first is served at once; who comes while a transaction is under way shares the next one. So a visit alone
waits for one commit, and many at once cost little more than one.
"""

import asyncio
import queue
import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

import structlog

from shortener import errors
from shortener.domain.link import State
from shortener.storage import limits
from shortener.storage.engine import Database
from shortener.storage.limits import Verdict, Wanted

#: Visits decided in one transaction. It is held for a millisecond or two.
MOST_TOGETHER = 64
#: Visits that may wait, about 1 KB each; many more would wait for longer than visitors do.
MOST_WAITING = 2_000
#: Exhausted links that are known, about 150 bytes each.
_EXHAUSTED_KEPT = 10_000

log = structlog.get_logger()


class _Waiting(NamedTuple):
    """A visit and who waits for its verdict."""

    wanted: Wanted
    verdict: "asyncio.Future[Verdict]"


class Limiter:
    """Grants visits to links of one database. One per worker, used on its event loop only; `close` it.

    It starts its thread with the first visit, so it may be made before a fork, and used again after it was closed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        # None ends the thread.
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        # The version of each link that was exhausted when last asked for.
        self._exhausted: OrderedDict[int, int] = OrderedDict()

    async def take(self, link_id: int, click: bytes | None, version: int = 0) -> State:
        """Takes a slot of a link: LIVE where the visit may be redirected, and is counted, for good.

        `click` is version and payload of its frame, None for a visit that is not to be counted. `version` is what is
        known of the link: while that is exhausted, the database is not asked again; 0 asks always. A link that has
        no limit any more grants everything. All else is why there is no slot: EXHAUSTED, DISABLED, EXPIRED or
        PENDING, which a link that was deleted meanwhile is too.

        Raises DatabaseBusy where too many wait, DatabaseUnavailable where nothing could be committed. Whoever is
        cancelled while waiting, or gets no answer from a commit that took place, has wasted a slot at most: it counts
        as a click and is never granted to somebody else.
        """
        if version and self._exhausted.get(link_id) == version:
            return State.EXHAUSTED
        if self._queue.qsize() >= MOST_WAITING:
            raise errors.DatabaseBusy
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="limiter", daemon=True)
            self._thread.start()
        waiting = _Waiting(Wanted(link_id, click), asyncio.get_running_loop().create_future())
        self._queue.put(waiting)
        verdict = await waiting.verdict
        if verdict.state is State.EXHAUSTED:
            self._note_exhausted(link_id, verdict.version)
        return verdict.state

    def close(self) -> None:
        """Ends the thread, after whoever still waits has been served."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _note_exhausted(self, link_id: int, version: int) -> None:
        self._exhausted[link_id] = version
        self._exhausted.move_to_end(link_id)
        while len(self._exhausted) > _EXHAUSTED_KEPT:
            self._exhausted.popitem(last=False)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group, ended = self._with_others(first)
            self._serve([waiting for waiting in group if not waiting.verdict.cancelled()])
            if ended:
                return

    def _with_others(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        """`first` and those who wait behind it, and whether nobody will come after them."""
        group = [first]
        with suppress(queue.Empty):
            while len(group) < MOST_TOGETHER:
                waiting = self._queue.get_nowait()
                if waiting is None:
                    return group, True
                group.append(waiting)
        return group, False

    def _serve(self, group: Sequence[_Waiting]) -> None:
        """Decides on a group in one transaction and tells each of it. Raises nothing."""
        if not group:
            return
        verdicts: Sequence[Verdict | Exception]
        try:
            with self._database.write() as connection:
                verdicts = limits.grant(connection, [waiting.wanted for waiting in group], datetime.now(UTC))
        except Exception as error:  # nothing may end this thread: those who wait would wait for ever
            if not isinstance(error, errors.Broken):
                log.error("clicks could not be granted", cause=repr(error), exc_info=True)
            verdicts = [error] * len(group)
        loop = group[0].verdict.get_loop()
        # A loop that has ended has nobody who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_tell, group, verdicts)
        pairs = zip(group, verdicts, strict=True)
        self._note_last({w.wanted.link_id for w, v in pairs if isinstance(v, Verdict) and v.is_last})

    def _note_last(self, link_ids: Collection[int]) -> None:
        """Tells every worker of the links whose last slot was taken: else those that have them cached would show
        them to robots, and in previews, as if they still led somewhere. Raises nothing.
        """
        if not link_ids:
            return
        try:
            with self._database.write() as connection:
                limits.note_exhausted(connection, link_ids, datetime.now(UTC))
        except Exception as error:  # visitors are not concerned: the database refuses them in any case
            foreseen = isinstance(error, errors.Broken)
            log.warning("a limit that is reached was not recorded", cause=str(error), exc_info=not foreseen)


def _tell(group: Sequence[_Waiting], verdicts: Sequence[Verdict | Exception]) -> None:
    for waiting, verdict in zip(group, verdicts, strict=True):
        if waiting.verdict.done():
            continue
        if isinstance(verdict, Exception):
            waiting.verdict.set_exception(verdict)
        else:
            waiting.verdict.set_result(verdict)
