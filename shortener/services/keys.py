"""What can be done with API keys."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from shortener import errors
from shortener.domain import access
from shortener.domain import page as pages
from shortener.domain.access import ApiKey, Principal, Scope
from shortener.domain.page import Page
from shortener.storage import changes
from shortener.storage import keys as rows
from shortener.storage.engine import Connection, Database

#: `last_used_at` is at most this far behind: it is for people, and not worth a write per request.
_TOUCH_EVERY = timedelta(minutes=1)
_QUESTION = "keys"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Preset:
    """What a process knows of keys beside the database."""

    #: SHA-256 of the administrator key that the operator has set, or None.
    digest: bytes | None = None
    #: What the history calls its holder.
    actor: str = "preset admin key"
    #: When this process last tried to store that a key or a session was used, by key id or session digest.
    noted: dict[str, datetime] = field(default_factory=dict)

    @property
    def holder(self) -> Principal:
        """Who acts by the key that the operator has set."""
        return Principal(self.actor, frozenset({Scope.ADMIN}))


def preset_of(admin_key: str | None) -> Preset:
    """The operator's preset key as a process knows it, if any. A key that can be guessed opens nothing."""
    if admin_key is None:
        return Preset()
    if access.is_guessable(admin_key):
        log.warning(
            "the key in SHORTENER_ADMIN_KEY opens nothing, because it can be guessed",
            different_characters=len(set(admin_key)),
            at_least=access.MIN_DIFFERENT_CHARACTERS,
            instead="set one made by: openssl rand -base64 24",
        )
        return Preset()
    return Preset(access.digest(admin_key.encode()))


def authenticate(database: Database, preset: Preset, key: bytes) -> Principal:
    """Who sends `key`. Raises KeyInvalid, alike for unknown, revoked and expired keys."""
    operator = of_preset(preset, key)
    if operator is not None:
        return operator
    key_id = access.public_id(key)
    if key_id is None:
        raise errors.KeyInvalid
    now = datetime.now(UTC)
    with database.read() as connection:
        found = rows.by_id(connection, key_id)
    if found is None or not access.opens(found, key, now):
        raise errors.KeyInvalid
    note_use(database, preset, found, now)
    return of_stored(found)


def of_stored(key: ApiKey) -> Principal:
    """Who acts by `key`, which must be live."""
    return Principal(access.actor(key.id), frozenset(key.scopes), key.id, key.name, key.expires_at)


def of_preset(preset: Preset, key: bytes) -> Principal | None:
    """Who sends `key`, if that is the key the operator has set. Asks no database, so it may be called in the loop."""
    if preset.digest is None or not access.matches(key, preset.digest):
        return None
    return preset.holder


def opens(database: Database, preset: Preset, scope: Scope, key: bytes) -> bool:
    """Whether `key` is still a good one with `scope`. Raises DatabaseUnavailable."""
    try:
        return authenticate(database, preset, key).may(scope)
    except errors.KeyInvalid:
        return False


def issue(
    database: Database, *, name: str, scopes: Sequence[Scope], expires_at: datetime | None, actor: str
) -> tuple[ApiKey, str]:
    """Makes a key; returns its row and the key itself, which is nowhere else from then on."""
    with database.write() as connection:
        changes.lock(connection)
        return issue_in(connection, name=name, scopes=scopes, expires_at=expires_at, actor=actor)


def issue_in(
    connection: Connection, *, name: str, scopes: Sequence[Scope], expires_at: datetime | None, actor: str
) -> tuple[ApiKey, str]:
    """Makes a key within a transaction that has locked the changes (changes.lock)."""
    now = datetime.now(UTC)
    key_id = secrets.token_bytes(access.ID_BYTES)
    key = access.compose(key_id, secrets.token_urlsafe(access.SECRET_BYTES))
    made = ApiKey(
        id=key_id.hex(),
        name=name,
        digest=access.digest(key.encode()),
        scopes=tuple(sorted(set(scopes))),
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
    )
    rows.add(connection, made)
    diff: dict[str, list[Any]] = {
        "name": [None, name],
        "scopes": [None, list(made.scopes)],
        "expires_at": [None, expires_at],
    }
    changes.append(connection, at=now, actor=actor, kind="key-issued", code=made.id, diff=diff)
    return made, key


def issue_first(database: Database) -> str | None:
    """On the first start, when no key was ever made: an administrator key. Later: None."""
    with database.read() as connection:
        if rows.any_exist(connection):
            return None
    return issue(database, name="first", scopes=[Scope.ADMIN], expires_at=None, actor="first start")[1]


def get(database: Database, key_id: str) -> ApiKey:
    """The key with this public id. Raises KeyNotFound."""
    with database.read() as connection:
        return _by_id(connection, key_id)


def listing(database: Database, *, limit: int, cursor: str | None = None) -> Page[ApiKey]:
    """A page of all keys, newest first. Raises CursorInvalid."""
    after = None
    if cursor is not None:
        at, key_id = pages.read_cursor(_QUESTION, cursor, (str, str))
        after = (pages.read_moment(at), key_id)
    with database.read() as connection:
        found = rows.page(connection, limit=limit + 1, after=after)
    if len(found) <= limit:
        return Page(found, None)
    last = found[limit - 1]
    return Page(found[:limit], pages.make_cursor(_QUESTION, [last.created_at.isoformat(), last.id]))


def revoke(database: Database, key_id: str, *, actor: str) -> None:
    """Makes a key useless at once. Revoking it again changes nothing. Raises KeyNotFound."""
    now = datetime.now(UTC)
    with database.write() as connection:
        changes.lock(connection)
        if _by_id(connection, key_id).revoked_at is None:
            rows.revoke(connection, key_id, now)
            changes.append(
                connection, at=now, actor=actor, kind="key-revoked", code=key_id, diff={"revoked_at": [None, now]}
            )


def note_use(database: Database, preset: Preset, key: ApiKey, now: datetime) -> None:
    """Stores that `key` was used at `now`, if that is due; a database that cannot be written keeps no reader out."""
    noted = max(filter(None, (key.last_used_at, preset.noted.get(key.id))), default=None)
    if noted is not None and now - noted <= _TOUCH_EVERY:
        return
    preset.noted[key.id] = now
    with suppress(errors.DatabaseUnavailable), database.write(incidental=True) as connection:
        rows.touch(connection, key.id, now)


def _by_id(connection: Connection, key_id: str) -> ApiKey:
    found = rows.by_id(connection, key_id) if access.is_id(key_id) else None
    if found is None:
        raise errors.KeyNotFound
    return found
