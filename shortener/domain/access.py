"""API keys: their shape, their scopes, and whether one opens a door.

A key reads `shk_<id>_<secret>`. The id is public and finds the row; the secret is 256 random bits, so a
plain SHA-256 of the whole key is enough to store (there is nothing to guess that a slow hash would protect).
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: Bytes of randomness in the public id and in the secret.
ID_BYTES = 6
SECRET_BYTES = 32

#: Different characters that a preset key must have at least: with fewer it is a pattern that is soon guessed.
MIN_DIFFERENT_CHARACTERS = 8

#: Stands before a key's id in the name of an actor.
_ACTOR = "key "
_ID = re.compile(r"[0-9a-f]{12}")
_KEY = re.compile(rb"shk_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")


class Scope(StrEnum):
    """What a key may do. `admin` may do everything, and alone may manage keys."""

    LINKS_READ = "links:read"
    LINKS_WRITE = "links:write"
    STATS_READ = "stats:read"
    ADMIN = "admin"


#: Scopes by which nothing can be changed.
READING_SCOPES = frozenset({Scope.LINKS_READ, Scope.STATS_READ})


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored: everything but the key itself."""

    id: str
    name: str
    digest: bytes
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts, and with which rights. How they have shown who they are is not among it."""

    #: The name that history keeps.
    actor: str
    scopes: frozenset[Scope]
    #: The public id and the name of the key they act by; None for the preset key and the command line.
    key_id: str | None = None
    key_name: str | None = None
    #: From when on they may do nothing; None: until somebody takes their rights away.
    expires_at: datetime | None = None

    @property
    def name(self) -> str:
        """What people call them."""
        return self.key_name or self.actor

    @property
    def can_read(self) -> bool:
        """Whether there is anything that they may look at."""
        return any(map(self.may, READING_SCOPES))

    def may(self, scope: Scope) -> bool:
        """Whether they may do what needs `scope`."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


def actor(key_id: str) -> str:
    """The name that history keeps of who calls with the key `key_id`."""
    return f"{_ACTOR}{key_id}"


def key_of(actor: str) -> str | None:
    """The id of the key by which `actor` called; None for the preset key, the command line and the service itself."""
    return actor.removeprefix(_ACTOR) if actor.startswith(_ACTOR) else None


def compose(key_id: bytes, secret: str) -> str:
    """The key that is shown once: `key_id` is ID_BYTES long, `secret` is SECRET_BYTES in URL-safe base 64."""
    return f"shk_{key_id.hex()}_{secret}"


def public_id(key: bytes) -> str | None:
    """The id within a key of ours, or None if it does not look like one."""
    match = _KEY.fullmatch(key)
    return match[1].decode() if match else None


def is_id(value: str) -> bool:
    """Whether `value` looks like the public id of a key of ours."""
    return _ID.fullmatch(value) is not None


def digest(key: bytes) -> bytes:
    """What is stored of a key: its SHA-256, 32 bytes."""
    return hashlib.sha256(key).digest()


def matches(key: bytes, stored: bytes) -> bool:
    """Whether `key` is the one with the digest `stored`, in a time that does not depend on where they differ."""
    return hmac.compare_digest(digest(key), stored)


def is_guessable(key: str) -> bool:
    """Whether a key that somebody has thought of has too few different characters to be one."""
    return len(set(key)) < MIN_DIFFERENT_CHARACTERS


def opens(api_key: ApiKey, key: bytes, now: datetime) -> bool:
    """Whether `key` is `api_key` and may still be used at `now`."""
    return matches(key, api_key.digest) and is_live(api_key, now)


def is_live(api_key: ApiKey, now: datetime) -> bool:
    """Whether `api_key` is neither revoked nor expired at `now`."""
    return api_key.revoked_at is None and (api_key.expires_at is None or now < api_key.expires_at)
