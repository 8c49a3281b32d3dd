"""How far the drainer is, as the database shows it: asking the server would cost the server something."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shortener.clicks import fold
from shortener.storage import clicks, folding
from shortener.storage.engine import Database
from tests.bench import servers

#: Seconds for which the drainer may work: twenty times what it takes for the load that `make bench` puts.
_PATIENCE = 300.0
#: Seconds without any change after which nothing will come: workers publish their counts every second, and the
#: drainer looks for clicks five times in one.
_STILL_SECONDS = 2.0
#: Seconds between two looks, each of which takes a millisecond, on another core than the drainer's.
_LOOK_SECONDS = 0.02


class NeverSettled(Exception):
    """The drainer was still at work when patience ended."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Clicks in the tables, orphans included, and those of them that every breakdown contains."""

    drained: int
    folded: int


def wait_until_still(folder: Path) -> None:
    """Returns when the shortener with its data in `folder` has drained and folded everything. Raises NeverSettled."""
    last, since = None, time.monotonic()
    for found in _watched(folder):
        now = time.monotonic()
        if found != last:
            last, since = found, now
        elif found.drained == found.folded and now - since > _STILL_SECONDS:
            return


def rate(folder: Path, waiting: int) -> float:
    """Clicks folded per second, from the first one in the tables on until all `waiting` are and a step is not due.

    Raises NeverSettled.
    """
    began = 0.0
    for found in _watched(folder):
        now = time.monotonic()
        if found.drained and not began:
            began = now
        if found.drained >= waiting and found.drained - found.folded < fold.STEP:
            return found.folded / (now - began)
    raise AssertionError("watching ends by an exception only")


def _watched(folder: Path) -> Iterator[Progress]:
    """What is to be seen, again and again. Raises NeverSettled."""
    database, deadline = Database(servers.database_url(folder)), time.monotonic() + _PATIENCE
    try:
        while time.monotonic() < deadline:
            with database.read() as connection:
                found = Progress(clicks.last_id(connection), min(folding.marks(connection).values()))
            yield found
            time.sleep(_LOOK_SECONDS)
    finally:
        database.close()
    raise NeverSettled(str(found))
