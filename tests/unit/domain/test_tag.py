"""Tags: their normal form and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener import errors
from shortener.domain import tag as tags
from tests.unit.laws import law

#: By name: a tag as it is given and its normal form.
GOOD = {
    "plain": ("sale", "sale"),
    "upper-case": ("Autumn SALE", "autumn sale"),
    "space-around": ("  sale\u3000", "sale"),
    "space-within-is-kept": ("a  b", "a  b"),
    "decomposed": ("gru\u0308n", "grün"),
    "upper-case-umlaut": ("GRÜN", "grün"),
    "emoji": ("🎉", "🎉"),
    "punctuation": ("a/b:c;d.e#f", "a/b:c;d.e#f"),
    "as-long-as-allowed": ("x" * 64, "x" * 64),
    "too-long-until-composed": ("u\u0308" * 64, "ü" * 64),
    "too-long-until-stripped": (" " * 10 + "x" * 64, "x" * 64),
    "dotted-capital-i": ("İ", "i\u0307"),
}

#: By name: what is no tag, and what its message must mention.
BAD = {
    "empty": ("", "empty"),
    "space-only": (" \u00a0 ", "empty"),
    "comma": ("a,b", "U+002C"),
    "newline": ("a\nb", "U+000A"),
    "newline-at-the-end": ("a\n", "U+000A"),
    "tab": ("\ta", "U+0009"),
    "nul": ("\0", "U+0000"),
    "c1-control-character": ("a\x85", "U+0085"),
    "lone-surrogate": ("a\udfff", "U+DFFF"),
    "too-long": ("x" * 65, "65"),
    "run-of-combining-marks": ("a" + "\u0301\u0316" * 50_000, "100001"),
    "too-long-in-lower-case": ("İ" * 33, "66"),
}


@pytest.mark.parametrize(("tag", "normal"), GOOD.values(), ids=list(GOOD))
def test_tags(tag: str, normal: str) -> None:
    assert tags.normal_form(tag) == normal


@pytest.mark.parametrize(("tag", "mentioned"), BAD.values(), ids=list(BAD))
def test_what_is_no_tag(tag: str, mentioned: str) -> None:
    with pytest.raises(errors.TagInvalid) as refusal:
        tags.normal_form(tag)
    assert mentioned in refusal.value.detail
    assert refusal.value.field == "tags"
    with pytest.raises(errors.TagInvalid) as refusal:
        tags.normal_form(tag, name="tag")
    assert refusal.value.field == "tag"


@law
@given(st.text(st.characters(), max_size=70))
def test_what_is_stored_can_be_asked_for(tag: str) -> None:
    try:
        normal = tags.normal_form(tag)
    except errors.TagInvalid:
        return
    assert tags.normal_form(normal) == normal
    assert tags.normal_form(f" {normal}") == normal
    assert 1 <= len(normal) <= tags.MAX_LENGTH


def test_normal_forms_are_distinct_and_sorted() -> None:
    assert tags.normal_forms(["b", "A", " a ", "B", "gru\u0308n", "grün"]) == ("a", "b", "grün")
    assert tags.normal_forms([]) == ()
    with pytest.raises(errors.TagInvalid):
        tags.normal_forms(["a", ""])
