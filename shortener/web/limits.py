"""Limits: visits to links that redirect a limited number of times. Each takes a slot, which the database grants."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from shortener.domain.click import ClickClass
from shortener.domain.link import State
from shortener.redirect.answer import Answer, Outcome
from shortener.redirect.entry import Entry
from shortener.web import previews
from shortener.web.clicks import Request as Click
from shortener.web.deps import Parts
from shortener.web.forms import Form

#: The field by which the form on the page for programs is known (templates/preview.html).
FIELD: Final = "person"

Over = Callable[[State], Answer]


def takes_slot(entry: Entry, method: str, kind: ClickClass) -> bool:
    """Whether such a visit is one of those that the limit of `entry` counts."""
    return method != "HEAD" and (kind is ClickClass.HUMAN or entry.admits_programs)


def is_form(entry: Entry, form: Form | None) -> bool:
    """Whether `form` is the one by which a person uses the link of `entry` whose browser is taken for a program."""
    return entry.is_limited and form is not None and FIELD in form.fields


async def take_slot(
    request: Request,
    entry: Entry,
    given: Answer,
    over: Over,
    click: Click,
    now_ms: int,
    parts: Parts,
    kind: ClickClass,
) -> Answer | Response:
    """The redirect `given`, if the limit grants it to a visitor of class `kind`; its click is counted with that.

    `over` is what a visit to a link gets that is over, by why it is. A visit that takes no slot (HEAD, programs) sees
    a page that does not say where the link leads.
    """
    if not takes_slot(entry, request.method, kind):
        return previews.limited_preview(request, entry, parts)
    frame = None
    if given.click is not None and parts.recorder is not None:
        frame = parts.recorder.body(given.click, click, now_ms, kind)
    state = await parts.limiter.take(entry.id, frame, entry.version)
    if state is State.LIVE:
        return replace(given, click=None)
    if state is State.SCHEDULED:
        return Answer(Outcome.NOT_FOUND)
    return over(state)
