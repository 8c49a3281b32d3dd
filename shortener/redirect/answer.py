"""Answers: what a visit gets, as data. Pure: the entry, the method and the time come in."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shortener.domain.link import METHOD_KEEPING_STATUSES, State
from shortener.redirect import entry as entries
from shortener.redirect.entry import UNCACHED, Entry

#: Methods that any redirect answers, and those that only one does which keeps the method.
READING = ("GET", "HEAD")
WRITING = ("POST", "PUT", "PATCH", "DELETE")


class Outcome(StrEnum):
    """How a visit ends. Also the label of the metric."""

    REDIRECT = "redirect"
    NOT_FOUND = "not-found"
    GONE = "gone"
    METHOD_NOT_ALLOWED = "method-not-allowed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a visit gets."""

    outcome: Outcome
    #: Status and Location of a redirect; an outcome other than REDIRECT may have them too: a fallback target.
    status: int = 0
    location: str | None = None
    cache_control: str = UNCACHED
    #: Whether the visit is a click of the link.
    counted: bool = False
    #: Why a link is gone.
    state: State = State.LIVE
    allow: tuple[str, ...] = READING


@dataclass(frozen=True, slots=True)
class AnswerPolicy:
    """What the instance has decided about answers."""

    #: How long a permanent redirect may be kept, seconds.
    cache_seconds: int
    #: Where unknown codes lead; None for an answer with status 404.
    not_found_target: str | None


def answer(entry: Entry | None, method: str, now: datetime, policy: AnswerPolicy) -> Answer:
    """What `method` on the link of `entry` gets at `now`; None is an unknown code."""
    state = State.PENDING if entry is None else entry.state(now)
    if entry is None or state is State.PENDING:
        if method not in READING:
            return Answer(Outcome.NOT_FOUND)
        return Answer(Outcome.NOT_FOUND, status=302, location=policy.not_found_target)
    if state is not State.LIVE:
        location = entry.expired_target if method in READING else None
        return Answer(Outcome.GONE, status=302, location=location, state=state)
    allow = READING + WRITING if entry.status in METHOD_KEEPING_STATUSES else READING
    if method not in allow:
        return Answer(Outcome.METHOD_NOT_ALLOWED, allow=allow)
    return Answer(
        Outcome.REDIRECT,
        status=entry.status,
        location=entry.target,
        cache_control=_cache_control(entry, now, policy.cache_seconds),
        counted=method != "HEAD",
        allow=allow,
    )


def _cache_control(entry: Entry, now: datetime, cache_seconds: int) -> str:
    left = None if entry.expires_at is None else int((entry.expires_at - now).total_seconds())
    return entries.cache_control(entry.status, cache_seconds, left)
