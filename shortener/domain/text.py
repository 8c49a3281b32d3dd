"""What text people give us may contain. Everything that judges characters, whatever field they stand in."""

import unicodedata

#: Unicode categories that no text of ours may hold: controls (C0, DEL, C1) and lone surrogates.
#: PostgreSQL refuses NUL and surrogates; the other controls serve only to break logs and terminals.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs"})


def forbidden_character(text: str, *, allowed: str = "") -> str | None:
    """The first control character or lone surrogate of `text` that is not in `allowed`, or None."""
    return next((c for c in text if unicodedata.category(c) in _FORBIDDEN_CATEGORIES and c not in allowed), None)


def visible(character: str) -> str:
    """`character` as a person can read it: `U+000A`."""
    return f"U+{ord(character):04X}"


def printable(text: str) -> str:
    """`text` as a message may repeat it: what does not show, or changes how its surroundings show, is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def nfc(text: str) -> str:
    """`text` in Unicode normal form C (UAX #15)."""
    return unicodedata.normalize("NFC", text)
