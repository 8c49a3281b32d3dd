"""Links: their fields, and what a visit to one is answered with at a given moment.

Everything that follows from a link's own fields lives here; how an answer is put on the wire does not.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shortener.domain import placeholder, script
from shortener.domain import rule as rules
from shortener.domain.rule import Rule

#: Statuses a link may answer with (RFC 9110 sections 15.4.2, 15.4.3, 15.4.8, 15.4.9).
REDIRECT_STATUSES = (301, 302, 307, 308)
#: Those that browsers may keep and repeat without asking again.
PERMANENT_STATUSES = frozenset({301, 308})
#: Those with which a client repeats the method and body it came with.
METHOD_KEEPING_STATUSES = frozenset({307, 308})

MAX_TITLE_LENGTH = 512
#: So that a link with every field at its longest still fits into the largest body, even with all characters escaped.
MAX_NOTES_LENGTH = 2_000
MAX_TAGS = 50
MAX_EXTERNAL_ID_LENGTH = 255
#: For how many days a deleted link can be brought back.
UNDELETE_DAYS = 30
#: What a double holds exactly, so that every JSON parser reads back what was sent.
MOST_MAX_CLICKS = 2**53

#: Pseudo-links: clicks that are no one link's are credited to these ids in the statistics.
INSTANCE_ID = 0
ORPHANS_ID = -1
UNATTRIBUTED_ID = -2


def domain_pseudo_id(domain_id: int) -> int:
    """The pseudo-link that is credited with every click on a domain; `domain_id` counts from 1."""
    return UNATTRIBUTED_ID - domain_id


@dataclass(frozen=True, slots=True)
class Link:
    """A short code that leads to a target. Detached: changing it changes nothing stored."""

    id: int
    #: Random 32 bits that tell this link from another one that gets the same id after a restore.
    nonce: int
    domain: str
    code: str
    #: In the stored form of domain.target.
    target: str
    title: str | None
    notes: str | None
    tags: tuple[str, ...]
    #: One of REDIRECT_STATUSES, or None for the instance's own.
    status: int | None
    enabled: bool
    valid_from: datetime | None
    expires_at: datetime | None
    expired_target: str | None
    #: How many people it redirects at most.
    max_clicks: int | None
    #: Whether programs may take slots of `max_clicks` too.
    admit_programs: bool
    #: As argon2 writes it down; None for everybody.
    password_hash: str | None
    #: Whether the visitor's own query and the path behind the code are passed on.
    forward_query: bool
    forward_path: bool
    #: Whether its clicks are counted.
    track: bool
    rules: tuple[Rule, ...]
    #: What another system calls it.
    external_id: str | None
    created_at: datetime
    updated_at: datetime
    #: Counts the changes, from 1.
    version: int
    #: Clicks by people, those of them that were a visitor's first of the day, and the last one.
    clicks: int = 0
    unique: int = 0
    last_clicked_at: datetime | None = None
    #: Other codes that lead here, on the same domain.
    aliases: tuple[str, ...] = ()
    #: How many of `max_clicks` have been granted.
    used: int = 0
    #: When it was deleted; its aliases are then those that were deleted with it.
    deleted_at: datetime | None = None
    #: Id of the API key that created it; None if none did.
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class LinkDraft:
    """What a link should become: values that have passed every check. `code` None asks for a generated one."""

    target: str
    domain: str = ""
    code: str | None = None
    title: str | None = None
    notes: str | None = None
    tags: tuple[str, ...] = field(default=())
    status: int | None = None
    enabled: bool = True
    valid_from: datetime | None = None
    expires_at: datetime | None = None
    expired_target: str | None = None
    #: How many people it redirects at most.
    max_clicks: int | None = None
    #: Whether programs may take slots of `max_clicks` too.
    admit_programs: bool = False
    #: As argon2 writes it down; None for everybody.
    password_hash: str | None = None
    #: Whether the visitor's own query and the path behind the code are passed on.
    forward_query: bool = False
    forward_path: bool = False
    #: Whether its clicks are counted.
    track: bool = True
    rules: tuple[Rule, ...] = field(default=())
    #: What another system calls it.
    external_id: str | None = None


class State(StrEnum):
    """What a link is at a moment, as far as its visitors are concerned."""

    LIVE = "live"
    #: `valid_from` lies ahead: as if it did not exist.
    SCHEDULED = "scheduled"
    DISABLED = "disabled"
    EXPIRED = "expired"
    #: `max_clicks` have been granted.
    EXHAUSTED = "exhausted"
    #: As if it did not exist, and it can be brought back. No visit meets such a link.
    DELETED = "deleted"


def state(*, enabled: bool, valid_from: datetime | None, expires_at: datetime | None, now: datetime) -> State:
    """What a link with these fields is at `now`. A link expires at `expires_at`, not after it."""
    if not enabled:
        return State.DISABLED
    if valid_from is not None and now < valid_from:
        return State.SCHEDULED
    if expires_at is not None and now >= expires_at:
        return State.EXPIRED
    return State.LIVE


def state_of(link: Link, now: datetime) -> State:
    """The state in which visits find `link` at `now`; DELETED where they do not."""
    if link.deleted_at is not None:
        return State.DELETED
    found = state(enabled=link.enabled, valid_from=link.valid_from, expires_at=link.expires_at, now=now)
    is_exhausted = link.max_clicks is not None and link.used >= link.max_clicks
    return State.EXHAUSTED if found is State.LIVE and is_exhausted else found


def undelete_begin(now: datetime) -> datetime:
    """The date and time since which a link must have been deleted to be brought back at `now`."""
    return now - timedelta(days=UNDELETE_DAYS)


def etag(link: Link) -> str:
    """The entity tag of a link's fields (RFC 9110 section 8.8.3). Clicks do not change it."""
    return f'"{link.id}-{link.version}"'


