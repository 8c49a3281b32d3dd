"""Domains: what each host says where its links and pages say nothing themselves. In memory, one table per worker."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from shortener.domain import host
from shortener.storage import domains as rows
from shortener.storage.domains import DomainSettings
from shortener.storage.engine import Connection

#: Host headers whose domain is remembered; a stranger may send any.
_HOSTS_KEPT = 1024


@dataclass(frozen=True, slots=True)
class Fallbacks:
    """What the instance says where a domain says nothing."""

    #: One of domain.link.REDIRECT_STATUSES.
    status: int
    home_target: str | None
    not_found_target: str | None
    expired_target: str | None


class Domains:
    """The configured domains. Empty until `refresh`; read by the event loop, refreshed by the follower's thread."""

    def __init__(self, fallbacks: Fallbacks) -> None:
        self._fallbacks = fallbacks
        #: Of every configured domain but the default one.
        self._configured: Mapping[str, Fallbacks] = {}
        self._default = fallbacks
        self._by_header: dict[bytes, str] = {}
        self._lock = threading.Lock()
        #: Whether there is any but the default one: else nobody need look at a Host header.
        self.any = False

    @property
    def names(self) -> frozenset[str]:
        """The configured domains, but for the default one."""
        return frozenset(self._configured)

    def refresh(self, connection: Connection) -> None:
        """Reads all of them, in the first query of a transaction. Any thread may call it."""
        # Read and taken over in one turn: what another thread has read before must not replace what is newer.
        with self._lock:
            self._take(rows.all_settings(connection))

    def _take(self, read: Mapping[str, DomainSettings]) -> None:
        found = {name: self._with_fallbacks(own) for name, own in read.items()}
        self._default = found.pop("", self._fallbacks)
        self._configured = found
        self._by_header = {}
        self.any = bool(found)

    def of_host(self, header: bytes) -> str:
        """The domain that a Host header names; the empty one for every host that is not configured."""
        # The memory first: what is made of older domains must not get into a newer one.
        memory = self._by_header
        known = memory.get(header)
        if known is None:
            name = host.of_header(header)
            known = name if name in self._configured else ""
            if len(memory) < _HOSTS_KEPT:
                memory[header] = known
        return known

    def of(self, name: str) -> Fallbacks:
        """What a domain says."""
        return self._configured.get(name, self._default)

    def _with_fallbacks(self, own: DomainSettings) -> Fallbacks:
        otherwise = self._fallbacks
        return Fallbacks(
            status=own.status or otherwise.status,
            home_target=own.home_target or otherwise.home_target,
            not_found_target=own.not_found_target or otherwise.not_found_target,
            expired_target=own.expired_target or otherwise.expired_target,
        )
