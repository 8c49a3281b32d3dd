"""Answers: what a visit gets, as data. Pure: the entry, the visit and the time come in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from shortener.domain.condition import Facts
from shortener.domain.link import METHOD_KEEPING_STATUSES, State
from shortener.domain.query import Query
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


class Visit(NamedTuple):
    """What is asked, and by whom."""

    method: str
    #: In normal form.
    code: str
    #: What stands behind the code in the path, without its slash, as it came.
    path: str
    query: Query
    facts: Facts
    #: A number below 2^32 that is always the same for this visitor and the link with this id.
    share: Callable[[int], int]


class Choice(NamedTuple):
    """Where a visit of a live link leads."""

    location: str
    status: int
    #: The link's part of the click.
    click: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a visit gets."""

    outcome: Outcome
    #: Status and Location of a redirect; an outcome other than REDIRECT may have them too: a fallback target.
    status: int = 0
    location: str | None = None
    cache_control: str = UNCACHED
    #: The link's part of a click, if the visit is one that counts.
    click: bytes | None = None
    #: Why a link is gone.
    state: State = State.LIVE
    allow: tuple[str, ...] = READING


@dataclass(frozen=True, slots=True)
class AnswerPolicy:
    """What the instance has decided about answers."""

    #: How long a permanent redirect may be kept, seconds.
    cache_seconds: int


def choose(entry: Entry, visit: Visit) -> Choice:
    """Where `visit` of a live link leads: the first rule that fits decides, else the link's own target.

    Raises LocationTooLong, and TooManyParameters where the link reads the query, whichever rule decides.
    """
    if entry.reads_query:
        visit.query.check()
    target, status, click = entry.target, entry.status, entry.click
    if entry.rules is not None:
        decision = entry.rules.decide(visit.facts, lambda: visit.share(entry.id))
        if decision is not None:
            target, status = decision.target, decision.status or status
            click = entry.clicks[decision.variant] if decision.variant is not None else click
    destination = entry.destinations.get(target)
    if destination is not None:
        target = destination.to(visit.code, visit.path, visit.query)
    return Choice(target, status, click)


def answer(
    entry: Entry | None, visit: Visit, now: datetime, policy: AnswerPolicy, not_found_target: str | None
) -> Answer:
    """What `visit` to the link of `entry` gets at `now`; None is an unknown code.

    `not_found_target` is where unknown codes lead; None for an answer with status 404. Raises what `choose` raises.
    """
    state = State.SCHEDULED if entry is None else entry.state(now)
    if entry is None or state is State.SCHEDULED or (visit.path and not entry.forward_path):
        if visit.method not in READING:
            return Answer(Outcome.NOT_FOUND)
        return Answer(Outcome.NOT_FOUND, status=302, location=not_found_target)
    if state is not State.LIVE:
        return gone(entry, visit, state)
    choice = choose(entry, visit)
    redirected = _redirected(choice)
    if visit.method not in redirected:
        return Answer(Outcome.METHOD_NOT_ALLOWED, allow=_with_form(entry, redirected))
    return Answer(
        Outcome.REDIRECT,
        status=choice.status,
        location=choice.location,
        cache_control=_cache_control(entry, now, policy.cache_seconds),
        click=choice.click if entry.track and visit.method != "HEAD" else None,
        allow=redirected,
    )


def allowed(entry: Entry | None, visit: Visit, now: datetime) -> tuple[str, ...]:
    """The methods that the path of `visit` answers at `now`."""
    if entry is None or entry.state(now) is not State.LIVE or (visit.path and not entry.forward_path):
        return READING
    return _with_form(entry, _redirected(choose(entry, visit)))


def _redirected(choice: Choice) -> tuple[str, ...]:
    return READING + WRITING if choice.status in METHOD_KEEPING_STATUSES else READING


def _with_form(entry: Entry, methods: tuple[str, ...]) -> tuple[str, ...]:
    """`methods`, and that of the form which asks for a password."""
    return methods if entry.password_hash is None or "POST" in methods else (*methods, "POST")


def gone(entry: Entry, visit: Visit, state: State) -> Answer:
    """The answer to a visit of a link that is over. Raises what `choose` raises."""
    location = entry.expired_target if visit.method in READING else None
    if location is not None and entry.expired_destination is not None:
        location = entry.expired_destination.to(visit.code, visit.path, visit.query)
    return Answer(Outcome.GONE, status=302, location=location, state=state)


def _cache_control(entry: Entry, now: datetime, cache_seconds: int) -> str:
    if entry.cache_control == UNCACHED:
        return UNCACHED
    left = None if entry.expires_at is None else int((entry.expires_at - now).total_seconds())
    return entries.cache_control(entry.status, cache_seconds, left)
