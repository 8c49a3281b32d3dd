"""Text: which characters are refused, and how those are shown."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.domain import text
from tests.unit.laws import law

CONTROLS = [*map(chr, range(0x20)), "\x7f", *map(chr, range(0x80, 0xA0))]
HARMLESS = {
    "space": " ",
    "letters": "aé日",
    "no-break-space": "\u00a0",
    "line-separator": "\u2028",
    "joiner": "\u200d",
    "emoji": "😀",
    "noncharacter": "\ufffe",
    "private-use": "\ue000",
    "unassigned": "\u0378",
    "last-of-all": "\U0010ffff",
}


@pytest.mark.parametrize("character", [*CONTROLS, *map(chr, (0xD800, 0xDBFF, 0xDC00, 0xDFFF))], ids=ascii)
def test_forbidden(character: str) -> None:
    assert text.forbidden_character(f"a{character}b") == character
    assert text.forbidden_character(character, allowed=character) is None


@pytest.mark.parametrize("harmless", HARMLESS.values(), ids=list(HARMLESS))
def test_allowed(harmless: str) -> None:
    assert text.forbidden_character(harmless) is None


def test_the_first_of_several_is_named() -> None:
    assert text.forbidden_character("a\n\0") == "\n"
    assert text.forbidden_character("a\n\0", allowed="\n\r\t") == "\0"
    assert text.forbidden_character("") is None


@pytest.mark.parametrize(("character", "shown"), [("\n", "U+000A"), (" ", "U+0020"), ("\U0001f600", "U+1F600")])
def test_visible(character: str, shown: str) -> None:
    assert text.visible(character) == shown


@law
@given(st.text(st.characters()))
def test_printable_text_is_printable_and_escapes_nothing_else(value: str) -> None:
    assert text.printable(value).isprintable()
    assert text.printable(text.printable(value)) == text.printable(value)
    assert (text.printable(value) == value) is value.isprintable()


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("grün 日本 😀", "grün 日本 😀"),
        ("a\ud800b", "a\\ud800b"),
        ("a\nb\0\x1b[31m", "a\\nb\\x00\\x1b[31m"),
        ("a\u202eb", "a\\u202eb"),
    ],
    ids=["harmless", "surrogate", "controls", "right-to-left-override"],
)
def test_printable(value: str, printed: str) -> None:
    assert text.printable(value) == printed


@law
@given(st.text())
def test_nfc(value: str) -> None:
    assert unicodedata.is_normalized("NFC", text.nfc(value))
    assert text.nfc(unicodedata.normalize("NFD", value)) == text.nfc(value)
