"""API keys: their shape, and when one opens a door."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.domain import access
from shortener.domain.access import ApiKey, Principal, Scope
from tests.unit.laws import law

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KEY = access.compose(bytes(range(6)), "A" * 43).encode()


def stored(key: bytes = KEY, *, expires_at: datetime | None = None, revoked_at: datetime | None = None) -> ApiKey:
    return ApiKey(
        id="000102030405",
        name="test",
        digest=access.digest(key),
        scopes=(Scope.LINKS_READ,),
        created_at=NOW - 2 * SECOND,
        expires_at=expires_at,
        revoked_at=revoked_at,
        last_used_at=None,
    )


@pytest.mark.parametrize(
    ("value", "is_id"),
    [
        ("000102030405", True),
        ("abcdefabcdef", True),
        ("ABCDEFABCDEF", False),
        ("00010203040", False),
        ("0001020304050", False),
        ("000102030405\n", False),
        ("٠٠٠١٠٢٠٣٠٤٠٥", False),
        ("", False),
    ],
)
def test_what_looks_like_an_id(value: str, is_id: bool) -> None:
    assert access.is_id(value) is is_id


def test_the_shape_of_a_key() -> None:
    assert KEY == b"shk_000102030405_" + b"A" * 43
    assert access.public_id(KEY) == "000102030405"


@law
@given(
    st.binary(min_size=access.ID_BYTES, max_size=access.ID_BYTES),
    st.binary(min_size=access.SECRET_BYTES, max_size=access.SECRET_BYTES),
)
def test_a_composed_key_is_found_and_matches(key_id: bytes, secret: bytes) -> None:
    key = access.compose(key_id, base64.urlsafe_b64encode(secret).decode().rstrip("=")).encode()
    assert access.public_id(key) == key_id.hex()
    assert access.matches(key, access.digest(key))
    assert not access.matches(key + b"x", access.digest(key))
    assert len(access.digest(key)) == 32


#: By name: what does not look like a key of ours.
STRANGE = {
    "empty": b"",
    "preset": b"test-admin-key-0123456789",
    "prefix-in-upper-case": b"SHK" + KEY[3:],
    "other-prefix": b"sk_" + KEY[4:],
    "id-in-upper-case": b"shk_00010203040A_" + b"A" * 43,
    "id-too-short": b"shk_0001020304_" + b"A" * 43,
    "secret-too-short": KEY[:-1],
    "secret-too-long": KEY + b"A",
    "secret-of-other-characters": KEY[:-1] + b"=",
    "newline-at-the-end": KEY + b"\n",
    "space-before": b" " + KEY,
    "not-ascii": KEY[:-1] + "é".encode(),
}


@pytest.mark.parametrize("key", STRANGE.values(), ids=list(STRANGE))
def test_what_is_no_key_of_ours(key: bytes) -> None:
    assert access.public_id(key) is None
    assert not access.opens(stored(), key, NOW)


@pytest.mark.parametrize(
    ("expires_at", "revoked_at", "opens"),
    [
        (None, None, True),
        (NOW + SECOND, None, True),
        (NOW, None, False),
        (NOW - SECOND, None, False),
        (None, NOW - SECOND, False),
        (None, NOW, False),
        (NOW + SECOND, NOW - SECOND, False),
    ],
)
def test_when_a_key_opens(expires_at: datetime | None, revoked_at: datetime | None, opens: bool) -> None:
    key = stored(expires_at=expires_at, revoked_at=revoked_at)
    assert access.opens(key, KEY, NOW) is opens
    assert not access.opens(key, KEY[:-1] + b"B", NOW)


@pytest.mark.parametrize("scope", Scope)
def test_what_a_principal_may_do(scope: Scope) -> None:
    assert Principal("key", frozenset({scope})).may(scope)
    assert Principal("key", frozenset({Scope.ADMIN})).may(scope)
    others = frozenset(Scope) - {scope, Scope.ADMIN}
    assert not Principal("key", others).may(scope)
    assert not Principal("key", frozenset()).may(scope)


@pytest.mark.parametrize(
    ("scopes", "can_read"),
    [
        ({Scope.LINKS_READ}, True),
        ({Scope.STATS_READ}, True),
        ({Scope.ADMIN}, True),
        ({Scope.LINKS_WRITE}, False),
        ({Scope.LINKS_WRITE, Scope.STATS_READ}, True),
        (set(), False),
    ],
)
def test_who_may_look_at_something(scopes: set[Scope], can_read: bool) -> None:
    assert Principal("key", frozenset(scopes)).can_read is can_read


def test_what_people_call_a_principal() -> None:
    assert Principal("preset admin key", frozenset()).name == "preset admin key"
    assert Principal("key 000102030405", frozenset(), "000102030405", "Kim").name == "Kim"


def test_scopes_are_stored_and_so_keep_their_names() -> None:
    assert set(Scope) == {"links:read", "links:write", "stats:read", "admin"}
