"""Short codes: what may be one, its normal form, and what generated ones are made of."""

import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener import errors
from shortener.domain import code as codes
from tests.unit.laws import law

RESERVED = frozenset({"api", "docs", "healthz"})

#: By name: a code as it is given and its normal form.
GOOD = {
    "letters-digits-marks": ("aZ09-_", "aZ09-_"),
    "one-character": ("x", "x"),
    "hyphen-only": ("-", "-"),
    "as-long-as-allowed": ("x" * 128, "x" * 128),
    "as-long-as-allowed-in-another-script": ("語" * 128, "語" * 128),
    "umlaut": ("grün", "grün"),
    "decomposed-umlaut": ("gru\u0308n", "grün"),
    "too-long-until-composed": ("u\u0308" * 128, "ü" * 128),
    "angstrom-sign": ("\u212b", "\u00c5"),
    "cyrillic": ("ссылка", "ссылка"),
    "japanese": ("短縮", "短縮"),
    "hangul-jamo": ("\u1112\u1161\u11ab", "한"),
    "hindi-with-vowel-signs": ("हिन्दी", "हिन्दी"),
    "thai-with-tone-marks": ("ไม่ใช่", "ไม่ใช่"),
    "arabic-digits": ("٤٢", "٤٢"),
    "case-is-kept": ("CaSe", "CaSe"),
}

#: By name: what is no code, and what its message must mention.
BAD = {
    "empty": ("", "empty"),
    "too-long": ("x" * 129, "129"),
    "too-long-in-another-script": ("語" * 129, "129"),
    "far-too-long": ("x" * 100_000, "100000"),
    "run-of-combining-marks": ("a" + "\u0301\u0316" * 50_000, "100001"),
    "dot": ("robots.txt", "'.'"),
    "dots-only": ("..", "'.'"),
    "slash": ("a/b", "'/'"),
    "backslash": ("a\\b", "'\\'"),
    "percent": ("a%20b", "'%'"),
    "question-mark": ("a?b", "'?'"),
    "hash": ("a#b", "'#'"),
    "plus": ("a+", "'+'"),
    "colon": ("a:b", "':'"),
    "at-sign": ("@a", "'@'"),
    "space": ("a b", "U+0020"),
    "space-around": (" ab", "U+0020"),
    "no-break-space": ("a\u00a0b", "U+00A0"),
    "newline-at-the-end": ("ab\n", "U+000A"),
    "nul": ("a\0", "U+0000"),
    "escape": ("\x1b[31m", "U+001B"),
    "lone-surrogate": ("\ud800", "U+D800"),
    "zero-width-joiner": ("a\u200db", "U+200D"),
    "right-to-left-override": ("a\u202eb", "U+202E"),
    "byte-order-mark": ("\ufeffa", "U+FEFF"),
    "combining-mark-alone": ("\u0301", "U+0301"),
    "emoji": ("😀", "'😀'"),
    "full-width-full-stop": ("a．b", "'．'"),
}

word = st.text(st.characters(categories=("L", "Nd")) | st.sampled_from("-_"), min_size=1, max_size=130)


@pytest.mark.parametrize(("code", "normal"), GOOD.values(), ids=list(GOOD))
def test_codes(code: str, normal: str) -> None:
    assert codes.normal_form(code) == normal
    assert codes.check(code, RESERVED) == normal


@pytest.mark.parametrize(("code", "mentioned"), BAD.values(), ids=list(BAD))
def test_what_is_no_code(code: str, mentioned: str) -> None:
    assert codes.normal_form(code) is None
    with pytest.raises(errors.CodeInvalid) as refusal:
        codes.check(code, RESERVED)
    assert mentioned in refusal.value.detail
    assert refusal.value.field == "code"
    assert refusal.value.detail.isprintable()