def is_same_for_all(link: Link) -> bool:
    """Whether every visitor gets the same answer, so that a permanent one may be kept."""
    passed_on = link.forward_query or link.forward_path or placeholder.is_in(link.target)
    return not (link.rules or link.max_clicks or link.password_hash or passed_on)


def warnings(status: int | None, instance_status: int, cache_seconds: int) -> list[str]:
    """What the owner of a link with this status should know whose answer is the same for all, in sentences."""
    effective = status or instance_status
    if effective not in PERMANENT_STATUSES or not cache_seconds:
        return []
    return [
        f"Browsers and proxies may keep a {effective} redirect for {cache_seconds} seconds: "
        "for that long an edit is not seen and repeated visits are not counted. Use 302 or 307 to avoid this."
    ]


def placeholder_warnings(link: Link) -> list[str]:
    """Warnings, in sentences, for the owner of a link whose targets have placeholders."""
    targets = (
        link.target,
        link.expired_target or "",
        *(target for rule in link.rules for target in rules.targets(rule)),
    )
    found = list(dict.fromkeys(name for target in targets for name in placeholder.names(target)))
    if not found:
        return []
    return [
        f"Each visit fills in {' and '.join(found)}. "
        f"What is part of the URL itself has its braces doubled: {{{found[0]}}}."
    ]


def code_warnings(link: Link) -> list[str]:
    """Warnings, in sentences, for the owner of a link whose codes look like others."""
    mixed = ((code, script.mixed(code)) for code in (link.code, *link.aliases))
    return [
        f"The code '{code}' mixes letters of {' and '.join(scripts)}: people may read it as another code."
        for code, scripts in mixed
        if scripts
    ]


def expiry_warnings(expires_at: datetime | None, now: datetime) -> list[str]:
    """Warnings, in sentences, for the owner of a link or a key that ends at `expires_at`."""
    if expires_at is None or now < expires_at:
        return []
    passed = expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return [
        f"`expires_at` lies in the past ({passed}): this has expired already. Give a later date and time, or null."
    ]
