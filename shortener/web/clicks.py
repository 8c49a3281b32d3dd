"""A request as a click: what is taken from it, and what is not. The last place that sees a visitor's address.

Both ways to answer a visit come here, the edge and the canonical routes, with the same parts of a request.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import structlog
from starlette.types import Scope

from shortener.clicks import agent, frame
from shortener.clicks.salt import Salts
from shortener.clicks.spool import Spool
from shortener.domain import click as clicks
from shortener.domain import visitor
from shortener.domain.click import ClickClass, Flag
from shortener.domain.visitor import MAX_USER_AGENT_BYTES, Network
from shortener.web.own_hosts import OwnHosts

Headers = Sequence[tuple[bytes, bytes]]

UNTRUSTED_PROXY = (
    "X-Forwarded-For comes from a proxy that SHORTENER_TRUSTED_PROXIES does not name, so all visitors behind it "
    "count as one. Add the proxy's address to SHORTENER_TRUSTED_PROXIES."
)

#: Bytes kept of Accept-Language: the first few ranges decide.
MAX_LANGUAGE = 64
#: Characters kept of the path of an orphan.
_MAX_PATH = 512
#: Visitors and referring pages whose part of a click is kept ready, about 1 KB each, and the longest headers, in
#: bytes, of which this is done: what a stranger sends must not fill the memory.
_VISITORS_KEPT, _REFERRERS_KEPT = 512, 512
_MAX_KEPT = 1024
_DAY_MS = 86_400_000
NO_FLAGS = Flag(0)
#: Headers by which a request says something of itself (`flags`).
TELLING = frozenset({b"sec-gpc", b"dnt"})
#: The marker of our QR codes in a query (services/qr).
_QR = re.compile(rb"(?:^|&)qr(?:=|&|$)")
_NOBODY = frame.pack_visitor(salt_day=0, visitor_hash=0, network=b"", user_agent="", language="")
_NOTHING_MORE = frame.pack_request("", {})
#: What is kept of the page that led here, by name.
_REFERRER_URL = {"origin": clicks.referrer_origin, "page": clicks.referrer_page}

log = structlog.get_logger()


@dataclass(slots=True)
class Request:
    """What a click is made of."""

    #: Names in lower case.
    headers: Headers
    #: The same; of one sent twice the last.
    fields: dict[bytes, bytes]
    #: The address at the other end of the connection, or an empty text where there is none.
    peer: str
    query: bytes
    #: The class of the visitor where a rule asked for it: then the click carries it, so that both agree for good.
    click_class: ClickClass | None = None
    #: Whether its path is only nearly that of the link.
    is_typed: bool = False


def of_scope(scope: Scope) -> Request:
    """The parts of a request that came by ASGI."""
    peer = (scope.get("client") or ("",))[0]
    return Request(scope["headers"], dict(scope["headers"]), peer, scope["query_string"])


class Recorder:
    """Puts visits into the spool. One per worker, used on its event loop only."""

    def __init__(
        self,
        spool: Spool,
        salts: Salts,
        trusted_proxies: Sequence[Network],
        referrer_url: Literal["origin", "page"] = "origin",
        own_hosts: OwnHosts | None = None,
    ) -> None:
        """`referrer_url` is what is kept of the page that led here; a page on `own_hosts` is none."""
        self._spool = spool
        self._salts = salts
        self._trusted = trusted_proxies
        self._referrer_url = _REFERRER_URL[referrer_url]
        self._own_hosts = own_hosts
        self._domains = None if own_hosts is None else own_hosts.domains
        self._request = lru_cache(_REFERRERS_KEPT)(self._pack_referred)
        # What depends on the visitor only is worked out once a day for each; the salt is part of the key, since a
        # part that was made without one must not stay.
        self._visitor = lru_cache(_VISITORS_KEPT)(self._pack_visitor)
        #: What is wrong with how proxies are set, as far as visits have shown; None where nothing is.
        self.proxy_warning: str | None = None
        self._has_warned = False
        #: Whether an answer must wait until its click is on the disk (`durable`).
        self.waits = spool.waits

    def record(self, click: bytes, request: Request, now_ms: int) -> None:
        """Records a click on a link; `click` is the link's part of it. Never raises for want of disk."""
        packed = self.pack(click, request, now_ms)
        if packed is not None:
            self._spool.append(packed)

    def pack(self, click: bytes, request: Request, now_ms: int, kind: ClickClass | None = None) -> bytes | None:
        """A click on a link, for the spool; `kind` is its class where a limit had to decide it already.

        None if it is not to be counted, which web/own_traffic decides.
        """
        fields = request.fields
        kind = kind or request.click_class
        # Nearly all visits say nothing of themselves, and what is asked of each costs.
        said = flags(fields) if b"sec-gpc" in fields or b"dnt" in fields else NO_FLAGS
        if said is not NO_FLAGS and Flag.DO_NOT_TRACK in said:
            kind = kind or agent.click_class(_agent_text(fields), said)
            return frame.pack(now_ms, said, kind, click, _NOBODY, _NOTHING_MORE)
        if b"qr" in request.query and _QR.search(request.query):
            said |= Flag.QR
        if request.is_typed:
            said |= Flag.TYPED
        via = b""
        if self._trusted:
            via = forwarded(request)
        elif b"x-forwarded-for" in fields and not self._has_warned:
            self._warn_of_proxy(request.peer)
        day = now_ms // _DAY_MS
        about_visitor = (self._visitor if len(via) <= _MAX_KEPT else self._pack_visitor)(
            request.peer,
            via,
            fields.get(b"user-agent", b"")[:MAX_USER_AGENT_BYTES],
            fields.get(b"accept-language", b"")[: MAX_LANGUAGE + 1],
            day,
            self._salts.of(day),
        )
        referrer = fields.get(b"referer", b"")
        about = self._about(referrer, request) if referrer or request.query else _NOTHING_MORE
        return frame.pack(now_ms, said, kind, click, about_visitor, about)

    def body(self, click: bytes, request: Request, now_ms: int, kind: ClickClass) -> bytes | None:
        """The same as version and payload of a frame, for the inbox."""
        packed = self.pack(click, request, now_ms, kind)
        return None if packed is None else frame.body_of(packed)

    def record_orphan(self, domain: str, path: str, request: Request) -> None:
        """Records a visit to a code that no link has, within the spool's budget.

        `domain` is a configured one, or empty: never a host that a stranger made up.
        """
        now_ms = time.time_ns() // 1_000_000
        if self._spool.admits_orphan(now_ms // 1000):
            self.record(frame.pack_orphan(domain, path[:_MAX_PATH]), request, now_ms)

    async def durable(self) -> None:
        """Waits until everything recorded so far is on the disk."""
        await self._spool.durable()

    def _pack_visitor(
        self, peer: str, via: bytes, user_agent: bytes, language: bytes, day: int, salt: bytes | None
    ) -> bytes:
        if via and not self._has_warned:
            self._warn_of_proxy(peer)
        address = visitor.client_address(peer, [via.decode("latin-1")], self._trusted)
        return frame.pack_visitor(
            salt_day=day,
            visitor_hash=visitor.visitor_hash(address, user_agent, salt) if salt else 0,
            network=visitor.network_bytes(address),
            user_agent=user_agent.decode("utf-8", "replace"),
            language=languages(language),
        )

    def _warn_of_proxy(self, peer: str) -> None:
        """Says once if `peer`, which sends X-Forwarded-For, is not trusted.

        Any stranger may send the header. So only a peer in a network of one's own is shown beyond the log.
        """
        address = visitor.untrusted_proxy(peer, self._trusted)
        if address is None:
            return
        self._has_warned = True
        log.warning(UNTRUSTED_PROXY, proxy=visitor.shown(address), setting="SHORTENER_TRUSTED_PROXIES")
        if not address.is_global:
            self.proxy_warning = UNTRUSTED_PROXY

    def _about(self, referrer: bytes, request: Request) -> bytes:
        """The part of a click that only this request has."""
        query = request.query
        if query and b"utm_" not in query:
            query = b""
        if not referrer:
            return self._request(b"", query, b"", None) if len(query) <= _MAX_KEPT else _pack_request("", query)
        host = request.fields.get(b"host", b"")
        names = None if self._domains is None else self._domains.names
        if len(referrer) + len(query) + len(host) > _MAX_KEPT:
            return self._pack_referred(referrer, query, host, names)
        return self._request(referrer, query, host, names)

    def _pack_referred(self, referrer: bytes, query: bytes, host: bytes, _names: frozenset[str] | None) -> bytes:
        """The same; `_names` are the domains by which it is decided whether `referrer` is a page of our own."""
        url = self._referrer_url(referrer.decode("utf-8", "replace"))
        if url and self._own_hosts is not None and self._own_hosts.include(url, host.decode("latin-1")):
            url = ""
        return _pack_request(url, query)


def _pack_request(referrer_url: str, query: bytes) -> bytes:
    return frame.pack_request(referrer_url, clicks.utm(query.decode("utf-8", "replace")))


def _agent_text(fields: dict[bytes, bytes]) -> str:
    return fields.get(b"user-agent", b"")[:MAX_USER_AGENT_BYTES].decode("utf-8", "replace")


def forwarded(request: Request) -> bytes:
    """What proxies say, as one list: several headers mean the same as one (RFC 9110 section 5.3)."""
    if len(request.fields) == len(request.headers):  # none was sent twice
        return request.fields.get(b"x-forwarded-for", b"")
    return b",".join(value for name, value in request.headers if name == b"x-forwarded-for")


def languages(accepted: bytes) -> str:
    """The first ranges of an Accept-Language header, as many as fit whole: half a range might mean another thing."""
    if len(accepted) > MAX_LANGUAGE:
        accepted = accepted[:MAX_LANGUAGE].rpartition(b",")[0]
    return accepted.decode("latin-1")


def flags(fields: dict[bytes, bytes]) -> Flag:
    """The flags of a request: Global Privacy Control and its predecessor. Prefetches are no clicks."""
    is_private = fields.get(b"sec-gpc") == b"1" or fields.get(b"dnt") == b"1"
    return Flag.DO_NOT_TRACK if is_private else NO_FLAGS
