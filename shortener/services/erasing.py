"""Erasing clicks, so that it is as if they had never been. It cannot be undone."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from shortener.domain.link import ORPHANS_ID, Link
from shortener.services import recorded
from shortener.storage import changes, clicks, erasing
from shortener.storage.engine import Database
from shortener.storage.erasing import Erasure

#: How history names it.
ERASED = "clicks-erased"
#: Visitor hashes destroyed in one transaction: few enough to hold the write lock for milliseconds.
_VISITORS = 2_000
#: Seconds between two transactions: a lock is nobody's turn by itself, and clicks are to be drained meanwhile.
_PAUSE_SECONDS = 0.005
#: Seconds for which a caller waits. What is left then is the drainer's.
_PATIENCE_SECONDS = 15.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasing came to."""

    #: How many clicks go.
    clicks: int
    #: Whether they are gone; else they are going, and nothing more need be done.
    is_finished: bool


def of_link(database: Database, code: str, *, actor: str, domain: str = "") -> Erased:
    """Erases all clicks so far on the link called `code`, by itself or an alias. Raises LinkNotFound, DomainInvalid.

    Its limit does not get its slots back: they are no statistics.
    """
    with database.read() as connection:
        link = recorded.find(connection, domain, code)
        domain_id = clicks.owners(connection, [link.id])[link.id].domain_id
    return _erase(database, link.id, domain_id, actor, link)


def of_orphans(database: Database, *, actor: str) -> Erased:
    """Erases all visits so far to codes that no link has."""
    return _erase(database, ORPHANS_ID, 0, actor, None)


def _erase(database: Database, link_id: int, domain_id: int, actor: str, link: Link | None) -> Erased:
    _forget_visitors(database, link_id)
    now = datetime.now(UTC)
    with database.write() as connection:
        changes.lock(connection)
        resumed = any(erasure.link_id == link_id for erasure in erasing.pending(connection))
        # Once the lock is had: nothing that is drained later can be older by more than the clocks differ.
        erasure, count = erasing.begin(connection, link_id, domain_id, time.time_ns() // 1_000_000)
        if count and link is not None and not resumed:
            recorded.record(connection, ERASED, link, {"clicks": [count, 0]}, actor, now)
    log.info("clicks are erased", link=link.code if link else None, clicks=count, actor=actor)
    return Erased(count, _carry_out(database, erasure))


def _forget_visitors(database: Database, link_id: int) -> None:
    """Beforehand, to keep the transaction short that begins; whoever is counted as new meanwhile is erased too."""
    while True:
        with database.write() as connection:
            if erasing.forget_visitors(connection, link_id, at_most=_VISITORS) < _VISITORS:
                return
        time.sleep(_PAUSE_SECONDS)


def _carry_out(database: Database, erasure: Erasure) -> bool:
    """Erases as long as a caller may wait; whether all is done."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for _ in erasing.steps(database, erasure):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True
