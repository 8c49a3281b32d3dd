"""The cache: what it keeps, what it lets go, and under which keys."""

from collections.abc import Iterator

import pytest

from shortener.redirect import cache
from shortener.redirect.cache import Cache
from tests.unit.redirect.test_answer import LIVE


@pytest.fixture
def entries() -> Cache:
    return Cache(size=3)


def put(entries: Cache, *codes: str) -> None:
    for code in codes:
        entries.put(cache.key("", code), LIVE)


@pytest.mark.parametrize(
    ("domain", "code", "key"),
    [
        ("", "sale", b"/sale"),
        ("", "A-b_9", b"/A-b_9"),
        ("go.example", "sale", b"go.example/sale"),
        # As browsers send it; the same bytes unquoted are no path of ASCII letters and must not be a key.
        ("", "grün", b"/gr%C3%BCn"),
        ("", "日本", b"/%E6%97%A5%E6%9C%AC"),
    ],
)
def test_a_key_is_the_path_of_the_short_url(domain: str, code: str, key: bytes) -> None:
    assert cache.key(domain, code) == key


def test_what_was_put_is_found(entries: Cache) -> None:
    put(entries, "sale")
    assert entries.get(b"/sale") is LIVE
    assert b"/sale" in entries
    assert entries.get(b"/other") is None


def test_the_least_recently_asked_for_goes_first(entries: Cache) -> None:
    put(entries, "a", "b", "c")
    assert entries.get(b"/a") is LIVE
    put(entries, "d")
    assert [entries.get(key) for key in (b"/a", b"/b", b"/c", b"/d")] == [LIVE, None, LIVE, LIVE]
    assert len(entries) == 3


def test_missing_codes_push_nothing_out(entries: Cache) -> None:
    put(entries, "a")
    for number in range(cache.MISSING_SIZE + 10):
        entries.put(cache.key("", f"x{number}"), None)
    assert entries.get(b"/a") is LIVE
    assert len(entries) == 1


@pytest.fixture
def is_missing(entries: Cache) -> Iterator[None]:
    entries.put(b"/sale", None)
    assert entries.is_missing(b"/sale")
    yield
    assert not entries.is_missing(b"/sale")


@pytest.mark.usefixtures("is_missing")
class TestACodeIsNoLongerMissing:
    def test_when_it_is_put(self, entries: Cache) -> None:
        entries.put(b"/sale", LIVE)
        assert entries.get(b"/sale") is LIVE

    def test_when_it_is_evicted(self, entries: Cache) -> None:
        entries.evict(b"/sale")

    def test_when_everything_is(self, entries: Cache) -> None:
        entries.clear()


def test_a_link_that_is_gone_is_missing(entries: Cache) -> None:
    put(entries, "sale")
    entries.put(b"/sale", None)
    assert entries.get(b"/sale") is None
    assert entries.is_missing(b"/sale")


def test_evicting(entries: Cache) -> None:
    put(entries, "a", "b")
    entries.evict(b"/a")
    entries.evict(b"/a")
    assert [entries.get(key) for key in (b"/a", b"/b")] == [None, LIVE]
    entries.clear()
    assert len(entries) == 0


def test_a_code_is_missing_for_less_than_a_second() -> None:
    assert cache.MISSING_SECONDS < 1


KIB = 1024
#: By name: how many links and bytes a cache may keep, the sizes of links as they come, and which are kept in the end.
BOUNDS = {
    "few-large-ones-are-within": (10, 100 * KIB, [30 * KIB] * 3, [0, 1, 2]),
    "many-small-ones-are-bounded-by-count": (3, 100 * KIB, [100] * 5, [2, 3, 4]),
    "large-ones-are-bounded-by-bytes": (10, 100 * KIB, [30 * KIB] * 5, [2, 3, 4]),
    "a-large-one-pushes-out-small-ones": (10, 100 * KIB, [100] * 9 + [60 * KIB], [6, 7, 8, 9]),
    "one-that-is-larger-than-all-is-not-kept": (10, 100 * KIB, [100, 101 * KIB], [0]),
}


@pytest.mark.parametrize(("size", "most_bytes", "sizes", "kept"), BOUNDS.values(), ids=list(BOUNDS))
def test_the_cache_is_bounded_by_count_and_bytes(
    size: int, most_bytes: int, sizes: list[int], kept: list[int]
) -> None:
    entries = Cache(size, most_bytes)
    for number, length in enumerate(sizes):
        entries.put(cache.key("", str(number)), b"x" * length)
    found = [number for number in range(len(sizes)) if cache.key("", str(number)) in entries]
    assert found == kept
    assert sum(sizes[number] for number in found) <= most_bytes
    assert len(found) <= size


def test_a_link_that_has_grown_too_large_is_forgotten_as_it_was() -> None:
    entries = Cache(10, 100 * KIB)
    entries.put(b"/sale", b"x")
    entries.put(b"/sale", b"x" * 101 * KIB)
    assert entries.get(b"/sale") is None
    assert not entries.is_missing(b"/sale")


def test_replacing_a_link_counts_it_once() -> None:
    entries = Cache(10, 100 * KIB)
    entries.put(b"/other", b"x")
    for _ in range(10):
        entries.put(b"/sale", b"x" * 40 * KIB)
    entries.evict(b"/sale")
    entries.put(b"/large", b"x" * 80 * KIB)
    assert entries.get(b"/other") == b"x"
