"""QR codes: what one says, and which designs a scanner can read. How they are drawn is in services/qr."""

import math
from dataclasses import dataclass
from enum import StrEnum

from shortener import errors
from shortener.domain import color as colors

#: The query parameter by which a scan is told from a plain click. Ours: it is counted and never forwarded.
PARAMETER = "qr"

#: Side of a picture, pixels.
MIN_SIZE, DEFAULT_SIZE, MAX_SIZE = 64, 512, 2048
#: Modules left free around the symbol; the standard asks for four (ISO/IEC 18004, section 9.1).
DEFAULT_MARGIN, MAX_MARGIN = 4, 16
BLACK, WHITE = "#000000", "#ffffff"
#: Says that there is to be no background.
TRANSPARENT = "transparent"
#: Least contrast between the two colours, as WCAG 2 measures it. It asks for as much of what is no text (1.4.11);
#: scanners manage with less in good light only.
MIN_CONTRAST = 3.0
#: How much of the symbol's width a logo covers: with its border 11 % of the area at most, of which correction level
#: H restores 30 %.
LOGO_SHARE = 0.2
#: Modules free around a logo on all sides together.
_LOGO_BORDER = 1

#: Coefficients of relative luminance, red, green and blue (WCAG 2.2, "relative luminance").
_LUMINANCE = (0.2126, 0.7152, 0.0722)


class Ecc(StrEnum):
    """Error correction: about 7, 15, 25 and 30 % of the symbol may be unreadable."""

    L = "L"
    M = "M"
    Q = "Q"
    H = "H"


@dataclass(frozen=True, slots=True)
class Design:
    """How a QR code is to look. Made by `design`, it can be read."""

    #: Pixels.
    size: int = DEFAULT_SIZE
    #: Modules.
    margin: int = DEFAULT_MARGIN
    #: `#rrggbb`.
    dark: str = BLACK
    #: The same; None for no background.
    light: str | None = WHITE
    ecc: Ecc = Ecc.M
    logo: bool = False


def content(short_url: str) -> str:
    """What the QR code of a short URL says."""
    return f"{short_url}?{PARAMETER}"


def design(*, size: int, margin: int, dark: str, light: str, ecc: Ecc | None, logo: bool) -> Design:
    """The design that these wishes make; without `ecc` it is M, or H with a logo.

    Raises ColorInvalid, and QrInvalid where a scanner could not read it.
    """
    if logo and ecc not in {None, Ecc.H}:
        detail = f"A logo hides a part of the code, which needs the error correction H: leave out ecc={ecc}."
        raise errors.QrInvalid(detail, field="ecc")
    ground = None if light.lower() == TRANSPARENT else _color(light, "light")
    found = Design(size, margin, _color(dark, "dark"), ground, ecc or (Ecc.H if logo else Ecc.M), logo)
    _check_contrast(found.dark, ground or WHITE)
    return found


def module_pixels(design: Design, modules: int) -> int:
    """How many pixels wide a module of a symbol of `modules` × `modules` is. Raises QrInvalid if it is none."""
    whole = modules + 2 * design.margin
    if design.size < whole:
        detail = f"With its margin this code is {whole} modules wide, more than {design.size} pixels can show."
        raise errors.QrInvalid(f"{detail} Ask for a size of {whole} or more.", field="size")
    return design.size // whole


def cleared_modules(modules: int) -> int:
    """How many modules a logo and its border take of a side: odd, as the symbol is, to be in its very middle."""
    return math.ceil(modules * LOGO_SHARE + _LOGO_BORDER) | 1


def contrast(one: str, other: str) -> float:
    """The contrast between two colours, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    """The relative luminance of a colour, 0 to 1."""
    channels = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = (channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels)
    return sum(weight * channel for weight, channel in zip(_LUMINANCE, linear, strict=True))


def _color(color: str, name: str) -> str:
    # In an address a # begins the fragment, so it may be left out.
    return colors.normal_form(color if color.startswith("#") else f"#{color}", name=name)


def _check_contrast(dark: str, ground: str) -> None:
    if luminance(dark) > luminance(ground):
        detail = f"dark ({dark}) is lighter than what it is drawn on ({ground}); most scanners need it the other way."
        raise errors.QrInvalid(detail, field="dark")
    found = contrast(dark, ground)
    if found < MIN_CONTRAST:
        detail = f"The contrast between {dark} and {ground} is {found:.1f}; scanners need {MIN_CONTRAST:.0f} or more."
        raise errors.QrInvalid(detail, field="dark")
