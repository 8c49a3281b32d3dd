"""Entries: a link as visits see it, frozen, with everything worked out that does not change from visit to visit."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shortener.domain import link as links
from shortener.domain import period
from shortener.domain.link import PERMANENT_STATUSES, State
from shortener.storage.links import Visited

#: Nobody but this visitor's browser may keep the answer, and it not even for a moment.
UNCACHED = "private, no-store"
#: Later than any moment; milliseconds.
_NEVER_ENDING = 2**62


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the instance has decided for links that say nothing themselves, and how a link is written down."""

    #: One of domain.link.REDIRECT_STATUSES.
    status: int
    expired_target: str | None
    #: How long a permanent redirect may be kept, seconds.
    cache_seconds: int
    #: Link id, nonce and code as the part of a click that is the link's.
    pack_link: Callable[[int, int, str], bytes]


@dataclass(frozen=True, slots=True)
class Entry:
    """A living link, ready to be visited."""

    #: In stored form: byte for byte what Location says.
    target: str
    #: Its own or the instance's.
    status: int
    enabled: bool
    valid_from: datetime | None
    expires_at: datetime | None
    #: Its own or the instance's; None for an answer with status 410.
    expired_target: str | None
    #: The link's part of a click, as `Defaults.pack_link` made it.
    click: bytes
    #: From the first moment to before the second, milliseconds since 1970, every visit gets the same redirect, with
    #: this Cache-Control. Outside of that it takes a closer look (redirect/answer).
    steady_from_ms: int
    steady_until_ms: int
    cache_control: str

    def state(self, now: datetime) -> State:
        """What the link is at `now`."""
        return links.state(enabled=self.enabled, valid_from=self.valid_from, expires_at=self.expires_at, now=now)


#: How a plain link is kept: length of the link's part of a click (one byte) | that part | target. Plain is a link
#: that is always live and has the instance's status, as most have. As entries, 100,000 of them would take 34 MB, so
#: they take 11.
Plain = bytes
_MAX_PLAIN_CLICK = 255


def compact(entry: Entry, defaults: Defaults) -> Entry | Plain:
    """`entry` as it is kept: if its link is plain, as bytes."""
    always = (entry.steady_from_ms, entry.steady_until_ms) == (0, _NEVER_ENDING)
    if always and entry.status == defaults.status and len(entry.click) <= _MAX_PLAIN_CLICK:
        return bytes([len(entry.click)]) + entry.click + entry.target.encode()
    return entry


def expand(kept: Entry | Plain, defaults: Defaults) -> Entry:
    """The entry that was kept."""
    if isinstance(kept, Entry):
        return kept
    target_at = kept[0] + 1
    return Entry(
        target=kept[target_at:].decode(),
        status=defaults.status,
        enabled=True,
        valid_from=None,
        expires_at=None,
        expired_target=defaults.expired_target,
        click=kept[1:target_at],
        steady_from_ms=0,
        steady_until_ms=_NEVER_ENDING,
        cache_control=cache_control(defaults.status, defaults.cache_seconds),
    )


def compile_entry(visited: Visited, code: str, defaults: Defaults) -> Entry:
    """The entry of a link found by `code`, in normal form."""
    status = visited.status or defaults.status
    steady_from_ms, steady_until_ms = _steady(visited, status, defaults.cache_seconds)
    return Entry(
        target=visited.target,
        status=status,
        enabled=visited.enabled,
        valid_from=visited.valid_from,
        expires_at=visited.expires_at,
        expired_target=visited.expired_target or defaults.expired_target,
        click=defaults.pack_link(visited.id, visited.nonce, code),
        steady_from_ms=steady_from_ms,
        steady_until_ms=steady_until_ms,
        cache_control=cache_control(status, defaults.cache_seconds),
    )


def cache_control(status: int, cache_seconds: int, left: int | None = None) -> str:
    """The Cache-Control of a redirect with `status`; `left` are the seconds until the link expires, None for ever."""
    if status not in PERMANENT_STATUSES or not cache_seconds:
        return UNCACHED
    return f"public, max-age={cache_seconds if left is None else min(cache_seconds, left)}"


def _steady(visited: Visited, status: int, cache_seconds: int) -> tuple[int, int]:
    if not visited.enabled:
        return (0, 0)
    # Rounded to inside: a moment has microseconds.
    begins = period.to_ms(visited.valid_from) + 1 if visited.valid_from else 0
    if visited.expires_at is None:
        return (begins, _NEVER_ENDING)
    # Towards its end a permanent redirect may be kept for less and less long.
    kept_ms = cache_seconds * 1000 if status in PERMANENT_STATUSES else 0
    return (begins, period.to_ms(visited.expires_at) - kept_ms)
