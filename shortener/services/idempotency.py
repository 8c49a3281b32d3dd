"""Idempotency keys: a POST that is sent again with its key is not carried out again, and answered the same.

A key is claimed before its request is carried out. The transaction that carries it out moves the claim to "done"
itself, so that whatever dies at whatever moment, a request with a key happens once; then the answer is kept.
"""

import hashlib
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shortener import errors
from shortener.storage import idempotency as rows
from shortener.storage.engine import Connection, Database
from shortener.storage.idempotency import Kept

#: How long an answer is kept: what Stripe does.
KEEP_HOURS = 24
#: Longest key (the Internet-Draft of the header leaves it open; Stripe's limit).
MAX_KEY_LENGTH = 255
#: After so many seconds nobody is at work on a claimed request any more: no statement may take longer than five.
ABANDONED_SECONDS = 60
#: Old answers that one new key forgets.
_FORGOTTEN_AT_ONCE = 10
#: Statuses of a key before its answer is kept. No answer has them.
_CLAIMED, _DONE = 1, 2
#: zlib's fastest: an answer to 10,000 links has 7 MB, and shrinks to a tenth in 50 ms.
_COMPRESSION = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered."""

    status: int
    location: str | None
    body: bytes


class Attempt:
    """One request with a key. Raises DatabaseUnavailable wherever the database does not answer."""

    def __init__(self, database: Database, credential: bytes, key: str, request: bytes) -> None:
        """`credential` says who asks, `request` what for: equal bytes are the same request."""
        self._database = database
        self._digest = hashlib.sha256(len(credential).to_bytes(4, "big") + credential + key.encode()).digest()
        self._request = hashlib.sha256(request).digest()
        self._is_done = False

    def begin(self) -> Answer | None:
        """The answer of the first time; None if this is it.

        Raises IdempotencyKeyReused if the key came with another request, IdempotencyKeySpent if the answer cannot be
        given again or the first request is still being carried out.
        """
        now = datetime.now(UTC)
        with self._database.write() as connection:
            rows.forget(connection, now - timedelta(hours=KEEP_HOURS), _FORGOTTEN_AT_ONCE)
            if rows.claim(connection, self._digest, self._request, _CLAIMED, now):
                return None
            return self._first(rows.find(connection, self._digest), now)

    def done(self, connection: Connection) -> None:
        """Notes, within the transaction that carries the request out, that it is carried out.

        Raises IdempotencyKeySpent if somebody else has done so: then the transaction must not commit.
        """
        if not self._is_done and not rows.move(connection, self._digest, _CLAIMED, _DONE):
            raise errors.IdempotencyKeySpent
        self._is_done = True

    def keep(self, answer: Answer) -> None:
        """Keeps the answer of a request that was carried out; frees its key if that wrote nothing."""
        if not self._is_done:
            self.give_up()
            return
        with self._database.write() as connection:
            body = zlib.compress(answer.body, _COMPRESSION)
            rows.keep(connection, self._digest, answer.status, answer.location, body)

    def give_up(self) -> None:
        """Frees the key of a request that changed nothing."""
        with self._database.write() as connection:
            rows.release(connection, self._digest, _CLAIMED)

    def _first(self, kept: Kept | None, now: datetime) -> Answer | None:
        if kept is None or kept.request != self._request:
            raise errors.IdempotencyKeyReused(field="Idempotency-Key")
        if kept.status == _DONE:
            raise errors.IdempotencyKeySpent("This request has been carried out, but its answer is not kept.")
        if kept.status != _CLAIMED:
            return Answer(kept.status, kept.location, zlib.decompress(kept.body))
        if now - kept.created_at < timedelta(seconds=ABANDONED_SECONDS):
            raise errors.IdempotencyKeySpent("A request with this Idempotency-Key is still being carried out.")
        return None
