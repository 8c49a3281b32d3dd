"""Drawing QR codes as SVG and as PNG, with the instance's logo if asked for: 1 to 50 ms, so not on the event loop."""

import hashlib
import io
from base64 import b64encode
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from shortener import __version__, errors, lazy
from shortener.domain import qr
from shortener.domain.qr import Design

if TYPE_CHECKING:
    import segno
    from PIL import Image
else:
    segno = lazy.module("segno")
    Image = lazy.module("PIL.Image")

#: Largest file of a logo, bytes: it is part of each SVG that shows it.
MAX_LOGO_BYTES = 256 * 1024
#: Pictures kept ready of each kind. Most have a few KB; with a photograph in the middle one may have 400.
_KEPT = 32
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SVG_ROOT = "{http://www.w3.org/2000/svg}svg"
#: Places in the palette of a PNG.
_LIGHT, _DARK = 0, 1


class Kind(StrEnum):
    """What a QR code is drawn as; the value is the suffix of its address."""

    SVG = "svg"
    PNG = "png"

    @property
    def media_type(self) -> str:
        """The media type of such a file."""
        return "image/svg+xml" if self is Kind.SVG else "image/png"


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture for the middle of QR codes."""

    kind: Kind
    data: bytes


def read_logo(path: Path | None) -> Logo | None:
    """The logo in a PNG or SVG file; None without a path. Raises StartFailed if the file cannot be used."""
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LOGO_BYTES + 1)
    except OSError as error:
        raise _unusable(path, error.strerror or "unreadable") from error
    if len(data) > MAX_LOGO_BYTES:
        raise _unusable(path, f"larger than {MAX_LOGO_BYTES} bytes")
    try:
        return Logo(_kind(data), data)
    # What Pillow raises depends on where a file is broken.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unusable(path, "neither a PNG nor an SVG that can be read") from error


def draw(kind: Kind, short_url: str, design: Design, logo: Logo | None) -> bytes:
    """The QR code of `short_url` as a file; `logo` is the instance's. Raises QrInvalid."""
    return _DRAW[kind](short_url, design, _wanted(kind, design, logo))


def etag(kind: Kind, short_url: str, design: Design, logo: Logo | None) -> str:
    """An entity tag of what `draw` gives, without drawing it. Raises QrInvalid if there is no such logo."""
    wanted = _wanted(kind, design, logo)
    # The version stands for how it is drawn.
    facts = repr((__version__, kind, short_url, design)).encode()
    return f'"{hashlib.blake2b(facts + (wanted.data if wanted else b""), digest_size=16).hexdigest()}"'


def _wanted(kind: Kind, design: Design, logo: Logo | None) -> Logo | None:
    if not design.logo:
        return None
    if logo is None:
        raise errors.QrInvalid("This instance has no logo: leave out logo=true.", field="logo")
    if kind is Kind.PNG and logo.kind is Kind.SVG:
        detail = "The logo of this instance is an SVG, which cannot be part of a PNG: ask for an SVG."
        raise errors.QrInvalid(detail, field="logo")
    return logo


@lru_cache(_KEPT)
def _svg(short_url: str, design: Design, logo: Logo | None) -> bytes:
    symbol = _symbol(short_url, design)
    drawn = io.BytesIO()
    colors = {"dark": design.dark, "light": design.light}
    plain = {"xmldecl": False, "nl": False, "svgclass": None, "lineclass": None}
    # Without a size of its own it takes that of the outer one, which need not be a multiple of its modules.
    symbol.save(drawn, "svg", border=design.margin, omitsize=True, **colors, **plain)
    modules = len(symbol.matrix)
    whole = modules + 2 * design.margin
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{design.size}" height="{design.size}" '
        f'viewBox="0 0 {whole} {whole}" role="img" shape-rendering="crispEdges">'
        f"<title>{escape(f'QR code of {short_url}')}</title>"
        f"{drawn.getvalue().decode()}{_svg_logo(design, modules, logo) if logo else ''}</svg>\n"
    ).encode()


