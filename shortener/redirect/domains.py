"""Domains: what each host says where its links and pages say nothing themselves. In memory, one table per worker."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import structlog

from shortener import errors
from shortener.domain import host
from shortener.domain import target as targets
from shortener.domain.target import TargetPolicy
from shortener.settings import PREFIX
from shortener.storage import domains as rows
from shortener.storage.domains import DomainSettings
from shortener.storage.engine import Connection

#: Host headers whose domain is remembered; a stranger may send any.
_HOSTS_KEPT = 1024

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fallbacks:
    """What the instance says where a domain says nothing."""

    #: One of domain.link.REDIRECT_STATUSES.
    status: int
    home_target: str | None
    not_found_target: str | None
    expired_target: str | None


_TARGETS = tuple(field.name for field in fields(Fallbacks) if field.name != "status")
#: What makes the stored form of each: only those that visitors are sent to from a link have placeholders.
_CHECKS = dict.fromkeys(_TARGETS, targets.check_fixed) | {"expired_target": targets.check}


class Domains:
    """The configured domains. Empty until `refresh`; read by the event loop, refreshed by the follower's thread."""

    def __init__(self, fallbacks: Fallbacks, policy: TargetPolicy | None = None, base_url: str | None = None) -> None:
        """`fallbacks` are the settings; those that `policy` refuses, or that lead to a domain, are ignored."""
        self._base_policy, self._base_url = policy or TargetPolicy(), base_url
        self._settings = fallbacks
        #: What links may lead to, by the domains that are configured.
        self.policy = self._base_policy
        #: Why settings are ignored, by their names.
        self.ignored: Mapping[str, str] = {}
        self._fallbacks = fallbacks = self._checked_settings()
        #: Of every configured domain but the default one.
        self._configured: Mapping[str, Fallbacks] = {}
        self._default = fallbacks
        self._by_header: dict[bytes, str] = {}
        self._lock = threading.Lock()
        #: Whether there is any but the default one: else nobody need look at a Host header.
        self.any = False
        #: The configured domains, but for the default one.
        self.names: frozenset[str] = frozenset()

    def refresh(self, connection: Connection) -> None:
        """Reads all of them, in the first query of a transaction. Any thread may call it."""
        # Read and taken over in one turn: what another thread has read before must not replace what is newer.
        with self._lock:
            self._take(rows.all_settings(connection))

    def is_own(self, target: str) -> bool:
        """Whether `target`, in stored form, leads back to this instance."""
        return targets.leads_to(target, self.policy.own_hosts)

    def _take(self, read: Mapping[str, DomainSettings]) -> None:
        self.policy = self._policy_of(name for name in read if name)
        self._fallbacks = self._checked_settings()
        found = {name: self._with_fallbacks(own) for name, own in read.items()}
        self._default = found.pop("", self._fallbacks)
        self._configured = found
        self._by_header = {}
        self.any = bool(found)
        self.names = frozenset(found)

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

    def _policy_of(self, names: Iterable[str]) -> TargetPolicy:
        if self._base_url is None:
            return self._base_policy
        own_hosts = self._base_policy.own_hosts | host.own_hosts(self._base_url, names)
        return replace(self._base_policy, own_hosts=own_hosts)

    def _checked_settings(self) -> Fallbacks:
        """The settings without the targets that no link may have; each is warned about when it begins to be one."""
        usable: dict[str, Any] = {}
        ignored = {}
        for name in _TARGETS:
            value = getattr(self._settings, name)
            try:
                usable[name] = None if value is None else _CHECKS[name](value, self.policy, name=name)
            except errors.Refused as error:
                usable[name] = None
                ignored[PREFIX + name.upper()] = error.problems[0].message
        for name in ignored.keys() - self.ignored.keys():
            log.warning(f"the setting {name} is ignored", cause=ignored[name])
        self.ignored = ignored
        return replace(self._settings, **usable)

    def _with_fallbacks(self, own: DomainSettings) -> Fallbacks:
        otherwise = self._fallbacks
        return Fallbacks(
            status=own.status or otherwise.status,
            home_target=own.home_target or otherwise.home_target,
            not_found_target=own.not_found_target or otherwise.not_found_target,
            expired_target=own.expired_target or otherwise.expired_target,
        )
