"""Colours: the one form in which they are stored and drawn."""

import re

from shortener import errors

_COLOR = re.compile(r"#[0-9a-f]{6}")


def normal_form(color: str, *, name: str = "color") -> str:
    """`color` as it is stored: `#rrggbb` in lower case. `name` is the field that the error blames.

    Raises ColorInvalid.
    """
    normal = color.lower()
    if not _COLOR.fullmatch(normal):
        detail = "Write a colour as # and six hexadecimal digits, two each for red, green and blue: #ff8800."
        raise errors.ColorInvalid(detail, field=name)
    return normal
