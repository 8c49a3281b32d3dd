"""Making entries and visits for tests."""

from datetime import UTC, datetime
from typing import Any

from shortener.clicks import frame
from shortener.domain.query import Query
from shortener.redirect.answer import Answer, AnswerPolicy, Visit, answer
from shortener.redirect.domains import Domains, Fallbacks
from shortener.redirect.entry import Defaults, Entry, compile_entry
from shortener.storage.visits import Visited
from tests import facts

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROW = Visited(
    id=7,
    nonce=4711,
    domain="",
    target="https://example.com/",
    status=None,
    enabled=True,
    valid_from=None,
    expires_at=None,
    expired_target=None,
    max_clicks=None,
    used=0,
    admit_programs=False,
    password_hash=None,
    forward_query=False,
    forward_path=False,
    track=True,
    rules=None,
    version=1,
)
DEFAULTS = Defaults(status=302, cache_seconds=300, pack_link=frame.pack_link)


def row(**fields: Any) -> Visited:
    """A link's row."""
    return Visited(**{name: getattr(ROW, name) for name in Visited._fields} | fields)


def domains(status: int = 302, expired_target: str | None = None) -> Domains:
    """The domains of an instance that has none configured."""
    return Domains(Fallbacks(status, None, None, expired_target))


def defaults(**fields: Any) -> Defaults:
    """What an instance has decided."""
    return Defaults(**{name: getattr(DEFAULTS, name) for name in Defaults.__slots__} | fields)


def entry(code: str = "sale", *, cache_seconds: int = 300, **fields: Any) -> Entry:
    """The entry of a link with these fields."""
    return compile_entry(row(**fields), code, defaults(cache_seconds=cache_seconds), domains())


def visit(method: str = "GET", *, code: str = "sale", path: str = "", query: str = "", **known: Any) -> Visit:
    """A visit by somebody of whom this is known."""
    return Visit(method, code, path, Query(query), facts.Visit(**known), lambda _link_id: 0)


def answered(
    found: Entry | None,
    method: str = "GET",
    now: datetime = NOW,
    *,
    not_found_target: str | None = None,
    cache_seconds: int = 300,
) -> Answer:
    """What `method` gets."""
    return answer(found, visit(method), now, AnswerPolicy(cache_seconds), not_found_target)
