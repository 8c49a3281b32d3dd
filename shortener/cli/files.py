"""What commands read from files and write to them."""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

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


@contextmanager
def replacing(name: str) -> Iterator[IO[bytes]]:
    """A file to be written piece by piece, which takes the place of `name` when all of it is there.

    If anything goes wrong, `name` is what it was. Exits if it cannot be written.
    """
    path = Path(name)
    try:
        if name == STANDARD_OUTPUT:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        elif path.exists() and not path.is_file():  # a device or a pipe cannot be replaced; a directory is refused
            with path.open("wb") as file:
                yield file
        else:
            with _beside(path.resolve()) as file:
                yield file
    except OSError as error:
        raise typer.Exit(complain(f"{shown(name)} cannot be written: {_cause(error)}")) from error


@contextmanager
def _beside(path: Path) -> Iterator[IO[bytes]]:
    """A new file in the same directory, which then becomes `path`."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def shown(name: str) -> str:
    """A file's name as people know it."""
    return "standard input" if name == STANDARD_INPUT else name


def _cause(error: OSError | ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 (byte {error.start:,})"
    return getattr(error, "strerror", None) or str(error)
