"""Scripts: which writing systems the letters of a word belong to (UTS 39, section 5.1: mixed-script detection)."""

import unicodedata

#: First words of letters' names that say how a letter is drawn; the next word is the script.
_WIDTHS = frozenset({"FULLWIDTH", "HALFWIDTH"})
#: First words of letters' names that are no script: what all scripts use, and symbols.
_NO_SCRIPT = frozenset(
    {
        *("MATHEMATICAL", "MODIFIER", "DOUBLE-STRUCK", "SCRIPT", "BLACK-LETTER", "SUPERSCRIPT", "PLANCK", "TURNED"),
        *("EULER", "INFORMATION", "MICRO", "MASU", "VERTICAL", "CARON", "ALEF", "BET", "GIMEL", "DALET", "ROMAN"),
        *("KATAKANA-HIRAGANA", "SQUARE"),
    }
)
_OTHER_NAMES = {
    "CJK": "Han",
    "IDEOGRAPHIC": "Han",
    "HENTAIGANA": "Hiragana",
    "FEMININE": "Latin",
    "MASCULINE": "Latin",
}
#: Scripts that are written together: Japanese, Korean, and Chinese with its phonetic letters.
_TOGETHER = ({"Han", "Hiragana", "Katakana"}, {"Han", "Hangul"}, {"Han", "Bopomofo"})


def mixed(word: str) -> list[str]:
    """The scripts of the letters in `word` if it mixes such as are not written together, else none."""
    found = list(dict.fromkeys(filter(None, map(_script, word))))
    if len(found) < 2 or any(together.issuperset(found) for together in _TOGETHER):
        return []
    return found


def _script(character: str) -> str | None:
    """The script of a letter, by its name in Unicode; None of what is no letter or belongs to all scripts."""
    if character.isascii():
        return "Latin" if character.isalpha() else None
    if not character.isalpha():
        return None
    words = unicodedata.name(character, "").split()
    first = next((word for word in words if word not in _WIDTHS), "")
    return None if not first or first in _NO_SCRIPT else _OTHER_NAMES.get(first, first.capitalize())
