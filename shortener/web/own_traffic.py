"""Own traffic: visits that are not counted at all, because the operator has said by what they are known.

They are redirected like any other. Where nothing is set, none of this is in the way of a visit (`make_recorder`).
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from shortener.clicks.salt import Salts
from shortener.clicks.spool import Spool
from shortener.domain import visitor
from shortener.domain.click import ClickClass
from shortener.domain.visitor import Network
from shortener.redirect.domains import Domains
from shortener.settings import Settings
from shortener.web.clicks import Recorder, Request, forwarded
from shortener.web.own_hosts import OwnHosts

#: Visitors of whom is remembered whether they are among the addresses, as many as web/clicks remembers, and the
#: longest header, in bytes, of which this is done.
_VISITORS_KEPT = 512
_MAX_KEPT = 1024


class OwnTraffic:
    """Which visits are the operator's own."""

    def __init__(
        self,
        addresses: Sequence[Network],
        header: str | None,
        parameter: str | None,
        trusted_proxies: Sequence[Network],
    ) -> None:
        """`header` is a name, or a name and a value behind `=`; `parameter` is one of the query, with any value."""
        name, equals, value = (header or "").partition("=")
        self._addresses = addresses
        self._header = name.lower().encode()
        self._value = value.encode() if equals else None
        self._parameter = (parameter or "").encode()
        self._in_query = re.compile(rb"(?:^|&)" + re.escape(self._parameter) + rb"(?:=|&|$)").search
        self._trusted = trusted_proxies
        self._remembered = lru_cache(_VISITORS_KEPT)(self._is_among_addresses)

    @property
    def is_nobodys(self) -> bool:
        """Whether nothing is set, so that no visit is."""
        return not (self._addresses or self._header or self._parameter)

    def takes_in(self, request: Request) -> bool:
        """Whether `request` is one of them."""
        if self._header:
            sent = request.fields.get(self._header)
            if sent is not None and self._value in (None, sent):
                return True
        if self._parameter and self._parameter in request.query and self._in_query(request.query):
            return True
        if not self._addresses:
            return False
        via = forwarded(request) if self._trusted else b""
        return (self._remembered if len(via) <= _MAX_KEPT else self._is_among_addresses)(request.peer, via)

    def _is_among_addresses(self, peer: str, via: bytes) -> bool:
        address = visitor.client_address(peer, [via.decode("latin-1")], self._trusted)
        return address is not None and visitor.is_within(address, self._addresses)


class SelectiveRecorder(Recorder):
    """A recorder that leaves out own traffic."""

    def __init__(
        self,
        spool: Spool,
        salts: Salts,
        trusted_proxies: Sequence[Network],
        referrer_url: Literal["origin", "page"],
        own_hosts: OwnHosts,
        own: OwnTraffic,
    ) -> None:
        super().__init__(spool, salts, trusted_proxies, referrer_url, own_hosts)
        self._own = own

    def pack(self, click: bytes, request: Request, now_ms: int, kind: ClickClass | None = None) -> bytes | None:
        """A click on a link, for the spool; None for one of the operator's own."""
        return None if self._own.takes_in(request) else super().pack(click, request, now_ms, kind)


def make_recorder(configured: Settings, spool: Spool, salts: Salts, domains: Domains) -> Recorder:
    """What records visits, as `configured`: all, or all but the operator's own."""
    own = OwnTraffic(
        configured.excluded_addresses,
        configured.excluded_header,
        configured.excluded_parameter,
        configured.trusted_proxies,
    )
    own_hosts = OwnHosts(configured.public_url, domains)
    if own.is_nobodys:
        return Recorder(spool, salts, configured.trusted_proxies, configured.referrer_url, own_hosts)
    return SelectiveRecorder(spool, salts, configured.trusted_proxies, configured.referrer_url, own_hosts, own)
