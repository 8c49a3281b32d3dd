"""Geographic data: what the built-in and an operator's file say, and what happens to a file that is none."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from shortener import errors
from shortener.clicks.geo import NOWHERE, Geo, Place


def number(kind: int, size: int, value: int) -> bytes:
    return control(kind, size) + value.to_bytes(size, "big")


def control(kind: int, size: int) -> bytes:
    """What stands before a value."""
    low, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return (bytes([kind << 5 | low]) if kind <= 7 else bytes([low, kind - 7])) + more


def encoded(value: Any) -> bytes:
    match value:
        case bytes():  # a number: which kind it must be depends on where it stands
            return value
        case str():
            return control(2, len(value.encode())) + value.encode()
        case list():
            return control(11, len(value)) + b"".join(map(encoded, value))
        case _:
            return control(7, len(value)) + b"".join(encoded(key) + encoded(each) for key, each in value.items())


def metadata(nodes: int, version: int) -> bytes:
    return b"\xab\xcd\xefMaxMind.com" + encoded(
        {
            "binary_format_major_version": number(5, 2, 2),
            "binary_format_minor_version": number(5, 2, 0),
            "build_epoch": number(9, 8, 1),
            "database_type": "GeoLite2-City",
            "description": {"en": "a test"},
            "ip_version": number(5, 2, version),
            "languages": ["en"],
            "node_count": number(6, 4, nodes),
            "record_size": number(5, 2, 32),
        }
    )


def written(path: Path, records: dict[str, Any], *, version: int = 6) -> Path:
    """A database with a record for each address (MaxMind DB File Format Specification 2.0)."""
    nodes: list[list[int | None]] = [[None, None]]
    data = b""
    for address, record in records.items():
        *others, last = map(int, f"{int(ip_address(address)):0{128 if version == 6 else 32}b}")
        node = nodes[0]
        for bit in others:
            if node[bit] is None:
                node[bit] = len(nodes)
                nodes.append([None, None])
            node = nodes[node[bit] or 0]
        node[last] = -1 - len(data)
        data += encoded(record)
    count = len(nodes)
    # What a node points to: another, nothing, or behind the 16 bytes between tree and data.
    values = [count if to is None else to if to >= 0 else count + 15 - to for node in nodes for to in node]
    tree = b"".join(value.to_bytes(4, "big") for value in values)
    path.write_bytes(tree + bytes(16) + data + metadata(count, version))
    return path


MUNICH: dict[str, Any] = {
    "continent": {"code": "EU", "names": {"en": "Europe"}},
    "country": {"iso_code": "DE", "names": {"de": "Deutschland", "en": "Germany"}},
    "registered_country": {"iso_code": "US", "names": {"en": "United States"}},
    "subdivisions": [
        {"iso_code": "BY", "names": {"de": "Bayern", "en": "Bavaria"}},
        {"iso_code": "X", "names": {"en": "Upper Bavaria"}},
    ],
    "city": {"geoname_id": number(6, 4, 2867714), "names": {"de": "München", "en": "Munich"}},
}

#: By name: an address and where the file below says that it is.
PLACES = {
    "ipv4": ("192.0.2.7", Place("DE", "Bavaria", "Munich")),
    "ipv6": ("2001:db8::7", Place("FR", None, None)),
    "neighbour": ("192.0.2.6", NOWHERE),
    "registered-only": ("192.0.2.8", Place("US", None, None)),
    "not-in-english": ("192.0.2.9", Place("DE", None, None)),
    "another-layout": ("192.0.2.10", NOWHERE),
    "a-text-for-a-record": ("192.0.2.11", NOWHERE),
    "numbers-for-texts": ("192.0.2.13", NOWHERE),
    "empty": ("192.0.2.12", NOWHERE),
}
RECORDS: dict[str, Any] = {
    "::192.0.2.7": MUNICH,
    "2001:db8::7": {"country": {"iso_code": "FR"}},
    "::192.0.2.8": {"registered_country": {"iso_code": "US"}, "subdivisions": []},
    "::192.0.2.9": {"country": {"iso_code": "DE"}, "city": {"names": {"de": "München"}}, "subdivisions": [{}]},
    "::192.0.2.10": {"country": "DE", "city": number(6, 4, 5), "subdivisions": "Bavaria"},
    "::192.0.2.11": "DE",
    "::192.0.2.13": {"country": {"iso_code": number(6, 4, 49)}, "city": {"names": {"en": []}}},
    "::192.0.2.12": {"country": {"iso_code": ""}, "city": {"names": {"en": ""}}},
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("geo") / "city.mmdb", RECORDS)


@pytest.mark.parametrize(("address", "place"), PLACES.values(), ids=list(PLACES))
def test_an_operators_file(file: Path, address: str, place: Place) -> None:
    geo = Geo(file)
    assert geo.find(ip_address(address)) == place
    geo.close()


def test_ipv6_in_a_file_without(tmp_path: Path) -> None:
    geo = Geo(written(tmp_path / "v4.mmdb", {"192.0.2.7": MUNICH}, version=4))
    assert geo.find(ip_address("192.0.2.7")).city == "Munich"
    assert geo.find(ip_address("2001:db8::7")) == NOWHERE
    geo.close()


def test_a_damaged_record_is_nowhere(tmp_path: Path, file: Path) -> None:
    whole = file.read_bytes()
    damaged = tmp_path / "damaged.mmdb"
    record = whole.index(encoded(MUNICH))
    damaged.write_bytes(whole[:record] + b"\xff" * 40 + whole[record + 40 :])
    geo = Geo(damaged)
    assert geo.find(ip_address("192.0.2.7")) == NOWHERE
    geo.close()


@pytest.mark.parametrize(
    ("address", "country"),
    [("193.0.6.139", "NL"), ("2001:67c:2e8:22::c100:68b", "NL"), ("192.0.2.1", None), ("10.0.0.1", None)],
)
def test_the_built_in_knows_countries(address: str, country: str | None) -> None:
    geo = Geo(None)
    assert geo.find(ip_address(address)) == Place(country, None, None)
    geo.close()


def test_nobody_is_nowhere(file: Path) -> None:
    assert Geo(None).find(None) == Geo(file).find(None) == NOWHERE


@pytest.mark.parametrize("kind", ["missing", "text", "empty", "folder", "cut"])
def test_a_file_that_is_none_stops_the_start(tmp_path: Path, file: Path, kind: str) -> None:
    path = tmp_path / "x.mmdb"
    match kind:
        case "text":
            path.write_text("no database")
        case "empty":
            path.touch()
        case "folder":
            path.mkdir()
        case "cut":
            path.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(errors.StartFailed) as failure:
        Geo(path)
    assert str(path) in failure.value.detail
