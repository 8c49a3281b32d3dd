"""Pages of long lists: keyset pages, so that the thousandth costs what the first does and none shows a row twice."""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from shortener import errors
from shortener.domain import text

#: Rows of a page.
DEFAULT_LIMIT, MAX_LIMIT = 50, 200
#: No cursor of ours is longer, in characters.
_MAX_CURSOR = 512
#: The integers that both databases can hold.
MAX_INTEGER = 2**63 - 1

Item_co = TypeVar("Item_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item_co]):
    """Some items of a list, and where the next ones begin."""

    items: Sequence[Item_co]
    #: Opaque; None on the last page.
    next: str | None


def question(*parts: str) -> str:
    """A short name for what a list was asked for, so that a cursor is good for that list only."""
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()


def make_cursor(question: str, position: Sequence[str | int]) -> str:
    """A cursor behind `position`, good only for the list that answers `question`."""
    return base64.urlsafe_b64encode(json.dumps([question, *position]).encode()).decode().rstrip("=")


def read_cursor(question: str, cursor: str, shape: Sequence[type]) -> list[Any]:
    """The position in a cursor made for `question`, its values of the types in `shape`. Raises CursorInvalid."""
    try:
        if len(cursor) > _MAX_CURSOR:
            raise ValueError("too long")
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        asked: object
        position: list[Any]
        asked, *position = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise errors.CursorInvalid(field="cursor") from error
    fits = len(position) == len(shape) and all(_is(value, kind) for value, kind in zip(position, shape, strict=True))
    if asked != question or not fits:
        raise errors.CursorInvalid(field="cursor")
    return position


def read_moment(value: str) -> datetime:
    """The aware moment that a cursor holds in ISO 8601. Raises CursorInvalid."""
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("no offset")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise errors.CursorInvalid(field="cursor") from error


def _is(value: object, kind: type) -> bool:
    if isinstance(value, int):
        return type(value) is kind and abs(value) <= MAX_INTEGER
    # PostgreSQL refuses NUL and surrogates even in what is only compared.
    return type(value) is kind and not (isinstance(value, str) and text.forbidden_character(value))
