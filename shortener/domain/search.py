"""Search: the text by which a link is found, and what to look for in it when somebody has typed something.

Both are folded here and not by the databases, whose ideas of lower case differ: SQLite knows ASCII's only.
"""

import re
import unicodedata

from shortener.domain import placeholder, text

_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
#: A label of a host name in its ASCII form (RFC 5890, section 2.3.2.1).
_PUNYCODE = re.compile(r"(?<![A-Za-z0-9-])[xX][nN]--([A-Za-z0-9-]+)")
#: Between the texts of a link. Nobody can type it into a search, which is one line.
_BETWEEN = "\n"


def searchable(*, code: str, target: str, title: str | None, notes: str | None) -> str:
    """The text by which a link is found; of `target`, which is in stored form, also what people read."""
    location = placeholder.location(target)
    texts = (code, location, readable(placeholder.written(target)), title or "", notes or "")
    return _BETWEEN.join(dict.fromkeys(filter(None, map(fold, texts))))


def terms(typed: str) -> list[str]:
    """The texts to look for in a link's `searchable` text; a link with any of them is found."""
    return list(dict.fromkeys((fold(typed), fold(readable(typed)))))


def fold(value: str) -> str:
    """`value` in the form in which texts are compared: without case, in all scripts, and in normal form (NFKC).

    Turkish `İ` and `ı` become `i`, since nobody can tell in which language somebody types an I.
    """
    if value.isascii():
        return value.lower()
    visible = "".join(c for c in value if c.isascii() or not text.is_ignorable(c))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return unicodedata.normalize("NFC", folded.replace("i\u0307", "i").replace("ı", "i"))


def readable(url: str) -> str:
    """`url`, or part of one, as people read it: with the letters that are percent-encoded or in Punycode."""
    return _ESCAPES.sub(_decoded, _PUNYCODE.sub(_label, url))


def _decoded(match: re.Match[str]) -> str:
    """The characters that are percent-encoded; the escapes where they are no text."""
    try:
        decoded = bytes.fromhex(match[0].replace("%", "")).decode()
    except UnicodeDecodeError:
        return match[0]
    return match[0] if text.forbidden_character(decoded) else decoded


def _label(match: re.Match[str]) -> str:
    try:
        decoded = match[1].encode().decode("punycode")
    except UnicodeError:
        return match[0]
    return match[0] if text.forbidden_character(decoded) else decoded
