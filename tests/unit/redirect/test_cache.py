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
