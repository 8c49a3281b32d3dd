"""Short codes: which strings may be one, their normal form, and how many to choose from.

Nothing here knows which codes are taken; the unique constraint of storage decides that.
"""

import re
import unicodedata
from collections.abc import Collection
from urllib.parse import quote

from shortener import errors
from shortener.domain import text

#: Longest code people may choose.
MAX_LENGTH = 128
#: Characters of generated codes: digits and letters without those that people confuse (0 O o, 1 l I i j),
#: the set that Kutt uses too. 54 of them, so 7 characters give 1.3 × 10^12 codes.
ALPHABET = "23456789abcdefghkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
#: Failed attempts at one length before the next attempt is a character longer. With the space a tenth
#: full, eight misses in a row happen once in 10^8 creations.
ATTEMPTS_PER_LENGTH = 8

_ASCII_CODE = re.compile(r"[A-Za-z0-9_-]{1,128}")
#: Longest text whose normal form may still be a code: NFC makes one character of up to four.
_MAX_RAW_LENGTH = 4 * MAX_LENGTH


def normal_form(code: str) -> str | None:
    """`code` as it is stored and looked up (NFC), or None if no code can look like this."""
    if _ASCII_CODE.fullmatch(code):
        return code
    # Normalising takes time quadratic in the length of a run of combining marks, and anybody may send a long path.
    if len(code) > _MAX_RAW_LENGTH:
        return None
    code = text.nfc(code)
    fits = 1 <= len(code) <= MAX_LENGTH and all(map(_is_word, code)) and not _is_mark(code[0])
    return code if fits else None


def check(code: str, reserved: Collection[str]) -> str:
    """`code` in normal form, fit for a new link.

    `reserved` holds the first path segments of the shortener's own routes, in lower case.
    Raises CodeInvalid or CodeReserved, naming the field `code`.
    """
    normal = None if text.forbidden_character(code[: MAX_LENGTH + 1]) else normal_form(code)
    if normal is None:
        raise errors.CodeInvalid(_why_invalid(code), field="code")
    if normal.lower() in reserved:
        detail = f"'{normal}' is a path of the shortener itself; choose another code."
        raise errors.CodeReserved(detail, field="code")
    return normal


def of_number(number: int, length: int) -> str:
    """The generated code of `length` characters with this number, below len(ALPHABET) ** length."""
    characters = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[digit])
    return "".join(characters)


def shown(code: str) -> str:
    """`code` as a message may repeat it: printable, and no longer than a code can be."""
    return text.printable(code[:MAX_LENGTH]) + ("…" if len(code) > MAX_LENGTH else "")


def in_path(code: str) -> str:
    """`code` as it stands in the path of a URL: percent-encoded UTF-8."""
    return quote(code, safe="")


def _is_word(character: str) -> bool:
    """Unicode's word characters (UTS 18, annex C): letters, numbers, and the marks that scripts like Hindi's need."""
    return character.isalnum() or character in "-_" or _is_mark(character)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _why_invalid(code: str) -> str:
    if not code:
        return "The code is empty; leave the field out to have one made."
    if len(code) > MAX_LENGTH:
        return f"The code has {len(code)} characters; at most {MAX_LENGTH} are allowed."
    wrong = next((c for c in text.nfc(code) if not _is_word(c)), code[0])
    unclear = not wrong.isprintable() or wrong.isspace() or _is_mark(wrong)
    shown = text.visible(wrong) if unclear else f"'{wrong}'"
    return f"{shown} cannot stand in a code: use letters, digits, hyphens and underscores."
