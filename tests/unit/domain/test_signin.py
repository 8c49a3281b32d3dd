"""Sign-in links: their address, and what may be the token of one."""

import secrets

import pytest

from shortener.domain import signin


def test_an_address() -> None:
    token = secrets.token_urlsafe(signin.TOKEN_BYTES)
    assert signin.is_token(token)
    assert signin.address("https://go.example", token) == f"https://go.example/admin/signin/{token}"
    assert len(signin.digest(token)) == 32


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("A" * 42, id="too-short"),
        pytest.param("A" * 44, id="too-long"),
        pytest.param("A" * 42 + "=", id="padding"),
        pytest.param("A" * 42 + "é", id="not-ascii"),
        pytest.param("A" * 43 + "\n", id="newline"),
        pytest.param("\udcff" * 43, id="no-text"),
    ],
)
def test_what_is_no_token(value: str) -> None:
    assert not signin.is_token(value)
