"""Tries of passwords on both databases: so many a minute and not one more, however many workers ask."""

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import event, select

from shortener import errors
from shortener.services import passwords
from shortener.services.passwords import MOST_TRIES, MOST_TRIES_OF_NETWORK, Attempt, Passwords, hash_password, matches
from shortener.storage import password_tries as rows
from shortener.storage.engine import Database
from shortener.storage.tables import password_try

RIGHT, WRONG = "open sesame", "open barley"
RIGHT_HASH = hash_password(RIGHT)
NOW = datetime(2026, 11, 22, 12, 30, 15, tzinfo=UTC)
MINUTE = int(NOW.timestamp()) // 60
LINK = 7


def network(number: int) -> bytes:
    return bytes([10, *divmod(number, 256)])


def take(database: Database, minute: int = MINUTE, link_id: int = LINK, of: bytes = b"", most: int = 3) -> int | None:
    with database.write() as connection:
        return rows.take(connection, minute, link_id, of, most)


def stored(database: Database) -> dict[tuple[int, int, bytes], int]:
    with database.read() as connection:
        return {
            (row.minute, row.link_id, bytes(row.network)): row.tries
            for row in connection.execute(select(password_try))
        }


class TestRows:
    def test_a_bucket_holds_so_many(self, database: Database) -> None:
        assert [take(database) for _ in range(5)] == [1, 2, 3, None, None]
        assert stored(database) == {(MINUTE, LINK, b""): 3}

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param({"minute": MINUTE + 1}, id="minute"),
            pytest.param({"link_id": LINK + 1}, id="link"),
            pytest.param({"of": network(1)}, id="network"),
        ],
    )
    def test_each_has_a_bucket_of_its_own(self, database: Database, other: dict[str, Any]) -> None:
        assert take(database, most=1) == 1
        assert take(database, most=1) is None
        assert take(database, most=1, **other) == 1

    def test_however_many_ask_at_once(self, database: Database) -> None:
        with ThreadPoolExecutor(8) as threads:
            taken = list(threads.map(lambda _: take(database, most=10), range(60)))
        assert sorted(tries for tries in taken if tries) == list(range(1, 11))

    def test_what_is_given_back_can_be_taken_again(self, database: Database) -> None:
        for _ in range(3):
            take(database)
        with database.write() as connection:
            rows.give_back(connection, MINUTE, LINK, b"")
            rows.give_back(connection, MINUTE, LINK + 1, b"")
        assert [take(database), take(database)] == [3, None]

    def test_no_bucket_holds_less_than_nothing(self, database: Database) -> None:
        take(database)
        with database.write() as connection:
            for _ in range(3):
                rows.give_back(connection, MINUTE, LINK, b"")
        assert stored(database) == {(MINUTE, LINK, b""): 0}

    def test_old_buckets_are_forgotten_some_at_a_time(self, database: Database) -> None:
        for minute in range(MINUTE - 4, MINUTE + 1):
            take(database, minute=minute)
        left = []
        for _ in range(3):
            with database.write() as connection:
                rows.forget(connection, MINUTE - 1, 2)
            left.append(len(stored(database)))
        assert left == [3, 2, 2]
        assert {minute for minute, _, _ in stored(database)} == {MINUTE - 1, MINUTE}


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Time stands still, so that no test is cut in two by the end of a minute."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


class Hashes:
    """Counts what argon2 is asked for, and how much of it at once."""

    def __init__(self) -> None:
        self.count = self.most_at_once = self._now = 0
        self._lock = threading.Lock()

    def around(self, computed: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            with self._lock:
                self.count += 1
                self._now += 1
                self.most_at_once = max(self.most_at_once, self._now)
            try:
                return computed(*arguments, **options)
            finally:
                with self._lock:
                    self._now -= 1

        return counted


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> Hashes:
    counting = Hashes()
    for name in ("hash", "verify"):
        monkeypatch.setattr(Argon2Hasher, name, counting.around(getattr(Argon2Hasher, name)))
    return counting


@pytest.fixture
def statements(database: Database) -> list[str]:
    """What the database has been asked."""
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *about: asked.append(about[2]))
    return asked


Worker = Callable[[Passwords], Awaitable[list[bool | BaseException]]]


def run(database: Database, work: Worker) -> list[bool | BaseException]:
    """What `work` got done on a worker of its own."""

    async def begin() -> list[bool | BaseException]:
        return await work(Passwords(database))

    return asyncio.run(begin())


def tries(*passwords: str, of: Callable[[int], bytes] = lambda _: network(0), link_id: int = LINK) -> Worker:
    """One after the other, each from the network with its number."""

    async def work(checking: Passwords) -> list[bool | BaseException]:
        return [await outcome(checking, password, of(number), link_id) for number, password in enumerate(passwords)]

    return work


async def outcome(checking: Passwords, password: str, of: bytes, link_id: int = LINK) -> bool | BaseException:
    try:
        return await checking.verify(Attempt(link_id, of), password, RIGHT_HASH)
    except errors.ShortenerError as error:
        return error


