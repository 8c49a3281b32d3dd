"""Blows: what gets killed, in which order."""

from collections.abc import Iterator
from enum import StrEnum
from itertools import cycle, islice

#: Every tenth kill takes the whole tree.
_TREE_EVERY = 10


class Blow(StrEnum):
    """What a SIGKILL hits, or that PostgreSQL is restarted without being asked to finish anything."""

    WORKER = "one worker"
    DRAINER = "the drainer"
    SUPERVISOR = "the supervisor"
    TREE = "all of them at once"
    DATABASE = "PostgreSQL, restarted immediately"


def kills(number: int) -> list[Blow]:
    """`number` kills: worker, drainer and supervisor in turn, and every tenth all at once."""
    singles = cycle((Blow.WORKER, Blow.DRAINER, Blow.SUPERVISOR))
    return [Blow.TREE if index % _TREE_EVERY == 0 else next(singles) for index in range(1, number + 1)]


def restarts(number: int) -> list[Blow]:
    """`number` restarts of PostgreSQL, and between them a worker and the drainer killed in turn."""
    return list(islice(_with_kills(), max(0, 2 * number - 1)))


def _with_kills() -> Iterator[Blow]:
    for single in cycle((Blow.WORKER, Blow.DRAINER)):
        yield Blow.DATABASE
        yield single
