"""What commands read from files and write to them."""

import sys
from pathlib import Path
from typing import Any

import typer

from shortener.cli.output import complain

#: Stands for standard input or output where a file may be named.
STANDARD_INPUT = STANDARD_OUTPUT = "-"


def text_in(name: str) -> str:
    """The text of a file, UTF-8 with or without a byte order mark. Exits if there is none."""
    try:
        data = sys.stdin.buffer.read() if name == STANDARD_INPUT else Path(name).read_bytes()
        return data.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise typer.Exit(complain(f"{shown(name)} cannot be read: {_cause(error)}", 2)) from error


def json_in(name: str, option: str) -> Any:
    """The JSON value in a file. Exits if there is none."""
    import orjson

    try:
        return orjson.loads(text_in(name))
    except orjson.JSONDecodeError as error:
        raise typer.Exit(complain(f"{option}: {shown(name)} is not valid JSON: {error}", 2)) from error


def write(name: str, data: bytes) -> None:
    """Writes a file, over what it was. Exits if that cannot be done."""
    try:
        if name == STANDARD_OUTPUT:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            Path(name).write_bytes(data)
    except (OSError, ValueError) as error:
        raise typer.Exit(complain(f"{shown(name)} cannot be written: {_cause(error)}")) from error


def shown(name: str) -> str:
    """A file's name as people know it."""
    return "standard input" if name == STANDARD_INPUT else name


def _cause(error: OSError | ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 (byte {error.start:,})"
    return getattr(error, "strerror", None) or str(error)
