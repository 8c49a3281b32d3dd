"""What is near a word, and what of it is looked up."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.domain import code as codes
from shortener.domain import suggestion
from shortener.domain.suggestion import Suggestion

CHARACTERS = string.ascii_letters + string.digits + "-_"
#: Few letters, so that words are near each other; both cases and what looks alike among them.
alike_words = st.text("abAB0oO1lI", max_size=9)
chosen_codes = st.text(CHARACTERS, min_size=3, max_size=16)


def every_distance(one: str, other: str) -> int:
    """The whole table of optimal string alignment, as the textbook has it."""
    table = [[row + column for column in range(len(other) + 1)] for row in range(len(one) + 1)]
    for row in range(1, len(one) + 1):
        for column in range(1, len(other) + 1):
            same = one[row - 1] == other[column - 1]
            steps = [table[row - 1][column] + 1, table[row][column - 1] + 1, table[row - 1][column - 1] + (not same)]
            if row > 1 and column > 1 and one[row - 2 : row] == other[column - 2 : column][::-1]:
                steps.append(table[row - 2][column - 2] + 1)
            table[row][column] = min(steps)
    return table[-1][-1]


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        pytest.param("sale", "sale", 0, id="the-same"),
        pytest.param("sale", "sales", 1, id="one-missing"),
        pytest.param("sale", "sle", 1, id="one-too-many"),
        pytest.param("sale", "sate", 1, id="one-wrong"),
        pytest.param("sale", "slae", 1, id="neighbours-swapped"),
        pytest.param("sale", "Sale", 1, id="case-counts-here"),
        pytest.param("ca", "abc", 3, id="swapped-and-changed"),
        pytest.param("sale", "tale2", 2, id="two"),
        pytest.param("sale", "blame", 3, id="three"),
        pytest.param("", "ab", 2, id="empty"),
        pytest.param("größe", "grösse", 2, id="other-scripts"),
    ],
)
def test_distance(one: str, other: str, distance: int) -> None:
    assert suggestion.distance(one, other, distance) == distance
    assert suggestion.distance(other, one, distance) == distance
    if distance:
        assert suggestion.distance(one, other, distance - 1) is None


@given(alike_words, alike_words, st.integers(0, 3))
def test_distance_is_that_of_the_whole_table(one: str, other: str, most: int) -> None:
    expected = every_distance(one, other)
    assert suggestion.distance(one, other, most) == (expected if expected <= most else None)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Sale", "sale", id="case"),
        pytest.param("SALE", "sale", id="all-capitals"),
        pytest.param("sa1e", "sale", id="one-for-l"),
        pytest.param("saIe", "sale", id="capital-i-for-l"),
        pytest.param("c0de", "code", id="zero-for-o"),
        pytest.param("cOde", "c0de", id="o-for-zero"),
        pytest.param("Über", "über", id="other-letters"),
    ],
)
def test_what_looks_alike(one: str, other: str) -> None:
    assert suggestion.fold(one) == suggestion.fold(other)
    assert other in suggestion.spellings(one)
    assert suggestion.best(one, [other], 1) == [Suggestion(other, 0)]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        pytest.param("/sale", "sale", id="code"),
        pytest.param("/sale/", "sale", id="slash"),
        pytest.param("/sale/more/of/it", "sale", id="path-behind-it"),
        pytest.param("//sale", "sale", id="two-slashes"),
        pytest.param("/ sale ", "sale", id="space"),
        pytest.param("/u\u0308ber", "über", id="normal-form"),
        pytest.param("/", "", id="nothing"),
        pytest.param("/" + "a" * 500, "a" * 256, id="very-long"),
    ],
)
def test_word(path: str, word: str) -> None:
    assert suggestion.word(path) == word


@pytest.mark.parametrize(
    ("word", "errors"),
    [
        pytest.param("", None, id="empty"),
        pytest.param("ab", 0, id="two-characters"),
        pytest.param("abc", 1, id="three-characters"),
        pytest.param("abcde", 1, id="five-characters"),
        pytest.param("abcdef", 2, id="six-characters"),
        pytest.param("a" * 128, 2, id="as-long-as-a-code"),
        pytest.param("a" * 129, None, id="longer-than-a-code"),
        pytest.param("abcdef.", 2, id="one-odd-character"),
        pytest.param(".env", 1, id="an-odd-character-in-a-short-word"),
        pytest.param("a.b.c.d", None, id="three-odd-characters"),
        pytest.param(".a", None, id="odd-where-no-error-is-allowed"),
        pytest.param("abcdef\x00", None, id="control"),
        pytest.param("abcdef\ud800", None, id="surrogate"),
    ],
)
def test_how_many_errors_are_allowed(word: str, errors: int | None) -> None:
    assert suggestion.most_errors(word) == errors


@pytest.mark.parametrize(
    ("word", "readings"),
    [
        pytest.param("sale", {"sale"}, id="lower-case"),
        pytest.param("Sale", {"Sale", "sale"}, id="capital"),
        pytest.param("SALE", {"SALE", "sale"}, id="capitals"),
        pytest.param("Summer-Sale", {"Summer-Sale", "summer-sale"}, id="each-word"),
        pytest.param("aB3xYz7", {"aB3xYz7"}, id="generated"),
    ],
)
def test_readings(word: str, readings: set[str]) -> None:
    assert suggestion.readings(word) == readings


@given(chosen_codes, st.data())
def test_every_code_one_error_away_is_looked_up(code: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(code) - 1))
    character = data.draw(st.sampled_from(CHARACTERS + ".!"))
    swapped = code[:place] + code[place : place + 2][::-1] + code[place + 2 :]
    typed = data.draw(
        st.sampled_from(
            [
                code[:place] + code[place + 1 :],
                code[:place] + character + code[place:],
                code[:place] + character + code[place + 1 :],
                swapped,
            ]
        )
    )
    # Longer ones, and those in which nothing may be wrong, are looked up in part.
    if 3 <= len(typed) <= 16:
        assert code in suggestion.spellings(typed)
        assert suggestion.best(typed, [code], 1)[0].distance <= 1


@given(st.text("abcdefgh", min_size=1, max_size=8), st.data())
def test_every_case_of_eight_letters_is_looked_up(code: str, data: st.DataObject) -> None:
    typed = "".join(data.draw(st.sampled_from([letter, letter.upper()])) for letter in code)
    assert code in suggestion.spellings(typed)
    assert typed in suggestion.spellings(code)


@given(st.text(max_size=20))
def test_only_codes_are_looked_up_and_not_too_many(word: str) -> None:
    found = suggestion.spellings(word)
    assert all(codes.normal_form(code) == code for code in found)
    assert len(found) < 5_000


@given(st.text("lL1iIoO0", min_size=20, max_size=128))
def test_what_looks_alike_in_many_ways_is_bounded(word: str) -> None:
    assert len(suggestion.spellings(word)) < 1_000


@pytest.mark.parametrize(
    ("word", "known", "best"),
    [
        pytest.param("summer", ["winter"], [], id="nothing-near"),
        pytest.param("sumer", ["summer", "sumer"], ["sumer", "summer"], id="the-same-first"),
        pytest.param("summer", ["sumer", "smer", "Summer"], ["Summer", "sumer", "smer"], id="nearest-first"),
        pytest.param("Summer", ["SUMMER", "summer", "Sumner"], ["summer", "SUMMER", "Sumner"], id="as-spelt"),
        pytest.param("summer", ["sommer", "sammer", "simmer", "semmer"], ["sammer", "semmer", "simmer"], id="abc"),
        pytest.param("sal", ["sale", "tale"], ["sale"], id="one-error-in-a-short-word"),
        pytest.param("ab", ["abc", "AB"], ["AB"], id="none-in-a-shorter"),
        pytest.param("summer sal", ["summersale"], ["summersale"], id="odd-characters"),
        pytest.param("a" * 129, ["a" * 128], [], id="too-long"),
    ],
)
def test_best(word: str, known: list[str], best: list[str]) -> None:
    found = suggestion.best(word, known, 3)
    assert [suggested.code for suggested in found] == best
    assert [suggested.distance for suggested in found] == sorted(suggested.distance for suggested in found)


def test_a_code_that_was_found_twice_is_suggested_once() -> None:
    assert suggestion.best("sale", ["sale", "Sale", "sale"], 3) == [Suggestion("sale", 0), Suggestion("Sale", 0)]
