"""Database URLs: which are understood, and that none shows its password."""

import pytest

from shortener.storage import address

#: What is written; user, password, host and database that it names; what is shown of it.
WRITTEN: dict[str, tuple[str, tuple[str | None, str | None, str | None, str], str]] = {
    "plain": ("postgresql://u:secret@h/d", ("u", "secret", "h", "d"), "postgresql://u:***@h/d"),
    "postgres": ("postgres://u:secret@h/d", ("u", "secret", "h", "d"), "postgres://u:***@h/d"),
    "with the driver": (
        "postgresql+psycopg://u:secret@h/d",
        ("u", "secret", "h", "d"),
        "postgresql+psycopg://u:***@h/d",
    ),
    "port and query": (
        "postgres://u:secret@h:5433/d?sslmode=require",
        ("u", "secret", "h", "d"),
        "postgres://u:***@h:5433/d?sslmode=require",
    ),
    "no password": ("postgresql://u@h/d", ("u", None, "h", "d"), "postgresql://u@h/d"),
    "an empty password": ("postgresql://u:@h/d", ("u", "", "h", "d"), "postgresql://u:***@h/d"),
    "nobody": ("postgresql://h/d", (None, None, "h", "d"), "postgresql://h/d"),
    "a socket": ("postgresql://u@/d?host=/tmp/x", ("u", None, None, "d"), "postgresql://u@/d?host=/tmp/x"),
    "@ in the password": ("postgresql://u:se@cr@et@h/d", ("u", "se@cr@et", "h", "d"), "postgresql://u:***@h/d"),
    "@ escaped": ("postgresql://u:se%40cret@h/d", ("u", "se@cret", "h", "d"), "postgresql://u:***@h/d"),
    "/ in the password": ("postgresql://u:se/cret@h/d", ("u", "se/cret", "h", "d"), "postgresql://u:***@h/d"),
    "? in the password": ("postgresql://u:se?cret@h/d", ("u", "se?cret", "h", "d"), "postgresql://u:***@h/d"),
    ": in the password": ("postgresql://u:se:cret@h/d", ("u", "se:cret", "h", "d"), "postgresql://u:***@h/d"),
    "# in the password": ("postgresql://u:se#cret@h/d", ("u", "se#cret", "h", "d"), "postgresql://u:***@h/d"),
    "@ in the query": (
        "postgresql://u:secret@h/d?application_name=a@b",
        ("u", "secret", "h", "d"),
        "postgresql://u:***@h/d?application_name=a@b",
    ),
    "a password in the query": (
        "postgresql://u@h/d?password=secret&sslpassword=secret2&sslmode=require",
        ("u", None, "h", "d"),
        "postgresql://u@h/d?password=***&sslpassword=***&sslmode=require",
    ),
}


@pytest.mark.parametrize(("written", "named", "shown"), WRITTEN.values(), ids=WRITTEN)
def test_postgresql(written: str, named: tuple[str | None, ...], shown: str) -> None:
    found = address.parse(written)
    assert (found.username, found.password, found.host, found.database) == named
    assert found.drivername == "postgresql+psycopg"
    assert address.shown(written) == shown


@pytest.mark.parametrize("written", ["sqlite:///x.db", "sqlite:////srv/x%2541%3F@y:z/x.db"])
def test_sqlite(written: str) -> None:
    assert address.shown(written) == written


OPTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "none": ("", {}),
    "one": ("-c search_path=links", {"search_path": "links"}),
    "without a space": ("-csearch_path=links", {"search_path": "links"}),
    "long": ("--search-path=links", {"search_path": "links"}),
    "several": ("-c search_path=a,b -c work_mem=4MB", {"search_path": "a,b", "work_mem": "4MB"}),
    "an escaped space": (r"-c search_path=a,\ b", {"search_path": "a, b"}),
    "an empty value": ("-c role=", {"role": ""}),
}


@pytest.mark.parametrize(("options", "settings"), OPTIONS.values(), ids=OPTIONS)
def test_settings_of_options(options: str, settings: dict[str, str]) -> None:
    assert address.settings_of(options) == settings
