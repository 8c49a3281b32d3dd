"""Entries: a link as visits see it, frozen."""

from dataclasses import dataclass
from datetime import datetime

from shortener.domain import link as links
from shortener.domain.link import State
from shortener.storage.links import Visited


@dataclass(frozen=True, slots=True)
class Entry:
    """A living link, ready to be visited."""

    link_id: int
    nonce: int
    #: The code it was found by, in normal form.
    code: str
    #: In stored form: byte for byte what Location says.
    target: str
    #: Its own or the instance's.
    status: int
    enabled: bool
    valid_from: datetime | None
    expires_at: datetime | None
    #: Its own or the instance's; None for an answer with status 410.
    expired_target: str | None

    def state(self, now: datetime) -> State:
        """What the link is at `now`."""
        return links.state(enabled=self.enabled, valid_from=self.valid_from, expires_at=self.expires_at, now=now)


def compile_entry(visited: Visited, code: str, *, status: int, expired_target: str | None) -> Entry:
    """The entry of a link found by `code`; `status` and `expired_target` are the instance's."""
    return Entry(
        link_id=visited.id,
        nonce=visited.nonce,
        code=code,
        target=visited.target,
        status=visited.status or status,
        enabled=visited.enabled,
        valid_from=visited.valid_from,
        expires_at=visited.expires_at,
        expired_target=visited.expired_target or expired_target,
    )
