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
#: Behind the last word of a sentence, a quotation or a parenthesis.
_PUNCTUATION = frozenset(".,;:!?)]}>'\"…。、，．；：！？")
#: Closing brackets, closing quotation marks and invisible signs, in all scripts.
_CATEGORIES_AT_ENDS = frozenset({"Pe", "Pf", "Cf"})


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


def without_end(typed: str) -> str | None:
    """The code, in normal form, that is left of `typed` without what people put behind a URL in a text.

    That is punctuation, white space and characters that nobody sees. None where nothing of it stands there.
    """
    if len(typed) > _MAX_RAW_LENGTH:
        return None
    end = len(typed)
    while end and _ends_a_url(typed[end - 1]):
        end -= 1
    return normal_form(typed[:end]) if end < len(typed) else None


def check(code: str, reserved: Collection[str]) -> str:
    """`code` in normal form, fit for a new link.

    `reserved` holds the first path segments of the shortener's own routes, in lower case.
    Raises CodeInvalid or CodeReserved, naming the field `code`.
    """
    normal = None if text.forbidden_character(code[: MAX_LENGTH + 1]) else normal_form(code)
    if normal is None:
        raise errors.CodeInvalid(_why_invalid(code), field="code")
    invisible = next((c for c in normal if text.is_ignorable(c)), None)
    if invisible is not None:
        detail = f"The code contains {text.visible(invisible)}, which nobody sees: remove it."
        raise errors.CodeInvalid(detail, field="code")
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


def _ends_a_url(character: str) -> bool:
    """Whether `character` is taken for the text's and not the URL's when it stands at the end."""
    if character in _PUNCTUATION or character.isspace():
        return True
    return unicodedata.category(character) in _CATEGORIES_AT_ENDS or text.is_ignorable(character)


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
