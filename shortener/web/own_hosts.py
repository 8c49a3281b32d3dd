"""Our own hosts: whether an address that a browser sends, as Referer or Origin, is on this shortener itself."""

from functools import lru_cache
from typing import NamedTuple

from pydantic import ValidationError

from shortener.domain import host as hosts
from shortener.domain import target as targets
from shortener.redirect.domains import Domains

_WEB = ("http", "https")


class OwnHosts(NamedTuple):
    """The hosts that the shortener answers on, as this worker knows them now."""

    base_url: str
    domains: Domains

    @property
    def names(self) -> frozenset[str]:
        """The configured domains: always the same object until they change."""
        return self.domains.names

    def include(self, url: str, host: str) -> bool:
        """Whether `url` is on a host of ours, or on the one that the Host header `host` names."""
        scheme = url.partition("://")[0].lower()
        place = _place(url) if scheme in _WEB else None
        return place is not None and (self.is_configured(place) or place == _place(f"{scheme}://{host}"))

    def is_configured(self, place: tuple[str, int]) -> bool:
        """Whether a host and port are the base URL's or a domain's."""
        return place in _configured(self.base_url, self.names)


@lru_cache(1)
def _configured(base_url: str, names: frozenset[str]) -> frozenset[tuple[str, int]]:
    return targets.own_hosts(base_url) | hosts.own_hosts(base_url, names)


def _place(url: str) -> tuple[str, int] | None:
    """Host and port of a web address, or None if it is none."""
    try:
        return targets.host_of(url)
    except ValidationError:
        return None
