"""Passwords: their normal form and what is refused."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener import errors
from shortener.domain import password as passwords
from shortener.domain.password import MAX_LENGTH, MIN_LENGTH
from tests.unit.laws import law

E_ACUTE, E_AND_ACUTE = "\u00e9", "e\u0301"


@pytest.mark.parametrize(
    ("password", "normal"),
    [
        pytest.param("open sesame", "open sesame", id="with-a-space"),
        pytest.param("x" * MIN_LENGTH, "x" * MIN_LENGTH, id="shortest"),
        pytest.param("x" * MAX_LENGTH, "x" * MAX_LENGTH, id="longest"),
        pytest.param("😀" * MAX_LENGTH, "😀" * MAX_LENGTH, id="most-bytes"),
        pytest.param("  pad ", "  pad ", id="spaces-around-are-part-of-it"),
        pytest.param("Caf" + E_ACUTE, "Caf" + E_ACUTE, id="composed"),
        pytest.param("Caf" + E_AND_ACUTE, "Caf" + E_ACUTE, id="decomposed"),
        pytest.param(E_AND_ACUTE * MAX_LENGTH, E_ACUTE * MAX_LENGTH, id="longest-decomposed"),
        pytest.param("пароль", "пароль", id="another-script"),
        pytest.param("SeSaMe", "SeSaMe", id="capitals-stay"),
    ],
)
def test_passwords(password: str, normal: str) -> None:
    assert passwords.check(password) == normal


@pytest.mark.parametrize(
    ("password", "said"),
    [
        pytest.param("", "has 0 characters", id="empty"),
        pytest.param("abc", "has 3 characters", id="too-short"),
        pytest.param(E_AND_ACUTE * 3, "has 3 characters", id="too-short-once-composed"),
        pytest.param("x" * (MAX_LENGTH + 1), "has 257 characters", id="too-long"),
        # Composing takes this apart: U+1D160 is three characters in normal form.
        pytest.param("\U0001d160" * 100, "has 300 characters", id="too-long-once-composed"),
        pytest.param("x" * 2**20, "has 1048576 characters", id="a-megabyte"),
        pytest.param("e" + "\u0301" * 2**20, "has 1048577 characters", id="a-megabyte-of-accents"),
        pytest.param("open\nsesame", "U+000A", id="newline"),
        pytest.param("open\0sesame", "U+0000", id="nul"),
        pytest.param("open\x7fsesame", "U+007F", id="delete"),
        pytest.param("open\x85sesame", "U+0085", id="c1-control"),
        pytest.param("open\ud800sesame", "U+D800", id="lone-surrogate"),
    ],
)
def test_what_is_no_password(password: str, said: str) -> None:
    with pytest.raises(errors.PasswordInvalid) as refusal:
        passwords.check(password, name="0.password")
    assert refusal.value.field == "0.password"
    assert said in refusal.value.detail
    assert "sesame" not in refusal.value.detail


@law
@given(st.text())
def test_a_normal_form_is_one_and_stays(password: str) -> None:
    try:
        normal = passwords.check(password)
    except errors.PasswordInvalid:
        return
    assert passwords.check(normal) == normal
    assert passwords.check(unicodedata.normalize("NFD", password)) == normal
    assert MIN_LENGTH <= len(normal) <= MAX_LENGTH
    assert len(normal.encode()) <= 1024
