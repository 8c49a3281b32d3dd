"""Database URLs: what a person may write, what SQLAlchemy is given, and what may be shown of one."""

import re
from urllib.parse import quote

from sqlalchemy import URL, make_url

#: Where the query of a URL begins: a `?` without a parameter's name behind it belongs to a password.
_QUERY = re.compile(r"\?(?=[A-Za-z_]+=)")
_SCHEME = re.compile(r"[A-Za-z0-9+]+://")
_SECRET_PARAMETER = re.compile(r"((?:^|&)(?:ssl)?password=)[^&]*")
_OPTION = re.compile(r"(?:-c\s*|--)([A-Za-z0-9_.-]+)=((?:\\.|[^\s\\])*)")
_SQLITE, _POSTGRESQL = "sqlite", "postgresql+psycopg"


def is_sqlite(written: str) -> bool:
    """Whether `written` is the URL of a SQLite database."""
    return written.startswith(_SQLITE)


def parse(written: str) -> URL:
    """The URL that SQLAlchemy takes for what a person has written.

    `postgres://` is PostgreSQL too. A password reaches to the last `@`, whatever it contains; only `%` must be
    escaped in it.
    """
    if is_sqlite(written):
        return make_url(written)
    _, user, password, place, query = _parts(written)
    secret = f":{quote(password, safe='%')}" if password is not None else ""
    at = "@" if user is not None else ""
    return make_url(f"{_POSTGRESQL}://{user or ''}{secret}{at}{place}{query}")


def shown(written: str) -> str:
    """`written` with `***` for its password."""
    if is_sqlite(written):
        return written
    start, user, password, place, query = _parts(written)
    secret = ":***" if password is not None else ""
    at = "@" if user is not None else ""
    query = query[:1] + _SECRET_PARAMETER.sub(r"\1***", query[1:])
    return f"{start}{user or ''}{secret}{at}{place}{query}"


def settings_of(options: str) -> dict[str, str]:
    """The settings in PostgreSQL's command-line options, which are written `-c name=value` or `--name=value`."""
    found = _OPTION.findall(options)
    return {name.replace("-", "_"): re.sub(r"\\(.)", r"\1", value) for name, value in found}


def _parts(written: str) -> tuple[str, str | None, str | None, str, str]:
    """Scheme, user, password, the rest up to the query, and the query with its `?`."""
    scheme = _SCHEME.match(written)
    start = scheme[0] if scheme else ""
    rest = written[len(start) :]
    found = _QUERY.search(rest, max(rest.find("@"), 0)) or _QUERY.search(rest)
    query = rest[found.start() :] if found else ""
    user_info, at, place = rest[: len(rest) - len(query)].rpartition("@")
    user, colon, password = user_info.partition(":")
    return start, user if at else None, password if colon else None, place, query