def _svg_logo(design: Design, modules: int, logo: Logo) -> str:
    cleared, side = qr.cleared_modules(modules), round(modules * qr.LOGO_SHARE, 2)
    middle = design.margin + modules / 2
    data = f"data:{logo.kind.media_type};base64,{b64encode(logo.data).decode()}"
    return (
        f'<path fill="{design.light or qr.WHITE}" '
        f'd="M{middle - cleared / 2:g} {middle - cleared / 2:g}h{cleared}v{cleared}h-{cleared}z"/>'
        f'<image x="{middle - side / 2:g}" y="{middle - side / 2:g}" width="{side}" height="{side}" href="{data}"/>'
    )


@lru_cache(_KEPT)
def _png(short_url: str, design: Design, logo: Logo | None) -> bytes:
    symbol = _symbol(short_url, design)
    modules = len(symbol.matrix)
    pixels = qr.module_pixels(design, modules)
    image = Image.new("P", (design.size, design.size), _LIGHT)
    image.putpalette([*_rgb(design.light or qr.WHITE), *_rgb(design.dark)])
    stencil = Image.frombytes("L", (modules, modules), bytes(255 * cell for row in symbol.matrix for cell in row))
    stencil = stencil.resize((modules * pixels, modules * pixels), Image.Resampling.NEAREST)
    image.paste(_DARK, _centred(design.size, stencil), stencil)
    if design.light is None:
        image.info["transparency"] = _LIGHT
    if logo is not None:
        image = _with_logo(image, design, modules, pixels, logo)
    file = io.BytesIO()
    image.save(file, "png")
    return file.getvalue()


def _with_logo(image: "Image.Image", design: Design, modules: int, pixels: int, logo: Logo) -> "Image.Image":
    border = qr.cleared_modules(modules) * pixels
    middle = Image.new("RGBA", (border, border), design.light or qr.WHITE)
    with Image.open(io.BytesIO(logo.data)) as opened:
        picture = opened.convert("RGBA")
    shrunk = modules * pixels * qr.LOGO_SHARE / max(picture.size)
    picture = picture.resize((max(1, int(picture.width * shrunk)), max(1, int(picture.height * shrunk))))
    middle.alpha_composite(picture, _centred(border, picture))
    image = image.convert("RGB" if design.light else "RGBA")
    image.paste(middle, _centred(design.size, middle))
    return image


def _centred(size: int, picture: "Image.Image") -> tuple[int, int]:
    return (size - picture.width) // 2, (size - picture.height) // 2


def _symbol(short_url: str, design: Design) -> "segno.QRCode":
    """The symbol, as small as its error correction allows; where that leaves room, with a better one."""
    said = qr.content(short_url)
    try:
        return segno.make(said, error=_ERROR[design.ecc], micro=False)
    except segno.DataOverflowError as error:
        detail = f"{len(said)} characters are more than a QR code with the error correction {design.ecc} can hold."
        raise errors.QrInvalid(detail, field="ecc") from error


def _rgb(color: str) -> bytes:
    return bytes.fromhex(color[1:])


def _kind(data: bytes) -> Kind:
    """What a logo's file is. Raises ValueError or what the readers of such files raise."""
    if data.startswith(_PNG_SIGNATURE):
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            picture.load()
        return Kind.PNG
    # The operator's own file, and expat itself refuses entities that grow without end.
    if ElementTree.fromstring(data).tag != _SVG_ROOT:  # noqa: S314
        raise ValueError("no SVG")
    return Kind.SVG


def _unusable(path: Path, why: str) -> errors.StartFailed:
    return errors.StartFailed(f"bad setting SHORTENER_QR_LOGO: {path}: {why}")


_ERROR: dict[qr.Ecc, Literal["l", "m", "q", "h"]] = {
    qr.Ecc.L: "l",
    qr.Ecc.M: "m",
    qr.Ecc.Q: "q",
    qr.Ecc.H: "h",
}
_DRAW = {Kind.SVG: _svg, Kind.PNG: _png}
