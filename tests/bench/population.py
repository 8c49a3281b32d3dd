"""Many links, made in bulk: the number of a link says how popular it is, and from it follows its code."""

import threading
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Insert, Text, cast, insert, literal, select, text

from shortener.storage import migration
from shortener.storage.engine import Database
from shortener.storage.tables import link

_PREFIX = "b"
#: Codes are the number times the first, modulo the second: all different, and neighbours in popularity are none in
#: the index. Up to two million links the product is exact in the floating point that Lua counts in.
FACTOR, MODULUS = 2_654_435_761, 2**32

#: `code` of a link's number in Lua.
CODE_IN_LUA = f"""
local code = function(number) return string.format("{_PREFIX}%.0f", number * {FACTOR} % {MODULUS}) end
"""


def code(number: int) -> str:
    """The code of the link with this number; they are counted from 1."""
    return f"{_PREFIX}{number * FACTOR % MODULUS}"


def nonce(number: int) -> int:
    """What clicks on the link with this number carry."""
    return number * FACTOR % MODULUS


#: Alembic keeps what it is doing in its modules; subjects may be measured beside each other.
_migrating = threading.Lock()


def make(url: str, count: int) -> None:
    """Makes a database at `url`, brings it to the present schema, and puts `count` links into it."""
    database = Database(url)
    try:
        with _migrating:
            migration.upgrade(database)
        with database.write() as connection:
            if not database.is_sqlite:
                # A server need not wait longer than some seconds for a statement, this is longer.
                connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(_insertion(count))
            connection.execute(text("ANALYZE link"))
    finally:
        database.close()


def _insertion(count: int) -> Insert:
    first = select(literal(1, BigInteger).label("number")).cte("numbers", recursive=True)
    numbers = first.union_all(select(first.c.number + 1).where(first.c.number < count))
    scattered = numbers.c.number * literal(FACTOR, BigInteger) % literal(MODULUS, BigInteger)
    now = literal(datetime.now(UTC), link.c.created_at.type)
    values: dict[str, ColumnElement[Any]] = {
        "nonce": scattered,
        "code": literal(_PREFIX).concat(cast(scattered, Text)),
        "target": literal("https://example.com/articles/").concat(cast(numbers.c.number, Text)),
        "created_at": now,
        "updated_at": now,
    }
    return insert(link).from_select([link.c[name] for name in values], select(*values.values()))
