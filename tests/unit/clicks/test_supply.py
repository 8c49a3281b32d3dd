"""The supply of segments: two that are made at once do not take the same room."""

from pathlib import Path

from shortener.clicks import supply
from shortener.clicks.room import Room
from shortener.clicks.supply import Supply

SIZE = supply.SMALL_SIZE


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_what_is_begun_takes_room(tmp_path: Path) -> None:
    supplied = Supply(tmp_path, bytes(16), Room(most_bytes=2 * SIZE + 65_536, least_free_bytes=0))
    first = supplied.take()
    assert first is not None
    supplied.prepare()
    assert supplied.is_preparing
    # There is room for one more, which has been begun and is no larger than its header.
    assert supplied.take() is None
    assert supplied.fault == "the spool is full: 1 MiB of at most 2 MiB are used"
    while supplied.is_preparing:
        supplied.prepare()
    second = supplied.take()
    assert second is not None
    assert supplied.fault is None
    assert size_of(tmp_path) == 2 * SIZE
    for each in (first, second):
        each.close()
    supplied.close()
