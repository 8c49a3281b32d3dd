"""A request as a click: what is taken from it, and what is not. The last place that sees a visitor's address."""

import time
from collections.abc import Sequence

from starlette.types import Scope

from shortener.clicks import enrich, frame
from shortener.clicks.salt import Salts
from shortener.clicks.spool import Spool
from shortener.domain import click as clicks
from shortener.domain import period, visitor
from shortener.domain.click import Click, Flag
from shortener.domain.visitor import MAX_USER_AGENT_BYTES, Network
from shortener.redirect.entry import Entry

#: Bytes kept of Accept-Language: the first few ranges decide.
_MAX_LANGUAGE = 64
#: Characters kept of the path of an orphan.
_MAX_PATH = 512


class Recorder:
    """Puts visits into the spool. One per worker."""

    def __init__(self, spool: Spool, salts: Salts, trusted_proxies: Sequence[Network]) -> None:
        self._spool = spool
        self._salts = salts
        self._trusted = trusted_proxies

    def record(self, scope: Scope, entry: Entry) -> None:
        """Records a click on the link of `entry`. Never raises for want of disk."""
        now_ms = time.time_ns() // 1_000_000
        self._spool.append(frame.encode(self._click(scope, now_ms, entry.link_id, entry.nonce, entry.code)))

    def record_orphan(self, scope: Scope) -> None:
        """Records a visit to a code that no link has, within the spool's budget."""
        now_ms = time.time_ns() // 1_000_000
        path = scope["path"][:_MAX_PATH]
        self._spool.append_orphan(frame.encode(self._click(scope, now_ms, None, 0, path)), now_ms // 1000)

    def _click(self, scope: Scope, now_ms: int, link_id: int | None, nonce: int, code: str) -> Click:
        headers = _headers(scope)
        user_agent = headers.get(b"user-agent", b"")[:MAX_USER_AGENT_BYTES]
        agent_text = user_agent.decode("utf-8", "replace")
        flags = _flags(headers)
        if Flag.DO_NOT_TRACK in flags:
            kind = enrich.click_class(agent_text, flags)
            return Click(now_ms, link_id, nonce, code, click_class=kind, flags=flags)
        address = visitor.client_address(
            (scope.get("client") or ("",))[0], _values(scope, b"x-forwarded-for"), self._trusted
        )
        day = period.day_of(now_ms)
        salt = self._salts.of(day)
        return Click(
            time_ms=now_ms,
            link_id=link_id,
            nonce=nonce,
            code=code,
            flags=flags,
            network=visitor.network_bytes(address),
            visitor_hash=visitor.visitor_hash(address, user_agent, salt) if salt else 0,
            salt_day=day,
            user_agent=agent_text,
            language=_languages(headers.get(b"accept-language", b"")),
            referrer=clicks.referrer_origin(headers.get(b"referer", b"").decode("utf-8", "replace")),
            utm=clicks.utm(scope["query_string"].decode("utf-8", "replace")),
        )


def _headers(scope: Scope) -> dict[bytes, bytes]:
    """The request's headers; of one sent twice the last."""
    return dict(scope["headers"])


def _values(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]


def _languages(accepted: bytes) -> str:
    """The first ranges of an Accept-Language header, as many as fit whole: half a range might mean another thing."""
    if len(accepted) > _MAX_LANGUAGE:
        accepted = accepted[:_MAX_LANGUAGE].rpartition(b",")[0]
    return accepted.decode("latin-1")


def _flags(headers: dict[bytes, bytes]) -> Flag:
    """What the request says of itself: Global Privacy Control and its predecessor, and fetching ahead."""
    flags = Flag(0)
    if headers.get(b"sec-gpc") == b"1" or headers.get(b"dnt") == b"1":
        flags |= Flag.DO_NOT_TRACK
    purpose = headers.get(b"sec-purpose") or headers.get(b"purpose") or headers.get(b"x-moz") or b""
    if purpose and clicks.is_prefetch(purpose.decode("latin-1")):
        flags |= Flag.PREFETCH
    return flags