@pytest.mark.parametrize("code", ["api", "API", "Api", "docs", "healthZ"])
def test_the_shorteners_own_paths_are_reserved_in_any_case(code: str) -> None:
    with pytest.raises(errors.CodeReserved) as refusal:
        codes.check(code, RESERVED)
    assert refusal.value.field == "code"
    assert code in refusal.value.detail
    # A visit does not ask what is reserved: the router has had its turn.
    assert codes.normal_form(code) == code


@pytest.mark.parametrize("code", ["ap", "apis", "api-", "a-pi", "аpi"])
def test_what_only_looks_reserved_is_free(code: str) -> None:
    assert codes.check(code, RESERVED) == code


@law
@given(st.text(st.characters(), max_size=140) | word)
def test_the_normal_form_is_normal(code: str) -> None:
    normal = codes.normal_form(code)
    if normal is not None:
        assert codes.normal_form(normal) == normal
        assert unicodedata.is_normalized("NFC", normal)
        assert 1 <= len(normal) <= codes.MAX_LENGTH
        assert not set(normal) & set(" ./\\?#%&+:;@\0\n")


@law
@given(word)
def test_every_spelling_has_one_normal_form(code: str) -> None:
    forms = {codes.normal_form(unicodedata.normalize(form, code)) for form in ("NFC", "NFD")}
    assert forms == {codes.normal_form(code)}


@law
@given(word)
def test_a_path_brings_the_code_back(code: str) -> None:
    path = codes.in_path(code)
    assert path.isascii()
    assert not set(path) & set("/?#")
    assert unquote(path) == code


@law
@given(st.text(st.characters(), max_size=140))
def test_a_check_refuses_what_is_no_code_and_gives_the_normal_form_of_the_rest(code: str) -> None:
    try:
        assert codes.check(code, RESERVED) == codes.normal_form(code)
    except errors.CodeReserved:
        assert codes.normal_form(code) is not None
    except errors.CodeInvalid:
        assert codes.normal_form(code) is None


def test_the_alphabet_of_generated_codes() -> None:
    assert len(codes.ALPHABET) == len(set(codes.ALPHABET)) == 54
    assert not set(codes.ALPHABET) & set("0Oo1lIij")
    assert codes.normal_form(codes.ALPHABET) == codes.ALPHABET
    assert codes.ALPHABET.isascii()
    assert codes.ALPHABET.isalnum()


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("abc", "abc"),
        ("x" * 128, "x" * 128),
        ("x" * 129, "x" * 128 + "…"),
        ("a\ud800", "a\\ud800"),
        ("a\u202eb", "a\\u202eb"),
        ("grün", "grün"),
    ],
    ids=["short", "longest", "too-long", "lone-surrogate", "override", "umlaut"],
)
def test_how_a_message_repeats_a_code(code: str, shown: str) -> None:
    assert codes.shown(code) == shown


#: By name: a code with a character that shows nothing, and what the message says of it.
INVISIBLE = {
    "hangul-filler": ("a\u3164", "U+3164"),
    "hangul-filler-alone": ("\u3164", "U+3164"),
    "half-width-filler": ("\uffa0a", "U+FFA0"),
    "hangul-choseong-filler": ("a\u115fb", "U+115F"),
    "hangul-jungseong-filler": ("a\u1160b", "U+1160"),
    "combining-grapheme-joiner": ("a\u034f", "U+034F"),
    "khmer-inherent-vowel": ("ក\u17b4", "U+17B4"),
    "mongolian-variation-selector": ("ᠠ\u180b", "U+180B"),
    "variation-selector": ("a\ufe0f", "U+FE0F"),
    "variation-selector-supplement": ("葛\U000e0100", "U+E0100"),
}


@pytest.mark.parametrize(("code", "mentioned"), INVISIBLE.values(), ids=list(INVISIBLE))
def test_new_codes_have_no_characters_that_nobody_sees(code: str, mentioned: str) -> None:
    with pytest.raises(errors.CodeInvalid) as refusal:
        codes.check(code, RESERVED)
    assert mentioned in refusal.value.detail
    assert refusal.value.detail.isprintable()
    assert codes.normal_form(code) == code  # existing links are found
