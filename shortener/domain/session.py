"""Sessions of browsers that are signed in: what is stored of one, and until when it lasts.

A session's id is random and known to its browser alone. It is not guessed, so its SHA-256 is enough to store.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

#: Bytes of randomness in a session's id.
ID_BYTES = 32
#: A session lasts so long at most, and no longer than that without use.
LONGEST = timedelta(days=30)
LONGEST_UNUSED = timedelta(days=7)
#: A session's use is stored when it lengthens it by so much at least: it is not worth a write per request.
_WORTH_STORING = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it is stored: everything but its id."""

    digest: bytes
    #: The public id of the key it was signed in with; None for the preset key.
    key_id: str | None
    #: For the preset key: `preset_proof` of it.
    preset_proof: bytes | None
    created_at: datetime
    #: When it ends, unless it is used before.
    expires_at: datetime


def digest(session_id: str) -> bytes:
    """The SHA-256 of a session's id, which is all that is stored of it: 32 bytes."""
    return hashlib.sha256(session_id.encode()).digest()


def preset_proof(session_id: str, preset: bytes) -> bytes:
    """A proof, to be stored, that a session was begun by the preset key with the digest `preset`.

    Somebody may have thought of that key, so nothing may be stored by which it can be guessed: whoever reads the
    proof in the database lacks the id.
    """
    return hmac.digest(session_id.encode(), preset, "sha256")


def ends_at(created_at: datetime, used_at: datetime) -> datetime:
    """When a session ends that was last used at `used_at`."""
    return min(created_at + LONGEST, used_at + LONGEST_UNUSED)


def is_live(session: Session, now: datetime) -> bool:
    """Whether `session` has not ended by itself at `now`."""
    return now < session.expires_at


def is_use_due(session: Session, now: datetime) -> bool:
    """Whether it is worth storing that `session` is used at `now`."""
    return ends_at(session.created_at, now) - session.expires_at >= _WORTH_STORING
