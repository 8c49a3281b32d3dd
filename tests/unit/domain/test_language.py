"""Languages: what Accept-Language headers say, and how a language is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.domain import click as clicks
from shortener.domain import language
from tests.unit.laws import law

#: By name: a header and what it says.
HEADERS = {
    "nothing": ("", ()),
    "one": ("de", (("de", 1.0),)),
    "a-browsers": (
        "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7",
        (("de-de", 1.0), ("de", 0.9), ("en-us", 0.8), ("en", 0.7)),
    ),
    "not-in-order": ("en;q=0.1, de;q=0.5, fr", (("fr", 1.0), ("de", 0.5), ("en", 0.1))),
    "equal-ones-stay-in-order": ("fr, de", (("fr", 1.0), ("de", 1.0))),
    "space-and-capitals": (" ZH-Hant-TW ; Q=0.5 ,DE", (("de", 1.0), ("zh-hant-tw", 0.5))),
    "refused-by-the-visitor": ("de, en;q=0, fr;q=0.000", (("de", 1.0),)),
    "asterisk": ("*", ()),
    "asterisk-beside-others": ("de, *;q=0.9", (("de", 1.0),)),
    "three-places": ("de;q=0.901", (("de", 0.901),)),
    "four-places-are-none": ("de;q=0.9001, en", (("en", 1.0),)),
    "more-than-one": ("de;q=1.5, en;q=1.000", (("en", 1.0),)),
    "no-number": ("de;q=, fr;q=x, en", (("en", 1.0),)),
    "digits-of-another-script": ("de;q=0.٣, en", (("en", 1.0),)),
    "no-tags": ("d, toolonglanguage, de-, -de, d€", ()),
    "empty-items": (",,de,", (("de", 1.0),)),
}


@pytest.mark.parametrize(("header", "said"), HEADERS.values(), ids=list(HEADERS))
def test_headers(header: str, said: tuple[tuple[str, float], ...]) -> None:
    assert language.accepted(header) == said


#: By name: a header, the language that statistics show, and all that are the visitor's own for rules.
OWN = {
    "nothing": ("", None, set()),
    "one": ("de", "de", {"de"}),
    "a-region-is-of-its-language": ("de-CH-1996", "de", {"de", "de-ch", "de-ch-1996"}),
    "a-browsers": ("de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", "de", {"de-de", "de"}),
    "the-best-comes-last": ("en;q=0.9, fr", "fr", {"fr", "en"}),
    "none-is-good-enough-for-a-rule": ("de;q=0.5", "de", set()),
    "four-letters-are-no-language": ("abcd,fr", "fr", {"fr"}),
    "eight-letters-are-no-language": ("abcdefgh,fr", "fr", {"fr"}),
    "nine-letters-are-no-language": ("abcdefghi,fr", "fr", {"fr"}),
    "one-letter-is-no-language": ("x-klingon,i-default,fr", "fr", {"fr"}),
    "ends-with-a-hyphen": ("de-,fr", "fr", {"fr"}),
    "two-hyphens": ("de--ch,fr", "fr", {"fr"}),
    "nine-letters-in-a-subtag": ("de-abcdefghi,fr", "fr", {"fr"}),
    "underscore": ("de_DE,fr", "fr", {"fr"}),
    "digits": ("d3,fr", "fr", {"fr"}),
    "another-script": ("дe,fr", "fr", {"fr"}),
    "quality-of-four-places": ("de;q=0.9999,fr", "fr", {"fr"}),
    "quality-above-one": ("de;q=1.1,fr;q=0.9", "fr", {"fr"}),
    "quality-of-nothing": ("de;q=,fr", "fr", {"fr"}),
    "asterisk": ("*,fr", "fr", {"fr"}),
}


@pytest.mark.parametrize(("header", "shown", "own"), OWN.values(), ids=list(OWN))
def test_statistics_and_rules_read_a_header_alike(header: str, shown: str | None, own: set[str]) -> None:
    assert clicks.language(header) == shown
    assert language.own(language.accepted(header)) == own


@law
@given(st.text(st.sampled_from("dDeEfrR-,;=q019. *_"), max_size=60))
def test_what_statistics_show_is_a_rules_if_anything_is(header: str) -> None:
    own = language.own(language.accepted(header))
    assert not own or clicks.language(header) in own


def test_endless_headers_are_not_read_to_their_end() -> None:
    assert len(language.accepted("de," * 100_000)) == language.MAX_RANGES


@law
@given(st.text(st.sampled_from("dDeE-,;=q01.* _é\n"), max_size=60) | st.text(max_size=60))
def test_what_is_accepted_is_ordered_and_wanted(header: str) -> None:
    said = language.accepted(header)
    assert all(0 < quality <= 1 and tag == tag.lower() for tag, quality in said)
    assert [quality for _, quality in said] == sorted((quality for _, quality in said), reverse=True)


NORMAL = {
    "plain": ("de", "de"),
    "capitals": ("DE", "de"),
    "with-region": ("de-at", "de-AT"),
    "underscore": ("pt_br", "pt-BR"),
    "with-script": ("zh-HANT-tw", "zh-Hant-TW"),
    "with-number": ("es-419", "es-419"),
    "with-variant": ("de-CH-1996", "de-CH-1996"),
    "space-around": (" fr ", "fr"),
    "three-letters": ("gsw", "gsw"),
    "empty": ("", None),
    "asterisk": ("*", None),
    "one-letter": ("d", None),
    "name": ("German language", None),
    "ends-with-a-hyphen": ("de-", None),
    "not-ascii": ("dé", None),
    "quality": ("de;q=1", None),
}


@pytest.mark.parametrize(("tag", "normal"), NORMAL.values(), ids=list(NORMAL))
def test_how_languages_are_written(tag: str, normal: str | None) -> None:
    assert language.normal_form(tag) == normal
    if normal is not None:
        assert language.normal_form(normal) == normal