def summary(found: list[bool | BaseException]) -> Counter[object]:
    return Counter(each if isinstance(each, bool) else type(each) for each in found)


@pytest.mark.usefixtures("clock")
class TestLimit:
    @pytest.mark.parametrize("workers", [1, 4])
    def test_a_thousand_wrong_tries(
        self, database: Database, database_url: str, workers: int, hashes: Hashes
    ) -> None:
        share = 1000 // workers

        def worker(number: int) -> list[bool | BaseException]:
            with closing(Database(database_url)) as own:
                return run(own, tries(*[WRONG] * share, of=lambda each: network(number * share + each)))

        with ThreadPoolExecutor(workers) as threads:
            found = [each for part in threads.map(worker, range(workers)) for each in part]
        assert summary(found) == {False: MOST_TRIES, errors.TooManyTries: 1000 - MOST_TRIES}
        assert hashes.count == MOST_TRIES
        assert stored(database)[MINUTE, LINK, b""] == MOST_TRIES

    def test_all_at_once(self, database: Database, hashes: Hashes) -> None:
        async def work(checking: Passwords) -> list[bool | BaseException]:
            return await asyncio.gather(*(outcome(checking, WRONG, network(each)) for each in range(1000)))

        assert summary(run(database, work)) == {False: MOST_TRIES, errors.TooManyTries: 1000 - MOST_TRIES}
        assert hashes.count == MOST_TRIES

    @pytest.mark.parametrize("of", [network(1), bytes(6), b""], ids=["ipv4", "ipv6", "no-address"])
    def test_one_network_cannot_use_up_all(self, database: Database, of: bytes) -> None:
        async def work(checking: Passwords) -> list[bool | BaseException]:
            own = [await outcome(checking, WRONG, of) for _ in range(8)]
            return [*own, await outcome(checking, RIGHT, network(2))]

        found = run(database, work)
        assert [type(each) for each in found[:8]] == [bool] * MOST_TRIES_OF_NETWORK + [errors.TooManyTries] * 3
        assert found[8] is True

    def test_a_refused_try_uses_up_nothing(self, database: Database) -> None:
        run(database, tries(*[WRONG] * 9))
        assert stored(database) == {
            (MINUTE, LINK, b""): MOST_TRIES_OF_NETWORK,
            (MINUTE, LINK, network(0)): MOST_TRIES_OF_NETWORK,
        }

    def test_each_link_has_its_own(self, database: Database) -> None:
        run(database, tries(*[WRONG] * 12, of=network))
        assert run(database, tries(RIGHT, link_id=LINK + 1)) == [True]

    def test_the_next_minute_is_a_new_one(self, database: Database, clock: time_machine.Traveller) -> None:
        async def work(checking: Passwords) -> list[bool | BaseException]:
            first = [await outcome(checking, WRONG, network(each)) for each in range(12)]
            clock.shift(timedelta(seconds=passwords.seconds_to_wait() - 1))
            last = [await outcome(checking, RIGHT, network(99))]
            clock.shift(timedelta(seconds=1))
            return [*first, *last, await outcome(checking, RIGHT, network(99))]

        assert summary(run(database, work)) == {False: 10, errors.TooManyTries: 3, True: 1}

    @pytest.mark.parametrize(
        ("moment", "seconds"),
        [
            pytest.param(NOW.replace(second=0), 60, id="begin"),
            pytest.param(NOW.replace(second=15), 45, id="within"),
            pytest.param(NOW.replace(second=59, microsecond=999_999), 1, id="end"),
        ],
    )
    def test_seconds_to_wait(self, moment: datetime, seconds: int, clock: time_machine.Traveller) -> None:
        clock.move_to(moment)
        assert passwords.seconds_to_wait() == seconds


@pytest.mark.usefixtures("clock")
class TestRightPassword:
    def test_it_uses_up_nothing(self, database: Database) -> None:
        found = run(database, tries(*[RIGHT] * 30))
        assert found == [True] * 30
        assert set(stored(database).values()) == {0}

    def test_neither_do_many_at_once(self, database: Database) -> None:
        async def work(checking: Passwords) -> list[bool | BaseException]:
            return await asyncio.gather(*(outcome(checking, RIGHT, network(1)) for _ in range(50)))

        assert run(database, work) == [True] * 50

    def test_the_last_try_is_there_again_once_it_has_been_given_back(self, database: Database) -> None:
        async def work(checking: Passwords) -> list[bool | BaseException]:
            await asyncio.gather(*(outcome(checking, WRONG, network(each)) for each in range(MOST_TRIES - 1)))
            # Two want the last one: the second may find it taken, though not for long.
            await asyncio.gather(*(outcome(checking, RIGHT, network(99)) for _ in range(2)))
            return [await outcome(checking, RIGHT, network(99))]

        assert run(database, work) == [True]

    def test_wrong_ones_stay_used_up(self, database: Database) -> None:
        found = run(database, tries(*[WRONG, RIGHT] * 5, RIGHT))
        assert found == [False, True] * 4 + [False] + [*found[9:]]
        assert [type(each) for each in found[9:]] == [errors.TooManyTries] * 2


