"""Sign-in links: each signs one browser in, once, with an administrator's key of its own that expires soon."""

import secrets
from datetime import UTC, datetime

from shortener import errors
from shortener.domain import signin
from shortener.domain.access import Scope
from shortener.services import keys, sessions
from shortener.storage import changes
from shortener.storage import signin_links as rows
from shortener.storage.engine import Database

#: The actor in the history.
_ACTOR = "sign-in link"
#: Expired links that a new one removes; it cannot come to more than are added.
_FORGOTTEN_AT_ONCE = 10


def create(database: Database) -> str:
    """The token of a new sign-in link, which is nowhere else from then on."""
    now = datetime.now(UTC)
    token = secrets.token_urlsafe(signin.TOKEN_BYTES)
    with database.write() as connection:
        rows.forget(connection, now, _FORGOTTEN_AT_ONCE)
        rows.add(connection, signin.digest(token), now + signin.LINK_LIFETIME)
    return token


def check(database: Database, token: str) -> None:
    """Raises SigninLinkInvalid unless there is a link with `token` that can be used."""
    if signin.is_token(token):
        with database.read() as connection:
            if rows.is_good(connection, signin.digest(token), datetime.now(UTC)):
                return
    raise errors.SigninLinkInvalid


def use(database: Database, token: str) -> str:
    """Uses up a link; the id of a session that acts by a new administrator's key.

    Of several uses at once one succeeds. Raises SigninLinkInvalid.
    """
    check(database, token)  # first, since strangers must not lock the database
    now = datetime.now(UTC)
    with database.write() as connection:
        changes.lock(connection)
        if not rows.take(connection, signin.digest(token), now):
            raise errors.SigninLinkInvalid
        made, _ = keys.issue_in(
            connection,
            name=signin.KEY_NAME,
            scopes=[Scope.ADMIN],
            expires_at=now + signin.KEY_LIFETIME,
            actor=_ACTOR,
        )
        return sessions.begin(connection, made.id)
