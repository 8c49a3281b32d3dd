"""Entries: a link as visits see it, frozen, with everything worked out that does not change from visit to visit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from shortener.domain import link as links
from shortener.domain import period, placeholder
from shortener.domain import rule as rules
from shortener.domain.destination import Destination, compile_destination, is_plain
from shortener.domain.link import PERMANENT_STATUSES, State
from shortener.redirect.domains import Domains, Fallbacks
from shortener.redirect.rule import CompiledRules, compile_rules
from shortener.storage.visits import Visited

#: Nobody but this visitor's browser may keep the answer, and it not even for a moment.
UNCACHED = "private, no-store"
#: What parts of an entry take in memory beside their characters, as measured by tracemalloc and rounded up.
_BYTES_OF_ENTRY, _BYTES_OF_CONDITION, _BYTES_OF_TARGET = 800, 700, 300
#: Later than any moment; milliseconds.
_NEVER_ENDING = 2**62


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the instance has decided for links that say nothing themselves, and how a link is written down."""

    #: One of domain.link.REDIRECT_STATUSES: that of a plain link.
    status: int
    #: How long a permanent redirect may be kept, seconds.
    cache_seconds: int
    #: Link id, nonce, code and variant as the part of a click that is the link's.
    pack_link: Callable[[int, int, str, str], bytes]


@dataclass(frozen=True, slots=True)
class Entry:
    """A living link, ready to be visited."""

    id: int
    nonce: int
    #: Byte for byte what Location says, unless it is one of `destinations`.
    target: str
    #: Its own, its domain's or the instance's.
    status: int
    enabled: bool
    valid_from: datetime | None
    expires_at: datetime | None
    #: The same, unless there is an `expired_destination`; None for an answer with status 410.
    expired_target: str | None
    #: How that becomes a Location, if it has placeholders.
    expired_destination: Destination | None
    #: The link's part of a click, as `Defaults.pack_link` made it, by variant; the one without a variant is `click`.
    click: bytes
    clicks: Mapping[str, bytes]
    #: From the first moment to before the second, milliseconds since 1970, it is live.
    live_from_ms: int
    live_until_ms: int
    #: The same, for the time in which every visit gets the same redirect with this Cache-Control. Outside of that it
    #: takes a closer look (redirect/answer).
    steady_from_ms: int
    steady_until_ms: int
    cache_control: str
    #: Whether clicks are counted.
    track: bool
    #: None where there are none.
    rules: CompiledRules | None
    #: How a target in stored form becomes a Location, for those that aren't one.
    destinations: Mapping[str, Destination]
    #: Whether the query of a visit decides, or is passed on.
    reads_query: bool
    forward_path: bool
    #: Whether it redirects a limited number of times: then each of them is the database's to grant (redirect/limit).
    is_limited: bool
    #: Whether visits by programs are among those that the limit counts and grants.
    admits_programs: bool
    #: Whether it had granted all when it was loaded.
    is_exhausted: bool
    version: int
    password_hash: str | None
    #: Whether one of its targets is on this instance, so that it may lead to itself (redirect/loop).
    may_loop: bool
    #: Bytes that it takes in memory, about.
    size: int = field(compare=False)

    @property
    def is_guarded(self) -> bool:
        """Whether more than looking at the visit decides: a password, a limit or the link that it leads to."""
        return self.is_limited or self.password_hash is not None or self.may_loop

    def state(self, now: datetime) -> State:
        """What the link is at `now`."""
        found = links.state(enabled=self.enabled, valid_from=self.valid_from, expires_at=self.expires_at, now=now)
        return State.EXHAUSTED if found is State.LIVE and self.is_exhausted else found


#: How a plain link is kept: length of the link's part of a click (one byte) | that part | target. Plain is a link
#: that is always live, leads everybody to one target, has the instance's status, and is counted, as most are. As
#: entries, 100,000 of them would take 34 MB, so they take 11.
Plain = bytes
_MAX_PLAIN_CLICK = 255


def compact(entry: Entry, defaults: Defaults) -> Entry | Plain:
    """`entry` as it is kept: if its link is plain, as bytes."""
    always = (entry.steady_from_ms, entry.steady_until_ms) == (0, _NEVER_ENDING)
    if (
        always
        and entry.track
        and not entry.may_loop
        and entry.status == defaults.status
        and len(entry.click) <= _MAX_PLAIN_CLICK
    ):
        return bytes([len(entry.click)]) + entry.click + entry.target.encode()
    return entry


def expand(kept: Entry | Plain, defaults: Defaults) -> Entry:
    """The entry that was kept; of a plain link without id and nonce, which stand in its click."""
    if isinstance(kept, Entry):
        return kept
    target_at = kept[0] + 1
    return Entry(
        id=0,
        nonce=0,
        target=kept[target_at:].decode(),
        status=defaults.status,
        enabled=True,
        valid_from=None,
        expires_at=None,
        expired_target=None,
        expired_destination=None,
        click=kept[1:target_at],
        clicks={},
        live_from_ms=0,
        live_until_ms=_NEVER_ENDING,
        steady_from_ms=0,
        steady_until_ms=_NEVER_ENDING,
        cache_control=cache_control(defaults.status, defaults.cache_seconds),
        track=True,
        rules=None,
        destinations={},
        reads_query=False,
        forward_path=False,
        is_limited=False,
        admits_programs=False,
        is_exhausted=False,
        version=0,
        password_hash=None,
        may_loop=False,
        size=0,
    )


