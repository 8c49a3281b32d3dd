"""Visitors as rules see them: what a request says of who sends it, worked out when a rule asks, and remembered.

The other reader of requests is web/clicks. Nothing from here is written down anywhere.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache

from shortener.clicks import agent
from shortener.clicks.agent import Agent
from shortener.clicks.geo import Geo, Place
from shortener.domain import click as clicks
from shortener.domain import language, period
from shortener.domain import visitor as visitors
from shortener.domain.click import ClickClass
from shortener.domain.language import Accepted
from shortener.domain.query import Query
from shortener.domain.visitor import MAX_USER_AGENT_BYTES, Address, Network
from shortener.web.clicks import MAX_LANGUAGE, NO_FLAGS, TELLING, Request, flags, forwarded, languages

#: Visitors who are remembered, about 1 KB each, as many as web/clicks remembers.
_VISITORS_KEPT = 512
_MAX_KEPT = 1024
#: Referrers whose host is remembered, and how much of one is looked at, bytes: the host stands in front.
_REFERRERS_KEPT, MAX_REFERRER = 512, 1024
#: Numbers by which visitors are told apart in splits are below 2^32.
_SHARE_BYTES = 4


class Visitor:
    """What stays the same from visit to visit."""

    def __init__(self, address: Address | None, user_agent: bytes, accepted: str, geo: Geo, secret: bytes) -> None:
        self.address = address
        self.user_agent = user_agent.decode("utf-8", "replace")
        self._accepted = accepted
        self._geo = geo
        packed = address.packed if address is not None else b""
        self._identity = hashlib.blake2b(packed + b"|" + user_agent, key=secret, digest_size=16).digest()
        #: Numbers by link id.
        self._shares: dict[int, int] = {}

    @cached_property
    def agent(self) -> Agent:
        """What the user agent says of itself."""
        return agent.agent(self.user_agent)

    @cached_property
    def place(self) -> Place:
        """Where the address is."""
        return self._geo.find(self.address)

    @cached_property
    def languages(self) -> Accepted:
        """What the visitor reads, with how gladly."""
        return language.accepted(self._accepted)

    @cached_property
    def own_languages(self) -> Collection[str]:
        """Names of the languages that are the visitor's own."""
        return language.own(self.languages)

    @cached_property
    def _own_class(self) -> ClickClass:
        return agent.click_class(self.user_agent, NO_FLAGS)

    def click_class(self, request: Request) -> ClickClass:
        """What kind of visitor this is, `request` considered."""
        if request.fields.keys().isdisjoint(TELLING):
            return self._own_class
        return agent.click_class(self.user_agent, flags(request.fields))

    def share(self, link_id: int) -> int:
        """The number below 2^32 that this visitor always has at a link: the same on every day and every node."""
        known = self._shares.get(link_id)
        if known is None:
            hashed = hashlib.blake2b(link_id.to_bytes(8, "big"), key=self._identity, digest_size=_SHARE_BYTES)
            known = self._shares[link_id] = int.from_bytes(hashed.digest(), "big")
        return known


@lru_cache(_REFERRERS_KEPT)
def _referrer_host(referrer: bytes) -> str | None:
    return clicks.referrer_host(clicks.referrer_origin(referrer.decode("utf-8", "replace")))


@dataclass
class Facts:
    """The facts of one visit that rules may ask for (domain.condition.Facts); each is worked out once."""

    visitor: Visitor
    request: Request
    parameters: Query
    now_ms: int

    @property
    def device(self) -> str | None:
        """See domain.click.device."""
        return self.visitor.agent.device

    @property
    def os(self) -> str | None:
        """The operating system's family, as ua-parser names it."""
        return self.visitor.agent.os

    @property
    def browser(self) -> str | None:
        """The browser's family, as ua-parser names it."""
        return self.visitor.agent.browser

    @property
    def languages(self) -> Accepted:
        """Language ranges and their qualities."""
        return self.visitor.languages

    @property
    def own_languages(self) -> Collection[str]:
        """Names of the visitor's own languages, for rules about languages."""
        return self.visitor.own_languages

    @property
    def country(self) -> str | None:
        """ISO 3166."""
        return self.visitor.place.country

    @property
    def region(self) -> str | None:
        """Its name in English."""
        return self.visitor.place.region

    @property
    def city(self) -> str | None:
        """Its name in English."""
        return self.visitor.place.city

    @property
    def query(self) -> Mapping[str, Collection[str]]:
        """The parameters of the request."""
        return self.parameters.values

    @cached_property
    def referrer_host(self) -> str | None:
        """The host of the page that led here."""
        referrer = self.request.fields.get(b"referer")
        return _referrer_host(referrer[:MAX_REFERRER]) if referrer else None

    @property
    def address(self) -> Address | None:
        """In full."""
        return self.visitor.address

    @cached_property
    def click_class(self) -> ClickClass:
        """Who this is. The request remembers it: its click must be of the class that the rule has seen."""
        found = self.request.click_class = self.visitor.click_class(self.request)
        return found

    @cached_property
    def now(self) -> datetime:
        """The moment of the visit."""
        return period.from_ms(self.now_ms)


class Visitors:
    """Knows who sends a request. One per worker."""

    def __init__(self, geo: Geo, secret: Callable[[], bytes], trusted_proxies: Sequence[Network]) -> None:
        """`secret` is the instance's: it keeps a visitor on one side of a split, without anything being stored."""
        self._geo = geo
        self._secret = secret
        self._trusted = trusted_proxies
        self._remembered = lru_cache(_VISITORS_KEPT)(self._visitor)

    def of(self, request: Request) -> Visitor:
        """Who sends `request`."""
        via = forwarded(request) if self._trusted else b""
        find = self._remembered if len(via) <= _MAX_KEPT else self._visitor
        return find(
            request.peer,
            via,
            request.fields.get(b"user-agent", b"")[:MAX_USER_AGENT_BYTES],
            request.fields.get(b"accept-language", b"")[: MAX_LANGUAGE + 1],
        )

    def click_class(self, request: Request) -> ClickClass:
        """What kind of visitor sends `request`."""
        return self.of(request).click_class(request)

    def _visitor(self, peer: str, via: bytes, user_agent: bytes, accepted: bytes) -> Visitor:
        address = visitors.client_address(peer, [via.decode("latin-1")], self._trusted)
        return Visitor(address, user_agent, languages(accepted), self._geo, self._secret())
