"""Limits: visits to links that redirect so many people only. Each takes a slot, which the database grants."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from shortener.domain.click import ClickClass
from shortener.domain.link import State
from shortener.redirect.answer import Answer, Outcome
from shortener.redirect.entry import Entry
from shortener.web import previews
from shortener.web.clicks import Request as Click
from shortener.web.deps import Parts

Over = Callable[[State], Answer]


def takes_slot(method: str, kind: ClickClass) -> bool:
    """Whether such a visit is one of those that a limit counts."""
    return method != "HEAD" and kind is ClickClass.HUMAN


async def take_slot(
    request: Request, entry: Entry, given: Answer, over: Over, click: Click, now_ms: int, parts: Parts
) -> Answer | Response:
    """The redirect `given`, if the limit of its link grants it to this visitor; its click is counted with that.

    `over` is what a visit to a link gets that is over, by why it is. Who looks only (HEAD, robots, previews) sees a
    page that does not say where the link leads.
    """
    kind = parts.visitors.click_class(click)
    if not takes_slot(request.method, kind):
        return previews.limited_preview(request, entry, parts)
    frame = None
    if given.click is not None and parts.recorder is not None:
        frame = parts.recorder.body(given.click, click, now_ms, kind)
    state = await parts.limiter.take(entry.id, frame, entry.version)
    if state is State.LIVE:
        return Answer(given.outcome, given.status, given.location, given.cache_control, allow=given.allow)
    if state is State.PENDING:
        return Answer(Outcome.NOT_FOUND)
    return over(state)
