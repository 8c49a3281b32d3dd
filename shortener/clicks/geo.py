"""Where an address is: the one door to geographic data, whether built in (countries) or the operator's (.mmdb)."""

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any, NamedTuple

import iptocc
import maxminddb
from maxminddb import InvalidDatabaseError

from shortener import errors

_LANGUAGE = "en"


class Place(NamedTuple):
    """Where an address is, as far as is known."""

    #: ISO 3166-1, two capital letters.
    country: str | None
    #: In English.
    region: str | None
    #: In English.
    city: str | None


NOWHERE = Place(None, None, None)


class Geo:
    """Finds places, from files only. `close` it."""

    def __init__(self, path: Path | None) -> None:
        """`path` is a file in MaxMind's format with their City or Country records; None for what is built in.

        The file is read as it is now: after an update, start again. Raises StartFailed.
        """
        self._reader = None if path is None else _opened(path)

    def find(self, address: IPv4Address | IPv6Address | None) -> Place:
        """Where `address` is registered or, by an operator's file, used. Never raises."""
        if address is None:
            return NOWHERE
        if self._reader is None:
            return Place(iptocc.country_code(str(address)), None, None)
        try:
            return _place(self._reader.get(address))
        except (ValueError, InvalidDatabaseError):  # IPv6 in a file without, a damaged page
            return NOWHERE

    def close(self) -> None:
        """Lets go of the file."""
        if self._reader is not None:
            self._reader.close()


def _opened(path: Path) -> maxminddb.Reader:
    try:
        return maxminddb.open_database(path)
    except FileNotFoundError as error:
        raise errors.StartFailed(f"There is no geographic database {path}.") from error
    except (OSError, ValueError, InvalidDatabaseError) as error:
        raise errors.StartFailed(f"{path} cannot be read as a geographic database (.mmdb): {error}") from error


def _place(record: object) -> Place:
    country = _part(record, "country") or _part(record, "registered_country")
    divisions = _part(record, "subdivisions")
    region = divisions[0] if isinstance(divisions, list) and divisions else None
    return Place(_text(country, "iso_code"), _name(region), _name(_part(record, "city")))


def _part(record: object, name: str) -> Any:
    return record.get(name) if isinstance(record, dict) else None


def _name(of: object) -> str | None:
    return _text(_part(of, "names"), _LANGUAGE)


def _text(of: object, name: str) -> str | None:
    """Files are made by many, and not all keep to MaxMind's layout."""
    found = _part(of, name)
    return found if isinstance(found, str) and found else None
