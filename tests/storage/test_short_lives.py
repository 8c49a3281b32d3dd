"""Drainers that are killed again and again: each gets further than the last one, and makes room for new clicks."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from shortener.clicks import backlog, batch, segment
from shortener.clicks.drainer import BATCH, Drainer
from shortener.clicks.room import Room
from shortener.clicks.spool import Spool
from shortener.storage.engine import Database
from tests.clicks import make_link
from tests.spools import agreed, count, drain_all, put

pytestmark = pytest.mark.usefixtures("settled")

MOST_OPEN = 3


class Killed(BaseException):
    """The end of a process, as far as a test can play it: nothing below handles it."""


@contextmanager
def killed_at(write: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within it, a drainer dies in its transaction number `write`, counted from 1."""
    real, left = batch.write, iter(range(write - 1))

    def dying(*arguments: Any) -> Any:
        if next(left, None) is None:
            raise Killed
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(batch, "write", dying)
        with pytest.raises(Killed):
            yield


def leave(folder: Path, database: Database, database_id: bytes, clicks: int) -> Path:
    """The segment of a worker that died after so many clicks."""
    dead = Spool(folder, database_id)
    assert dead.segment is not None
    put(dead, make_link(database), clicks)
    dead.close()
    return dead.segment.path


def test_what_others_drained_is_passed_over(
    database: Database, folder: Path, database_id: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much is kept of before, the newest clicks are counted in the first step."""
    monkeypatch.setattr(backlog, "MOST_OPEN", MOST_OPEN)
    for _ in range(2 * MOST_OPEN):
        leave(folder, database, database_id, 1)
    with closing(Drainer(folder, database, database_id)) as before:
        drain_all(before)
    leave(folder, database, database_id, 5)
    with closing(Drainer(folder, database, database_id)) as fresh:
        fresh.step()
    assert agreed(database) == 2 * MOST_OPEN + 5


def test_a_segment_is_cut_as_soon_as_its_last_click_is_counted(
    database: Database, folder: Path, database_id: bytes
) -> None:
    """Not in the next round, which a short life does not reach."""
    path = leave(folder, database, database_id, BATCH - 1)
    allocated = path.stat().st_size
    with closing(Drainer(folder, database, database_id)) as short:
        short.step()
    assert path.stat().st_size < allocated / 2
    assert count(database) == BATCH - 1


def test_room_is_made_before_a_round_is_over(
    database: Database, folder: Path, database_id: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, pending = (leave(folder, database, database_id, 1) for _ in range(2))
    half = segment.Segment(folder, database_id, 1000)
    half.close()
    os.utime(half.path, (1, 1))
    bounds = Room(most_bytes=1, least_free_bytes=0)
    with closing(Drainer(folder, database, database_id, bounds)) as short, killed_at(2, monkeypatch):
        short.step()
    assert [path.exists() for path in (half.path, kept, pending)] == [False, False, True]
    assert count(database) == 1


def test_each_life_gets_further(
    database: Database, folder: Path, database_id: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One batch per life is enough: nothing has to be done again."""
    segments, lives = 5, 0
    for _ in range(segments):
        leave(folder, database, database_id, 2)
    while count(database) < 2 * segments:
        with closing(Drainer(folder, database, database_id)) as short, killed_at(2, monkeypatch):
            while short.step() or count(database) < 2 * segments:
                pass
            raise Killed
        lives += 1
        assert count(database) == 2 * lives
    assert agreed(database) == 2 * segments
