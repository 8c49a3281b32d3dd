"""What text people give us may contain. Everything that judges characters, whatever field they stand in."""

import unicodedata

#: Unicode categories that no text of ours may hold: controls (C0, DEL, C1) and lone surrogates.
#: PostgreSQL refuses NUL and surrogates; the other controls serve only to break logs and terminals.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs"})
#: Default_Ignorable_Code_Point, whole: unassigned code points too.
_IGNORABLE = (
    range(0xAD, 0xAE),
    range(0x34F, 0x350),
    range(0x61C, 0x61D),
    range(0x115F, 0x1161),
    range(0x17B4, 0x17B6),
    range(0x180B, 0x1810),
    range(0x200B, 0x2010),
    range(0x202A, 0x202F),
    range(0x2060, 0x2070),
    range(0x3164, 0x3165),
    range(0xFE00, 0xFE10),
    range(0xFEFF, 0xFF00),
    range(0xFFA0, 0xFFA1),
    range(0xFFF0, 0xFFF9),
    range(0x1BCA0, 0x1BCA4),
    range(0x1D173, 0x1D17B),
    range(0xE0000, 0xE1000),
)


def forbidden_character(text: str, *, allowed: str = "") -> str | None:
    """The first control character or lone surrogate of `text` that is not in `allowed`, or None."""
    return next((c for c in text if unicodedata.category(c) in _FORBIDDEN_CATEGORIES and c not in allowed), None)


def is_ignorable(character: str) -> bool:
    """Whether `character` shows nothing by itself (Unicode's Default_Ignorable_Code_Point)."""
    return any(ord(character) in block for block in _IGNORABLE)


def visible(character: str) -> str:
    """`character` as a person can read it: `U+000A`."""
    return f"U+{ord(character):04X}"


def printable(text: str) -> str:
    """`text` as a message may repeat it: what does not show, or changes how its surroundings show, is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def nfc(text: str) -> str:
    """`text` in Unicode normal form C (UAX #15)."""
    return unicodedata.normalize("NFC", text)
