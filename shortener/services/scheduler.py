"""The scheduler: has scheduled changes carried out at their moment. One thread per worker; the first one does it."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from shortener import errors
from shortener.services import schedules
from shortener.services.drafts import LinkPolicy
from shortener.storage.engine import Database
from shortener.storage.statements import Statements

#: Seconds between looks at what is next: a change that was scheduled for the next moment happens within this.
POLL_SECONDS = 0.5

log = structlog.get_logger()


class Scheduler:
    """Carries out what is due in one database. `close` it when its thread has ended."""

    def __init__(self, database: Database, policy: Callable[[], LinkPolicy]) -> None:
        """`policy` returns what links may be at present: domains come and go while this runs."""
        self._database = database
        self._policy = policy
        self._statements = Statements(database)
        self._is_failing = False

    def run(self, stop: threading.Event) -> None:
        """Works until `stop` is set. Faults of any kind are logged and outlived; what was due then happens later."""
        pause = POLL_SECONDS
        while not stop.wait(pause):
            try:
                pause = self.step()
                self._is_failing = False
            except Exception as error:  # nothing may end this loop: without it nothing happens at its time
                if not self._is_failing:
                    cause = str(error.__cause__ or error)
                    foreseen = isinstance(error, errors.Broken)
                    log.warning("scheduled changes fail, trying again", cause=cause, exc_info=not foreseen)
                self._is_failing, pause = True, POLL_SECONDS

    def step(self) -> float:
        """Carries out what is due, and returns how many seconds to wait before the next look."""
        with self._statements.connection() as connection:
            moment = schedules.next_moment(connection)
        now = datetime.now(UTC)
        if moment is None or (left := (moment - now).total_seconds()) > POLL_SECONDS:
            return POLL_SECONDS
        if left > 0:
            return left
        schedules.due(self._database, self._policy(), now)
        return 0.0

    def close(self) -> None:
        """Lets go of the database."""
        self._statements.close()
