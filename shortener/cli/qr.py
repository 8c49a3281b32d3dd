"""`shortener link qr`: writes a link's QR code to a file."""

from pathlib import PurePath
from typing import Annotated

import typer

from shortener.cli.client import Api, Key, Url
from shortener.cli.files import STANDARD_OUTPUT, write
from shortener.cli.one_link import Code, Domain, named
from shortener.cli.output import complain

#: What a QR code is drawn as; names of files end so.
KINDS = ("svg", "png")


def qr(
    code: Code,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A name.svg or name.png; '-' is standard output.")],
    size: Annotated[int | None, typer.Option(help="Width and height in pixels.")] = None,
    margin: Annotated[int | None, typer.Option(help="Free space on each side, in modules.")] = None,
    dark: Annotated[str | None, typer.Option(help="Colour of the modules, as '#rrggbb'.")] = None,
    light: Annotated[str | None, typer.Option(help="Colour behind them, or transparent.")] = None,
    ecc: Annotated[str | None, typer.Option(help="Error correction: L, M, Q or H.")] = None,
    logo: Annotated[bool, typer.Option("--logo", help="With the instance's logo in the middle.")] = False,
    form: Annotated[
        str | None, typer.Option("--format", help="svg or png; default: as FILE ends, svg on standard output.")
    ] = None,
    domain: Domain = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Write the QR code of a link's short URL to a file."""
    design = {"size": size, "margin": margin, "dark": dark, "light": light, "ecc": ecc, "logo": logo or None}
    kind = _kind(file, form)
    api = Api(url, key)
    link = named(api, code, domain)
    picture = api.send("GET", link.path(f"qr.{kind}"), params={**design, **link.params})
    write(file, picture.content)
    if file != STANDARD_OUTPUT:
        typer.echo(f"Wrote {file}.")


def _kind(file: str, form: str | None) -> str:
    suffix = KINDS[0] if file == STANDARD_OUTPUT else PurePath(file).suffix[1:].lower()
    kind = form or suffix
    if kind not in KINDS:
        raise typer.Exit(complain(f"{form or file}: a QR code is {' or '.join(KINDS)}; say so by --format", 2))
    return kind
