"""What settings are read from, and which form they take."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from shortener import errors, settings

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
    "a database": ({"DATABASE_URL": "postgresql://h/d"}, {"database": "postgresql://h/d"}),
    "a base URL": ({"BASE_URL": "HTTPS://Go.Example:443/"}, {"public_url": "https://go.example"}),
    "a base URL with a port": ({"BASE_URL": "http://go.example:8080"}, {"public_url": "http://go.example:8080"}),
    "a target": ({"HOME_TARGET": "https://example.com"}, {"home_target": "https://example.com/"}),
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
