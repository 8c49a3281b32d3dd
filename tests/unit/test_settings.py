"""What settings are read from, and which form they take."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from shortener import errors, settings


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


GOOD: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "nothing": (
        {},
        {
            "database": "sqlite:///data/shortener.db",
            "public_url": "http://localhost:8000",
            "spool_dir": Path("data/spool"),
            "redirect_status": 302,
            "trusted_proxies": (),
            "target_schemes": (),
        },
    ),
    "an empty value": ({"CODE_LENGTH": "", "TRUSTED_PROXIES": ""}, {"code_length": 7, "trusted_proxies": ()}),
    "a data directory": (
        {"DATA_DIR": "/srv/x"},
        {"database": "sqlite:////srv/x/shortener.db", "spool_dir": Path("/srv/x/spool")},
    ),
    "a data directory with % in its name": (
        {"DATA_DIR": "/srv/x%41"},
        {"database": "sqlite:////srv/x%2541/shortener.db", "spool_dir": Path("/srv/x%41/spool")},
    ),
    "a data directory with ? in its name": (
        {"DATA_DIR": "/srv/x?y=z"},
        {"database": "sqlite:////srv/x%3Fy=z/shortener.db", "spool_dir": Path("/srv/x?y=z/spool")},
    ),
    "a database": ({"DATABASE_URL": "postgresql://h/d"}, {"database": "postgresql://h/d"}),
    "a database as others write it": ({"DATABASE_URL": "postgres://h/d"}, {"database": "postgres://h/d"}),
    "a pooler": ({"DATABASE_POOLER": "transaction"}, {"is_pooled": True}),
    "bytes": (
        {
            "SPOOL_MAX_BYTES": "1G",
            "SPOOL_MIN_FREE_BYTES": "512 MiB",
            "MAX_BODY_BYTES": "64kb",
            "MAX_BULK_BYTES": "9999",
        },
        {
            "spool_max_bytes": 2**30,
            "spool_min_free_bytes": 2**29,
            "max_body_bytes": 2**16,
            "max_bulk_bytes": 9999,
        },
    ),
    "a base URL": ({"BASE_URL": "HTTPS://Go.Example:443/"}, {"public_url": "https://go.example"}),
    "a base URL with a port": ({"BASE_URL": "http://go.example:8080"}, {"public_url": "http://go.example:8080"}),
    "a target": ({"HOME_TARGET": "https://example.com"}, {"home_target": "https://example.com"}),
    "networks": (
        {"TRUSTED_PROXIES": " 10.0.0.0/8 ,, ::1"},
        {"trusted_proxies": (ip_network("10.0.0.0/8"), ip_network("::1/128"))},
    ),
    "own traffic": (
        {
            "EXCLUDED_ADDRESSES": "192.0.2.0/24, 2001:db8::/32",
            "EXCLUDED_HEADER": "X-Not-Counted=the team",
            "EXCLUDED_PARAMETER": "nostat",
            "CLICK_RETENTION_DAYS": "0",
        },
        {
            "excluded_addresses": (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")),
            "excluded_header": "X-Not-Counted=the team",
            "excluded_parameter": "nostat",
            "click_retention_days": 0,
        },
    ),
    "schemes as in URLs": ({"TARGET_SCHEMES": "mailto:,ftp://"}, {"target_schemes": ("mailto", "ftp")}),
    "schemes": ({"TARGET_SCHEMES": "mailto:, FTP"}, {"target_schemes": ("mailto", "ftp")}),
    "small letters": ({"code_length": "9"}, {"code_length": 9}),
    "301": ({"REDIRECT_STATUS": "301"}, {"redirect_status": 301}),
    "307": ({"REDIRECT_STATUS": "307"}, {"redirect_status": 307}),
    "308": ({"REDIRECT_STATUS": "308"}, {"redirect_status": 308}),
    "files": (
        {"ADMIN_KEY_FILE": "key", "DATABASE_URL_FILE": "database"},
        {"admin_key": "k" * 24, "database": "postgresql://h/d"},
    ),
    "a file and the setting itself": (
        {"ADMIN_KEY_FILE": "nowhere", "ADMIN_KEY": "s" * 24},
        {"admin_key": "s" * 24},
    ),
}


@pytest.mark.parametrize(("given", "expected"), GOOD.values(), ids=GOOD.keys())
@pytest.mark.parametrize("source", ["environment", ".env"])
def test_settings(
    given: dict[str, str],
    expected: dict[str, Any],
    source: str,
    nowhere: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (nowhere / "key").write_text("k" * 24 + "\n")
    (nowhere / "database").write_text("postgresql://h/d\n")
    named = {f"SHORTENER_{name}": value for name, value in given.items()}
    if source == ".env":
        (nowhere / ".env").write_text("".join(f"{name}={value}\n" for name, value in named.items()))
    else:
        for name, value in named.items():
            monkeypatch.setenv(name, value)
    loaded = settings.load()
    assert {name: getattr(loaded, name) for name in expected} == expected


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORTENER_ADMIN_KEY", "secret" * 4)
    monkeypatch.setenv("SHORTENER_DATABASE_URL", "postgresql://u:secret@h/d")
    assert "secret" not in repr(settings.load())


def test_settings_do_not_change() -> None:
    loaded = settings.load()
    with pytest.raises(ValueError, match="frozen"):
        loaded.code_length = 9  # type: ignore[misc]


def test_a_password_is_not_shown_by_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORTENER_DATABASE_URL", "mysql://u:secret@h/d")
    with pytest.raises(errors.StartFailed) as failure:
        settings.load()
    assert "secret" not in str(failure.value)


#: A value, and what the message says of it: what is wrong and what would be right.
BAD: dict[str, tuple[str, str, str]] = {
    "too small": ("CODE_LENGTH", "3", "'3' is wrong: write a whole number from 4 to 64"),
    "too large": ("CODE_LENGTH", "65", "'65' is wrong: write a whole number from 4 to 64"),
    "a word": ("CODE_LENGTH", "seven", "'seven' is wrong: write a whole number from 4 to 64"),
    "a fraction": ("CLICK_RETENTION_DAYS", "1.5", "'1.5' is wrong: write a whole number from 0 to 36500"),
    "a unit of time": ("REDIRECT_CACHE_SECONDS", "5m", "'5m' is wrong: write a whole number from 0 to 31536000"),
    "without an upper end": ("CACHED_LINKS", "0", "'0' is wrong: write a whole number of 1 or more"),
    "an unknown unit": (
        "SPOOL_MAX_BYTES",
        "1X",
        "'1X' is wrong: write a whole number of 67108864 or more, or with a unit",
    ),
    "too many bytes": (
        "MAX_BODY_BYTES",
        "2G",
        "write a whole number from 1024 to 1073741824, or with a unit, such as 64M",
    ),
    "a status": ("REDIRECT_STATUS", "303", "'303' is not known: write 301, 302, 307 or 308"),
    "a choice": ("LOG_LEVEL", "loud", "'loud' is not known: write debug, info, warning or error"),
    "a pooler": ("DATABASE_POOLER", "session", "'session' is not known: write none or transaction"),
    "host bits": ("TRUSTED_PROXIES", "10.0.0.1/8", "'10.0.0.1/8' is an address in a network: write 10.0.0.0/8"),
    "host bits, IPv6": ("EXCLUDED_ADDRESSES", "2001:db8::1/32", "write 2001:db8::/32"),
    "spaces between networks": ("TRUSTED_PROXIES", "10.0.0.0/8 ::1", "is no network: write one such as 10.0.0.0/8"),
    "no prefix": ("TRUSTED_PROXIES", "10.0.0.0/33", "'10.0.0.0/33' is no network: write one such as 10.0.0.0/8"),
    "a base URL without scheme": ("BASE_URL", "go.example", "'go.example' has no scheme: write https://go.example"),
    "a base URL with a path": ("BASE_URL", "https://go.example:8443/x", "write https://go.example:8443"),
    "a base URL with a password": (
        "BASE_URL",
        "https://u:secret@go.example",
        "it has more than scheme, host and port",
    ),
    "a base URL of another kind": ("BASE_URL", "ftp://go.example", "is no http or https URL: write a URL such as"),
    "a target": ("HOME_TARGET", "example.com/x", "'example.com/x' has no scheme: write https://example.com/x"),
    "a scheme": ("TARGET_SCHEMES", "mail to", "'mail to' is no scheme: write its name alone, such as mailto or ftp"),
    "a short key": ("ADMIN_KEY", "secret", "6 characters are too few: write at least 24"),
    "a header": ("EXCLUDED_HEADER", "a b", "'a b' is no header: write its name, or name=value"),
    "a parameter": ("EXCLUDED_PARAMETER", "a b", "'a b' is no plain name: write letters, digits, - . _ and ~"),
    "another database": (
        "DATABASE_URL",
        "mysql://u:secret@h/d",
        "mysql:// is not supported: write sqlite:///path or",
    ),
    "no database URL": ("DATABASE_URL", "u:secret@h/d", "no database URL: write sqlite:///path or postgresql://"),
}


@pytest.mark.parametrize(("name", "value", "told"), BAD.values(), ids=BAD)
def test_a_message_says_what_would_be_right(
    name: str, value: str, told: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"SHORTENER_{name}", value)
    with pytest.raises(errors.StartFailed) as failure:
        settings.load()
    assert failure.value.detail.startswith(f"bad setting SHORTENER_{name}: ")
    assert told in failure.value.detail
    assert "secret" not in failure.value.detail


UNKNOWN: dict[str, tuple[str, str | None]] = {
    "a letter missing": ("SHORTENER_BASEURL", "did you mean SHORTENER_BASE_URL?"),
    "letters swapped": ("SHORTENER_DATBAASE_URL", "did you mean SHORTENER_DATABASE_URL?"),
    "small letters": ("shortener_log_levl", "did you mean SHORTENER_LOG_LEVEL?"),
    "nothing like it": ("SHORTENER_ZZZ", "docs/SETTINGS.md has all that there are"),
    "an option of commands": ("SHORTENER_API_URL", None),
    "set by Kubernetes": ("SHORTENER_PORT_8000_TCP_ADDR", None),
    "set by Kubernetes for a named port": ("SHORTENER_SERVICE_PORT_HTTP", None),
    "a setting": ("SHORTENER_LOG_LEVEL", None),
    "a setting in small letters": ("shortener_log_level", None),
    "of another program": ("SHORTEN_LOG_LEVL", None),
}


@pytest.mark.parametrize(("name", "told"), UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize("source", ["environment", ".env"])
def test_unknown_names(
    name: str, told: str | None, source: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if source == ".env":
        (nowhere / ".env").write_text(f"{name}=x\n")
    else:
        monkeypatch.setenv(name, "x")
    found = list(settings.unknown_names())
    assert found == ([f"there is no setting {name.upper()}, so it has no effect: {told}"] if told else [])
