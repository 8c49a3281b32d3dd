"""Suggestions: which code somebody may have meant who asked for one that no link has.

Two codes are as far from each other as there are typing errors between them: a character too many, too few or wrong,
or two neighbours swapped, none of them twice ("optimal string alignment"). The case of letters is no error, nor is a
character that looks like the right one. Nothing here knows which codes there are: storage/orphans looks up the
`spellings` of a word, and its neighbours in alphabetical order.
"""

import re
import string
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, islice, product

from shortener.domain import code as codes
from shortener.domain import text

#: Errors allowed in a code, by its length: up to so many characters, so many errors; the rule of Elasticsearch's
#: "AUTO" fuzziness. Of two characters nearly any code is one error away.
_ALLOWED = ((2, 0), (5, 1), (codes.MAX_LENGTH, 2))
#: Longest words of which every spelling with one error is looked up: 63 wrong characters in each place and 64 in each
#: gap make 2,100. What people choose and what is generated is rarely longer.
_EVERY_ERROR = 16
#: Spellings looked up that look alike: the five that come first, and all those of eight letters.
_MOST_ALIKE = 5 + 2**8
#: What may be missing or wrong; of other scripts there is too much to try.
_ALPHABET = string.ascii_letters + string.digits + "-_"
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
#: Characters that are taken for each other in print and handwriting.
_LOOK_ALIKE = ("0oO", "1lLiI")
_SAME = str.maketrans({character: group[0] for group in _LOOK_ALIKE for character in group})
_GROUP = {character: group for group in _LOOK_ALIKE for character in group}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A code that may have been meant."""

    code: str
    #: Errors between the two; 0: they look alike, or are the same by now.
    distance: int


def word(path: str) -> str:
    """The code that a path asks for, or what stands in its place: the first segment, in Unicode normal form C."""
    return text.nfc(path.lstrip("/").partition("/")[0][: 2 * codes.MAX_LENGTH]).strip()


def fold(code: str) -> str:
    """`code` with one character for all that look alike: equal codes are no error apart."""
    return code.lower().translate(_SAME)


def most_errors(word: str) -> int | None:
    """How many errors are allowed in `word`; None if it is too long or too odd for anything to be meant."""
    allowed = next((errors for length, errors in _ALLOWED if 0 < len(word) <= length), None)
    if allowed is None or len(_odd(word)) > allowed or text.forbidden_character(word):
        return None
    return allowed


def readings(word: str) -> set[str]:
    """`word`, and its lower case if the capitals are such as telephones and the Caps Lock key make by themselves."""
    lower = word.lower()
    return {word, lower} if word in {lower.capitalize(), lower.title(), lower.upper()} else {word}


def spellings(word: str) -> set[str]:
    """The codes to be looked up for `word`: all that look like it or are one error away from one of its `readings`.

    Bounded: of what looks alike in long words only that which differs in few places, and of words longer than 16
    characters only those with one too many or two swapped. Other characters than ASCII's are never put in.
    """
    allowed = most_errors(word)
    if allowed is None:
        return set()
    # What looks like a character that no code has is none either.
    found = set() if _odd(word) else set(islice(_alike(word), _MOST_ALIKE))
    if allowed:
        for spelt in readings(word):
            found.update(_one_error(spelt, _odd(spelt)))
    # What is put in may stand in a code; so where all else may, nothing need be looked at again.
    return found if _PLAIN.fullmatch(word) else {code for code in found if codes.normal_form(code) == code}


def distance(one: str, other: str, most: int) -> int | None:
    """How many errors are between two words, or None if more than `most`. Case and looks count."""
    # Each character that the other word has not is an error of its own; this tells most words apart.
    if abs(len(one) - len(other)) > most or len(set(one).difference(other)) > most:
        return None
    one, other = _without_same_ends(one, other)
    if not one or not other:
        return len(one or other)
    before: list[int] = []
    row = list(range(len(other) + 1))
    for index, character in enumerate(one):
        before, row = row, _next_row(before, row, character, one[index - 1] if index else "", other)
        if min(row) > most and min(before) > most:
            return None
    return row[-1] if row[-1] <= most else None


def best(word: str, candidates: Iterable[str], limit: int) -> list[Suggestion]:
    """The up to `limit` nearest of the codes `candidates` to `word`, nearest first, in an order of their own."""
    allowed = most_errors(word)
    if allowed is None:
        return []
    folded = fold(word)
    found = []
    for code in set(candidates):
        errors = distance(folded, fold(code), allowed)
        if errors is not None:
            # Among equals: nearer as it is spelt, by the alphabet.
            spelt = distance(word, code, allowed)
            found.append((errors, allowed + 1 if spelt is None else spelt, code))
    return [Suggestion(code, errors) for errors, _, code in sorted(found)[:limit]]


def _alike(word: str) -> Iterator[str]:
    """`word` and what looks like it: in one case throughout, then with changes in more and more places."""
    yield from (word, word.lower(), word.upper(), word.swapcase(), word.capitalize())
    others = [_others(character) for character in word]
    places = [place for place, found in enumerate(others) if found]
    for count in range(1, len(places) + 1):
        for chosen in combinations(places, count):
            for characters in product(*(others[place] for place in chosen)):
                spelt = list(word)
                for place, character in zip(chosen, characters, strict=True):
                    spelt[place] = character
                yield "".join(spelt)


def _others(character: str) -> str:
    """The characters that look like `character`, but for itself."""
    group = _GROUP.get(character, character.lower() + character.upper())
    # In some scripts a letter becomes two in the other case; those are left alone.
    return "".join(sorted(set(group) - {character})) if character in group and len(set(group)) > 1 else ""


def _odd(word: str) -> list[int]:
    """The places in `word` of what cannot stand in a code."""
    if _PLAIN.fullmatch(word):
        return []
    return [place for place, character in enumerate(word) if codes.normal_form(f"a{character}") is None]


def _one_error(word: str, odd: Sequence[int]) -> Iterator[str]:
    """What is one error away from `word`; where something `odd` stands in it, that must be the error."""
    if len(odd) > 1:
        return iter(())
    cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    changed = [cuts[place] for place in odd] or cuts[:-1]
    fewer = (left + right[1:] for left, right in changed)
    swapped = (left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1 and not odd)
    if len(word) > _EVERY_ERROR:
        return chain(fewer, swapped)
    wrong = (left + character + right[1:] for left, right in changed for character in _ALPHABET)
    more = (left + character + right for left, right in cuts if not odd for character in _ALPHABET)
    return chain(fewer, swapped, wrong, more)


def _without_same_ends(one: str, other: str) -> tuple[str, str]:
    """Two words without what both begin and end with: it changes nothing in how far they are apart."""
    shorter = min(len(one), len(other))
    begin = next((place for place in range(shorter) if one[place] != other[place]), shorter)
    one, other = one[begin:], other[begin:]
    shorter -= begin
    end = next((place for place in range(shorter) if one[-1 - place] != other[-1 - place]), shorter)
    return one[: len(one) - end], other[: len(other) - end]


def _next_row(before: list[int], row: list[int], character: str, previous: str, other: str) -> list[int]:
    """The next row of the table of distances: `other` cut after each character, against one more of the first word.

    `before` is the row before `row`, and `previous` the character before `character`.
    """
    found = [row[0] + 1]
    for place, wanted in enumerate(other):
        cost = min(row[place + 1] + 1, found[place] + 1, row[place] + (character != wanted))
        if place and before and character == other[place - 1] and previous == wanted:
            cost = min(cost, before[place - 1] + 1)
        found.append(cost)
    return found