def compile_entry(visited: Visited, code: str, defaults: Defaults, domains: Domains) -> Entry:
    """The entry of a link found by `code`, in normal form."""
    status, expired_target = _preferred(visited, domains.of(visited.domain))
    own_rules = rules.load(visited.rules)
    destinations = _destinations(visited, own_rules)
    same_for_all = _is_same_for_all(visited, own_rules, destinations)
    pack = partial(defaults.pack_link, visited.id, visited.nonce, code)
    live = _live(visited)
    steady = _steady(visited, live, status, defaults.cache_seconds) if same_for_all else (0, 0)
    return Entry(
        id=visited.id,
        nonce=visited.nonce,
        target=placeholder.location(visited.target) if same_for_all else visited.target,
        status=status,
        enabled=visited.enabled,
        valid_from=visited.valid_from,
        expires_at=visited.expires_at,
        expired_target=placeholder.location(expired_target) if expired_target else None,
        expired_destination=_filled(expired_target) if expired_target else None,
        click=pack(""),
        clicks={variant: pack(variant) for variant in rules.variants(own_rules)},
        live_from_ms=live[0],
        live_until_ms=live[1],
        steady_from_ms=steady[0],
        steady_until_ms=steady[1],
        cache_control=cache_control(status, defaults.cache_seconds) if same_for_all else UNCACHED,
        track=visited.track,
        rules=compile_rules(own_rules) if own_rules else None,
        destinations=destinations,
        reads_query=_reads_query(own_rules, destinations),
        forward_path=visited.forward_path,
        is_limited=visited.max_clicks is not None,
        admits_programs=visited.admit_programs,
        is_exhausted=visited.max_clicks is not None and visited.used >= visited.max_clicks,
        version=visited.version,
        password_hash=visited.password_hash,
        may_loop=any(map(domains.is_own, _targets(visited, own_rules, expired_target))),
        size=_size(visited, own_rules, destinations),
    )


def _preferred(visited: Visited, fallbacks: Fallbacks) -> tuple[int, str | None]:
    """The status and the expired target of a link: its own, else the domain's."""
    return visited.status or fallbacks.status, visited.expired_target or fallbacks.expired_target


def cache_control(status: int, cache_seconds: int, left: int | None = None) -> str:
    """The Cache-Control of a redirect with `status`; `left` are the seconds until the link expires, None for ever."""
    if status not in PERMANENT_STATUSES or not cache_seconds:
        return UNCACHED
    return f"public, max-age={cache_seconds if left is None else min(cache_seconds, left)}"


def _targets(visited: Visited, own_rules: tuple[rules.Rule, ...], expired_target: str | None = None) -> set[str]:
    """Wherever the link may lead."""
    targets = {visited.target, *(target for rule in own_rules for target in rules.targets(rule))}
    return targets if expired_target is None else targets | {expired_target}


def _destinations(visited: Visited, own_rules: tuple[rules.Rule, ...]) -> dict[str, Destination]:
    targets = _targets(visited, own_rules)
    passed_on = {"forward_query": bool(visited.forward_query), "forward_path": bool(visited.forward_path)}
    compiled = {
        target: compile_destination(target, **passed_on) for target in targets if not is_plain(target, **passed_on)
    }
    return {
        target: destination
        for target, destination in compiled.items()
        if not destination.is_plain or placeholder.has_marks(target)
    }


def _is_same_for_all(
    visited: Visited, own_rules: tuple[rules.Rule, ...], destinations: Mapping[str, Destination]
) -> bool:
    varies = any(not destination.is_plain for destination in destinations.values())
    return not (own_rules or varies or visited.password_hash or visited.max_clicks)


def _reads_query(own_rules: tuple[rules.Rule, ...], destinations: Mapping[str, Destination]) -> bool:
    # Conditions about the query have a key, and no others.
    asks = any(condition.key is not None for rule in own_rules for condition in rule.conditions)
    return asks or any(each.reads_query for each in destinations.values())


def _size(visited: Visited, own_rules: tuple[rules.Rule, ...], destinations: Mapping[str, Destination]) -> int:
    conditions = [condition for rule in own_rules for condition in rule.conditions]
    return (
        _BYTES_OF_ENTRY
        + len(visited.target)
        + len(visited.rules or "")
        + sum(_BYTES_OF_CONDITION + 4 * len(condition.value or "") for condition in conditions)
        + sum(_BYTES_OF_TARGET * len(rules.targets(rule)) for rule in own_rules)
        + sum(each.size for each in destinations.values())
    )


def _filled(target: str) -> Destination | None:
    """How a target that gets nothing but its placeholders becomes a Location; None where it has none."""
    destination = compile_destination(target, forward_query=False, forward_path=False)
    return None if destination.is_plain else destination


def _live(visited: Visited) -> tuple[int, int]:
    if not visited.enabled:
        return (0, 0)
    # Rounded to inside: a moment has microseconds.
    begins = period.to_ms(visited.valid_from) + 1 if visited.valid_from else 0
    return (begins, _NEVER_ENDING if visited.expires_at is None else period.to_ms(visited.expires_at))


def _steady(visited: Visited, live: tuple[int, int], status: int, cache_seconds: int) -> tuple[int, int]:
    if visited.expires_at is None or not visited.enabled:
        return live
    # Towards its end a permanent redirect may be kept for less and less long.
    kept_ms = cache_seconds * 1000 if status in PERMANENT_STATUSES else 0
    return (live[0], live[1] - kept_ms)
