"""A search for people's addresses in everything that was written, in every form that one may have."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select

from shortener.storage.engine import Database
from shortener.storage.tables import metadata


def forms(address: str) -> Iterator[bytes]:
    """What `address` may look like: as text, in hexadecimal, as a number. IPv4 packed is too short to be told from
    chance (`is_packed_in`).
    """
    parsed = ipaddress.ip_address(address)
    texts = (address, str(parsed), parsed.exploded, parsed.packed.hex(), str(int(parsed)), parsed.reverse_pointer)
    for text in texts:
        yield text.encode()
        yield text.upper().encode()
    if parsed.version == 6:
        yield parsed.packed
        yield parsed.packed[::-1]
    else:
        yield ipaddress.IPv6Address(f"::ffff:{parsed}").packed


def is_packed_in(address: str, spool: bytes) -> bool:
    """Whether the four bytes of an IPv4 address are somewhere in a few kilobytes."""
    packed = ipaddress.ip_address(address).packed
    return packed in spool or packed[::-1] in spool


def in_folder(folder: Path, pattern: str = "*") -> bytes:
    """Every byte of every file below `folder` whose name fits."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob(pattern)) if path.is_file())


def in_tables(database: Database) -> bytes:
    """Every value of every table."""
    found: list[bytes] = []
    with database.read() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)):
                found += [value if isinstance(value, bytes) else str(value).encode() for value in row]
    return b"\n".join(found)