@pytest.mark.usefixtures("clock")
class TestDatabase:
    def test_what_is_known_to_be_full_is_not_asked_for_again(
        self, database: Database, statements: list[str], clock: time_machine.Traveller
    ) -> None:
        async def work(checking: Passwords) -> list[bool | BaseException]:
            await fill(checking)
            asked = len(statements)
            found = [await outcome(checking, WRONG, network(each)) for each in range(100)]
            assert len(statements) == asked
            clock.shift(timedelta(minutes=1))
            return [*found, await outcome(checking, WRONG, network(0))]

        assert summary(run(database, work)) == {errors.TooManyTries: 100, False: 1}

    def test_what_is_known_is_bounded_and_forgotten(
        self,
        database: Database,
        statements: list[str],
        clock: time_machine.Traveller,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(passwords, "_FULL_KEPT", 1)

        async def work(checking: Passwords) -> list[bool | BaseException]:
            await fill(checking)
            await fill(checking, LINK + 1)
            asked = len(statements)
            refused = [await outcome(checking, WRONG, network(0), LINK + 1)]
            assert len(statements) > asked
            clock.shift(timedelta(minutes=1))
            await fill(checking, LINK + 1)
            asked = len(statements)
            refused.append(await outcome(checking, WRONG, network(0), LINK + 1))
            assert len(statements) == asked
            return refused

        assert summary(run(database, work)) == {errors.TooManyTries: 2}

    def test_old_minutes_are_forgotten_by_who_begins_a_new_one(
        self, database: Database, clock: time_machine.Traveller
    ) -> None:
        run(database, tries(*[WRONG] * 3, of=network))
        # Kept for a while: a node whose clock is behind must not find its minute empty.
        clock.shift(timedelta(minutes=5))
        run(database, tries(WRONG))
        assert {minute for minute, _, _ in stored(database)} == {MINUTE, MINUTE + 5}
        clock.shift(timedelta(minutes=1))
        run(database, tries(WRONG))
        assert {minute for minute, _, _ in stored(database)} == {MINUTE + 5, MINUTE + 6}

    def test_without_it_nobody_comes_in(self, hashes: Hashes) -> None:
        with closing(Database("postgresql://nobody@127.0.0.1:1/nothing")) as away:
            assert summary(run(away, tries(RIGHT))) == {errors.DatabaseUnavailable: 1}
        assert hashes.count == 0


async def fill(checking: Passwords, link_id: int = LINK) -> None:
    """Uses up every try on a link, and one more."""
    found = [await outcome(checking, WRONG, network(each), link_id) for each in range(MOST_TRIES + 1)]
    assert summary(found) == {False: MOST_TRIES, errors.TooManyTries: 1}


class TestHashing:
    """Asks no database."""

    def test_how_it_is_hashed(self) -> None:
        first, second = hash_password(RIGHT), hash_password(RIGHT)
        assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert first != second

    @pytest.mark.parametrize(
        ("tried", "is_right"),
        [
            pytest.param("Caf\u00e9 noir", True, id="composed"),
            pytest.param("Cafe\u0301 noir", True, id="decomposed"),
            pytest.param("caf\u00e9 noir", False, id="other-case"),
            pytest.param("Caf\u00e9 noir ", False, id="space-behind"),
        ],
    )
    def test_what_matches(self, tried: str, is_right: bool) -> None:
        assert asyncio.run(matches(tried, hash_password("Caf\u00e9 noir"))) is is_right

    @pytest.mark.parametrize("tried", ["", "abc", "x" * 257, "x" * 2**20, "open\nsesame", "\udcff" * 9])
    def test_what_can_be_no_password_is_not_hashed(self, tried: str, hashes: Hashes) -> None:
        assert asyncio.run(matches(tried, RIGHT_HASH)) is False
        assert hashes.count == 0

    def test_two_at_a_time_whoever_asks(self, hashes: Hashes) -> None:
        async def both() -> None:
            made = [asyncio.to_thread(hash_password, RIGHT) for _ in range(6)]
            checked = [matches(RIGHT, RIGHT_HASH) for _ in range(6)]
            await asyncio.gather(*made, *checked)

        asyncio.run(both())
        assert (hashes.count, hashes.most_at_once) == (12, passwords.MOST_AT_ONCE)

    @pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
    def test_those_who_wait_are_bounded(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(passwords, "MOST_WAITING", 3)

        async def work(checking: Passwords) -> list[bool | BaseException]:
            crowd = (outcome(checking, RIGHT, network(1), link_id) for link_id in range(8))
            first = await asyncio.gather(*crowd)
            return [*first, await outcome(checking, RIGHT, network(1))]

        assert summary(run(database, work)) == {True: 4, errors.TooManyTries: 5}

    def test_it_may_be_used_on_a_second_event_loop(self, database: Database) -> None:
        async def crowd() -> list[bool | BaseException]:
            return await asyncio.gather(*(outcome(checking, RIGHT, network(each), each) for each in range(6)))

        checking = Passwords(database)
        assert [asyncio.run(crowd()), asyncio.run(crowd())] == [[True] * 6] * 2
