"""Sessions: signing a browser in by an API key, who acts in a session, and signing out.

Wrong keys are counted by network, as wrong passwords of links are, so that whoever tries many has to wait. There is
no limit for all networks together: it would let strangers keep operators out, and no number of tries finds a key.
"""

import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shortener import errors, logs
from shortener.domain import password_tries as limits
from shortener.domain import session as sessions
from shortener.domain import visitor
from shortener.domain.access import Principal, is_live
from shortener.domain.password_tries import Tries
from shortener.domain.session import Session
from shortener.services import keys
from shortener.services.keys import Preset
from shortener.storage import password_tries as tries
from shortener.storage import sessions as rows
from shortener.storage.engine import Connection, Database
from shortener.storage.sessions import SignedIn

#: In place of a link's id, in the table of tries: that of no link.
_SIGNIN = 0
#: The network of clients without an address.
_UNKNOWN = b"?"
#: How long this process waits before it tries again to store that a session was used.
_AGAIN = timedelta(minutes=1)

log = logs.Bounded()


def sign_in(database: Database, preset: Preset, key: bytes, network: bytes) -> str:
    """The id of a new session for whoever sends `key` from `network` (domain.visitor.network_bytes).

    Raises KeyInvalid, ScopeMissing if the key may read nothing, TooManyTries while its network has to wait, whatever
    the key is, DatabaseUnavailable.
    """
    network = network or _UNKNOWN
    with database.read() as connection:  # first, since whoever has to wait must not lock the database
        _require_no_wait(connection, network)
    try:
        principal = keys.authenticate(database, preset, key)
    except errors.KeyInvalid:
        _note_wrong_key(database, network)
        raise
    with database.write(incidental=True) as connection:
        tries.lock(connection, _SIGNIN)
        _require_no_wait(connection, network)  # others may have tried meanwhile
        if principal.can_read:
            return begin(connection, principal.key_id, preset.digest or b"")
    held = ", ".join(sorted(principal.scopes))
    raise errors.ScopeMissing(f"A key to sign in with has links:read, stats:read or admin; this one has {held}.")


def begin(connection: Connection, key_id: str | None, preset: bytes = b"") -> str:
    """The id of a new session, begun within a transaction: by the key `key_id`, or None for the preset one with the
    digest `preset`.
    """
    now = datetime.now(UTC)
    session_id = secrets.token_urlsafe(sessions.ID_BYTES)
    made = Session(
        digest=sessions.digest(session_id),
        key_id=key_id,
        preset_proof=sessions.preset_proof(session_id, preset) if key_id is None else None,
        created_at=now,
        expires_at=sessions.ends_at(now, now),
    )
    rows.add(connection, made)
    return session_id


def principal_of(database: Database, preset: Preset, session_id: str) -> Principal:
    """Who acts in a session, until it ends. Raises SignedOut where it has ended, DatabaseUnavailable."""
    now = datetime.now(UTC)
    with database.read() as connection:
        found = rows.find(connection, sessions.digest(session_id))
    if found is None or not sessions.is_live(found.session, now):
        raise errors.SignedOut
    principal = _acting(preset, found, session_id, now)
    if found.key is not None:
        keys.note_use(database, preset, found.key, now)
    _note_use(database, preset, found.session, now)
    ends = [end for end in (principal.expires_at, found.session.expires_at) if end is not None]
    return replace(principal, expires_at=min(ends))


def sign_out(database: Database, session_id: str) -> None:
    """Ends a session, if it has not ended. Raises DatabaseUnavailable."""
    with database.write() as connection:
        rows.remove(connection, sessions.digest(session_id))


def _acting(preset: Preset, found: SignedIn, session_id: str, now: datetime) -> Principal:
    """Who acts in a session. Raises SignedOut if its key is not good any more."""
    if found.key is not None:
        if is_live(found.key, now):
            return keys.of_stored(found.key)
    elif preset.digest is not None:
        proof = sessions.preset_proof(session_id, preset.digest)
        if secrets.compare_digest(proof, found.session.preset_proof or b""):
            return preset.holder
    raise errors.SignedOut


def _note_use(database: Database, preset: Preset, session: Session, now: datetime) -> None:
    """Stores that a session is used, if that is due; a database that cannot be written keeps nobody out."""
    name = session.digest.hex()
    tried = preset.noted.get(name)
    if not sessions.is_use_due(session, now) or (tried is not None and now - tried <= _AGAIN):
        return
    preset.noted[name] = now
    with suppress(errors.DatabaseUnavailable), database.write(incidental=True) as connection:
        rows.lengthen(connection, session.digest, sessions.ends_at(session.created_at, now))


def _note_wrong_key(database: Database, network: bytes) -> None:
    """Stores that a wrong key was tried. Raises TooManyTries if its network had to wait by then."""
    with database.write(incidental=True) as connection:
        tries.lock(connection, _SIGNIN)
        _require_no_wait(connection, network)
        tries.add(connection, _SIGNIN, network, _now_ms(), is_open=False)


def _require_no_wait(connection: Connection, network: bytes) -> None:
    """Raises TooManyTries while a network has to wait."""
    now = _now_ms()
    seen = tries.of_network(connection, _SIGNIN, network, now - limits.FORGET_MS)
    left = limits.allowed_from(Tries(seen.of_network, last=None, limiting=None)) - now
    if left > 0:
        seconds = max(1, -(-left // 1000))
        log.warning(
            "a network has to wait before it may try another key to sign in",
            network=visitor.network_text(network),
            seconds=seconds,
        )
        raise errors.TooManyTries(seconds, "keys")


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)
