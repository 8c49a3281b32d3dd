"""Connections to PostgreSQL: under which of its settings our statements run, directly and behind a pooler."""

import sqlalchemy
from sqlalchemy import Connection, Engine, event

from shortener.storage import address

#: PostgreSQL: seconds to connect, milliseconds for one statement.
CONNECT_TIMEOUT_SECONDS, STATEMENT_TIMEOUT_MS = 2, 5000
#: PostgreSQL's defaults are for disks that turn, and for many connections in little memory: with them sums over
#: 100,000 links go through files. To compile a statement takes longer than to run any of ours.
_SETTINGS = {
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    "random_page_cost": "1.1",
    "work_mem": "32MB",
    "jit": "off",
}
#: Behind the operator's own options: how we read dates and times depends on it.
_UTC = {"timezone": "UTC"}
#: API routes run in a pool of 40 threads (anyio's default); each may hold a connection.
POOL_SIZE, POOL_OVERFLOW = 8, 40


def create(url: str, *, pooled: bool) -> Engine:
    """An engine for the PostgreSQL at `url`; `pooled`: a pooler gives each transaction another connection."""
    parsed = address.parse(url)
    given = parsed.query.get("options", ())
    theirs = " ".join((given,) if isinstance(given, str) else given)
    # A pooler refuses options, and prepares nothing: the next transaction may have another of its connections.
    session = (
        {"prepare_threshold": None} if pooled else {"options": f"{_options(_SETTINGS)} {theirs} {_options(_UTC)}"}
    )
    engine = sqlalchemy.create_engine(
        parsed.difference_update_query(["options"]),
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            # A server that has gone silent is given up as soon as one that is slow: its own timeout cannot reach us.
            "tcp_user_timeout": STATEMENT_TIMEOUT_MS,
            **session,
        },
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_pre_ping=True,
    )
    if pooled:
        _set_in_transactions(engine, {**_SETTINGS, **address.settings_of(theirs), **_UTC})
    return engine


def _options(settings: dict[str, str]) -> str:
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def _set_in_transactions(engine: Engine, settings: dict[str, str]) -> None:
    """Has every transaction of `engine` run under these settings, in one statement at its beginning."""
    parameters = tuple(part for setting in settings.items() for part in setting)
    statement = f"SELECT {', '.join(['set_config(%s, %s, true)'] * len(settings))}"

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement, parameters)
