"""Tries of passwords on both databases: who has to wait after how many wrong ones, however many workers ask."""

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
import time_machine
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import event, insert, select

from shortener import errors, logs, metrics
from shortener.clicks.retention import Retention
from shortener.domain.password_tries import FORGET_MS, FREE_TRIES, MOST_TRIES
from shortener.services import passwords
from shortener.services.passwords import Attempt, Passwords, hash_password, matches
from shortener.storage import password_tries as rows
from shortener.storage.engine import Database
from shortener.storage.tables import password_try

RIGHT, WRONG = "open sesame", "open barley"
RIGHT_HASH = hash_password(RIGHT)
NOW = datetime(2026, 11, 22, 12, 30, 15, tzinfo=UTC)
NOW_MS = int(NOW.timestamp()) * 1000
LINK = 7


def network(number: int) -> bytes:
    return bytes([10, *divmod(number, 256)])


def stored(database: Database) -> Counter[tuple[int, bytes]]:
    """How many wrong passwords are remembered, by link and network."""
    with database.read() as connection:
        found = connection.execute(select(password_try)).all()
    assert not any(row.is_open for row in found)
    return Counter((row.link_id, bytes(row.network)) for row in found)


def remember(database: Database, tries: int, link_id: int = LINK, *, age_ms: int = 0, first: int = 1000) -> None:
    """Has wrong passwords been tried, each from another network."""
    row = {"link_id": link_id, "at_ms": NOW_MS - age_ms, "is_open": False}
    with database.write() as connection:
        connection.execute(insert(password_try), [{**row, "network": network(first + each)} for each in range(tries)])


class TestRows:
    def test_old_ones_are_forgotten_some_at_a_time(self, database: Database) -> None:
        remember(database, 3, age_ms=FORGET_MS + 1)
        remember(database, 2)
        left = []
        for _ in range(3):
            with database.write() as connection:
                rows.forget(connection, NOW_MS - FORGET_MS, 2)
            left.append(sum(stored(database).values()))
        assert left == [3, 2, 2]

    def test_the_drainer_forgets_them_too(self, database: Database) -> None:
        """So that none stays where nobody tries another."""
        remember(database, 3, age_ms=FORGET_MS + 1)
        with time_machine.travel(NOW, tick=False):
            Retention(database).step()
        assert not stored(database)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Time stands still until a test moves it."""
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


class Comparisons:
    """Stands for what checks a password, and counts how often it is asked."""

    def __init__(self) -> None:
        self.count = 0

    async def matches(self, password: str, _password_hash: str) -> bool:
        self.count += 1
        await asyncio.sleep(0.001)
        return password == RIGHT


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Comparisons:
    """Passwords are compared and not hashed, for what is not about hashing."""
    made = Comparisons()
    monkeypatch.setattr(passwords, "matches", made.matches)
    return made


@pytest.fixture
def statements(database: Database) -> list[str]:
    """What the database has been asked."""
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *about: asked.append(about[2]))
    return asked


Found = bool | BaseException
Worker = Callable[[Passwords], Awaitable[list[Found]]]


def run(database: Database, work: Worker) -> list[Found]:
    """What `work` got done on a worker of its own."""

    async def begin() -> list[Found]:
        return await work(Passwords(database))

    return asyncio.run(begin())


def tries(*passwords: str, of: Callable[[int], bytes] = lambda _: network(0), link_id: int = LINK) -> Worker:
    """One after the other, each from the network with its number."""

    async def work(checking: Passwords) -> list[Found]:
        return [await outcome(checking, password, of(number), link_id) for number, password in enumerate(passwords)]

    return work


async def outcome(checking: Passwords, password: str, of: bytes, link_id: int = LINK) -> Found:
    try:
        return await checking.verify(Attempt(link_id, of), password, RIGHT_HASH)
    except errors.ShortenerError as error:
        return error


def summary(found: list[Found]) -> Counter[object]:
    return Counter(each if isinstance(each, bool) else type(each) for each in found)


def seconds(found: Found) -> int:
    assert isinstance(found, errors.TooManyTries), found
    return found.seconds


@pytest.mark.usefixtures("clock", "compared")
class TestNetwork:
    @pytest.mark.parametrize("of", [network(1), bytes(6), b""], ids=["ipv4", "ipv6", "no-address"])
    def test_one_network_locks_out_nobody_else(self, database: Database, compared: Comparisons, of: bytes) -> None:
        async def work(checking: Passwords) -> list[Found]:
            own = [await outcome(checking, WRONG, of) for _ in range(70)]
            return [*own, await outcome(checking, RIGHT, of), await outcome(checking, RIGHT, network(2))]

        found = run(database, work)
        assert summary(found[:70]) == {False: FREE_TRIES, errors.TooManyTries: 70 - FREE_TRIES}
        assert seconds(found[70]) == 1
        assert found[71] is True
        assert compared.count == FREE_TRIES + 1

    def test_the_wait_doubles_up_to_an_hour(self, database: Database, clock: time_machine.Traveller) -> None:
        async def work(checking: Passwords) -> list[Found]:
            waits: list[Found] = []
            for _ in range(20):
                while isinstance(found := await outcome(checking, WRONG, network(1)), bool):
                    assert not found
                waits.append(found)
                clock.shift(timedelta(seconds=seconds(found)))
            return waits

        waits = [seconds(found) for found in run(database, work)]
        assert waits == [min(2**number, 3600) for number in range(20)]

    def test_a_try_is_forgotten_after_a_day(self, database: Database, clock: time_machine.Traveller) -> None:
        async def work(checking: Passwords) -> list[Found]:
            found = []
            for hours in (0, 0, 0, 0, 23, 0):
                clock.shift(timedelta(hours=hours))
                found.append(await outcome(checking, WRONG, network(1)))
            clock.shift(timedelta(hours=1, seconds=1))
            return [*found, *[await outcome(checking, WRONG, network(1)) for _ in range(5)]]

        found = run(database, work)
        assert summary(found[:6]) == {False: 5, errors.TooManyTries: 1}
        assert summary(found[6:]) == {False: 4, errors.TooManyTries: 1}

    def test_each_link_has_tries_of_its_own(self, database: Database) -> None:
        run(database, tries(*[WRONG] * 12))
        assert run(database, tries(RIGHT, link_id=LINK + 1)) == [True]

    @pytest.mark.parametrize("workers", [1, 4])
    def test_however_many_workers_are_asked_at_once(
        self, database: Database, database_url: str, workers: int, compared: Comparisons
    ) -> None:
        async def work(checking: Passwords) -> list[Found]:
            return await asyncio.gather(*(outcome(checking, WRONG, network(1)) for _ in range(40)))

        def worker(_: int) -> list[Found]:
            with closing(Database(database_url)) as own:
                return run(own, work)

        with ThreadPoolExecutor(workers) as threads:
            found = [each for part in threads.map(worker, range(workers)) for each in part]
        assert summary(found) == {False: FREE_TRIES, errors.TooManyTries: 40 * workers - FREE_TRIES}
        assert compared.count == FREE_TRIES
        assert stored(database) == {(LINK, network(1)): FREE_TRIES}


@pytest.mark.usefixtures("clock", "compared")
class TestLink:
    def test_beyond_its_number_clean_networks_share_one_try_a_minute(
        self, database: Database, clock: time_machine.Traveller, compared: Comparisons
    ) -> None:
        remember(database, MOST_TRIES - 1)

        async def work(checking: Passwords) -> list[Found]:
            found = [await outcome(checking, WRONG, network(each)) for each in range(2)]
            for _ in range(3):
                clock.shift(timedelta(seconds=60))
                found += [await outcome(checking, WRONG, network(10 + len(found) + each)) for each in range(3)]
            return found

        found = run(database, work)
        refused = errors.TooManyTries
        assert [each if isinstance(each, bool) else type(each) for each in found] == [
            *(False, refused),
            *(False, refused, refused) * 3,
        ]
        assert seconds(found[1]) == 60
        assert compared.count == 4

    def test_a_right_password_does_not_use_up_the_one_a_minute(self, database: Database) -> None:
        remember(database, MOST_TRIES, age_ms=60_000)
        assert run(database, tries(*[RIGHT] * 5, WRONG, RIGHT, of=network))[:6] == [True] * 5 + [False]

    def test_networks_with_a_wrong_try_wait_until_it_is_forgotten(
        self, database: Database, clock: time_machine.Traveller
    ) -> None:
        remember(database, MOST_TRIES, age_ms=3_600_000)
        of_one = network(1000)

        async def work(checking: Passwords) -> list[Found]:
            first = await outcome(checking, RIGHT, of_one)
            clock.shift(timedelta(seconds=seconds(first)))
            return [first, await outcome(checking, RIGHT, of_one)]

        found = run(database, work)
        assert seconds(found[0]) == 23 * 3600
        assert found[1] is True

    def test_fewer_than_its_number_stop_nobody(self, database: Database) -> None:
        remember(database, MOST_TRIES, age_ms=FORGET_MS)
        remember(database, MOST_TRIES, LINK + 1)
        remember(database, MOST_TRIES - 1)
        assert run(database, tries(RIGHT)) == [True]

    def test_a_number_of_four_digits_does_not_fall_in_a_day(
        self, database: Database, clock: time_machine.Traveller
    ) -> None:
        """By somebody with as many networks as they like, who tries whenever they need not wait."""

        async def work(checking: Passwords) -> list[Found]:
            found: list[Found] = []
            for hour in range(24):
                found += [await outcome(checking, WRONG, network(each)) for each in range(10)]
                found += [await outcome(checking, WRONG, network(20 + 10 * hour + each)) for each in range(3)]
                clock.shift(timedelta(hours=1))
            return found

        remember(database, MOST_TRIES - 20, first=0)
        assert summary(run(database, work))[False] <= 20 + 24


@pytest.mark.usefixtures("clock", "compared")
class TestRightPassword:
    def test_it_is_never_a_try(self, database: Database) -> None:
        assert run(database, tries(*[RIGHT] * 30)) == [True] * 30
        assert not stored(database)

    @pytest.mark.parametrize("workers", [1, 3])
    def test_neither_are_many_at_once(self, database: Database, database_url: str, workers: int) -> None:
        """Also those of one network with one free try left, by several workers."""
        run(database, tries(*[WRONG] * (FREE_TRIES - 1)))

        async def work(checking: Passwords) -> list[Found]:
            return await asyncio.gather(*(outcome(checking, RIGHT, network(0)) for _ in range(4)))

        def worker(_: int) -> list[Found]:
            with closing(Database(database_url)) as own:
                return run(own, work)

        with ThreadPoolExecutor(workers) as threads:
            found = [each for part in threads.map(worker, range(workers)) for each in part]
        assert found == [True] * 4 * workers

    def test_wrong_ones_before_it_still_count(self, database: Database) -> None:
        found = run(database, tries(*[WRONG, RIGHT] * FREE_TRIES))
        assert found[:-1] == [False, True] * (FREE_TRIES - 1) + [False]
        assert seconds(found[-1]) == 1


@pytest.mark.usefixtures("clock", "compared")
class TestTurns:
    CROWDS: dict[str, Callable[[int], tuple[bytes, int]]] = {
        "one-network-on-one-link": lambda _: (network(1), LINK),
        "many-networks-on-one-link": lambda each: (network(each), LINK),
        "one-network-on-many-links": lambda each: (network(1), LINK + each),
    }
    OTHERS = {"another-link": (network(2000), LINK + 2000), "another-network": (network(2000), LINK)}

    @pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
    @pytest.mark.parametrize("crowd", CROWDS.values(), ids=CROWDS.keys())
    @pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
    def test_a_crowd_locks_nobody_out(
        self,
        database: Database,
        crowd: Callable[[int], tuple[bytes, int]],
        other: tuple[bytes, int],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Among more of them than may wait, someone who comes last has a turn all the same."""
        monkeypatch.setattr(passwords, "MOST_WAITING", 32)
        if crowd(1) != crowd(2) and crowd(1)[1] == other[1]:
            pytest.skip("a crowd of networks on one link shares its turns with each other network there")

        async def work(checking: Passwords) -> list[Found]:
            crowded = [asyncio.create_task(outcome(checking, RIGHT, *crowd(each))) for each in range(70)]
            await asyncio.sleep(0)
            mine = await outcome(checking, RIGHT, *other)
            return [mine, *await asyncio.gather(*crowded)]

        found = run(database, work)
        assert found[0] is True
        assert summary(found[1:])[True] >= 32

    def test_seventy_clients_of_one_link_and_one_of_another(self, database: Database) -> None:
        async def work(checking: Passwords) -> list[Found]:
            crowded = [outcome(checking, RIGHT, network(each)) for each in range(70)]
            return await asyncio.gather(*crowded, outcome(checking, RIGHT, network(99), LINK + 1))

        assert run(database, work) == [True] * 71

    @pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
    def test_links_take_turns(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        order: list[int] = []

        async def noted(checking: Passwords, link_id: int) -> Found:
            found = await outcome(checking, RIGHT, network(1), link_id)
            order.append(link_id)
            return found

        async def work(checking: Passwords) -> list[Found]:
            return await asyncio.gather(*(noted(checking, 1) for _ in range(20)), noted(checking, 2))

        run(database, work)
        assert order.index(2) < 8

    @pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
    def test_who_goes_away_leaves_their_turn_to_others(self, database: Database) -> None:
        async def work(checking: Passwords) -> list[Found]:
            crowded = [asyncio.create_task(outcome(checking, RIGHT, network(1))) for _ in range(10)]
            await asyncio.sleep(0)
            for task in crowded:
                task.cancel()
            await asyncio.wait(crowded)
            return await asyncio.gather(*(outcome(checking, RIGHT, network(2)) for _ in range(3)))

        assert run(database, work) == [True] * 3


@pytest.mark.usefixtures("clock", "compared")
class TestDatabase:
    def test_who_is_known_to_wait_is_not_asked_for_again(
        self, database: Database, statements: list[str], clock: time_machine.Traveller
    ) -> None:
        remember(database, MOST_TRIES, LINK + 1)

        async def work(checking: Passwords) -> list[Found]:
            first = [await outcome(checking, WRONG, network(0)) for _ in range(FREE_TRIES + 1)]
            first.append(await outcome(checking, WRONG, network(0), LINK + 1))
            asked = len(statements)
            found = [await outcome(checking, RIGHT, network(0)) for _ in range(100)]
            found += [await outcome(checking, RIGHT, network(each), LINK + 1) for each in range(100)]
            assert len(statements) == asked
            clock.shift(timedelta(seconds=1))
            return [*first, *found, await outcome(checking, RIGHT, network(0))]

        assert summary(run(database, work)) == {errors.TooManyTries: 202, False: FREE_TRIES, True: 1}

    def test_what_is_known_is_bounded(
        self, database: Database, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(passwords, "_MOST_WAITS", 1)

        async def work(checking: Passwords) -> list[Found]:
            for link_id in (LINK, LINK + 1):
                found = [await outcome(checking, WRONG, network(0), link_id) for _ in range(FREE_TRIES + 2)]
                assert summary(found) == {False: FREE_TRIES, errors.TooManyTries: 2}
                assert [key[0] for key in checking._waits] == [LINK]
            clock.shift(timedelta(seconds=1))
            found = [await outcome(checking, WRONG, network(0), LINK + 1) for _ in range(2)]
            assert {key[0] for key in checking._waits} == {LINK + 1}
            return found

        assert summary(run(database, work)) == {False: 1, errors.TooManyTries: 1}

    def test_a_try_whose_worker_has_died_counts_as_wrong(
        self, database: Database, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(passwords, "_LOOKS", 2)
        with database.write() as connection:
            for _ in range(FREE_TRIES):
                rows.add(connection, LINK, network(0), NOW_MS)

        async def work(checking: Passwords) -> list[Found]:
            found = [await outcome(checking, RIGHT, network(0)), await outcome(checking, RIGHT, network(1))]
            clock.shift(timedelta(seconds=11))
            return [*found, await outcome(checking, WRONG, network(0)), await outcome(checking, RIGHT, network(0))]

        found = run(database, work)
        assert [seconds(found[0]), *found[1:3], seconds(found[3])] == [1, True, False, 2]

    def test_without_it_nobody_comes_in(self, compared: Comparisons) -> None:
        with closing(Database("postgresql://nobody@127.0.0.1:1/nothing")) as away:
            assert summary(run(away, tries(RIGHT))) == {errors.DatabaseUnavailable: 1}
        assert compared.count == 0


@pytest.mark.usefixtures("clock", "compared")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
class TestSeen:
    def test_a_metric_counts_outcomes(self, database: Database) -> None:
        def counted() -> list[float]:
            outcomes = ("right", "wrong", "refused")
            return [metrics.PASSWORD_TRIES.labels(each)._value.get() for each in outcomes]

        before = counted()
        run(database, tries(RIGHT, *[WRONG] * (FREE_TRIES + 3)))
        assert [after - first for after, first in zip(counted(), before, strict=True)] == [1, FREE_TRIES, 3]

    def test_a_line_in_the_log_names_link_and_network(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(passwords, "log", logs.Bounded())
        with structlog.testing.capture_logs() as lines:
            run(database, tries(*[WRONG] * (FREE_TRIES + 30), of=lambda _: bytes([203, 0, 113])))
        (line,) = lines
        assert (line["link_id"], line["network"], line["seconds"]) == (LINK, "203.0.113.0/24", 1)
        assert line["link_is_limited"] is False

    def test_its_lines_are_bounded(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(passwords, "log", logs.Bounded())
        remember(database, MOST_TRIES)

        async def work(checking: Passwords) -> list[Found]:
            found = []
            for each in range(40):
                checking._waits.clear()
                found.append(await outcome(checking, WRONG, network(each)))
            return found

        with structlog.testing.capture_logs() as lines:
            run(database, work)
        assert 1 <= len(lines) <= 3 * logs.LINES_A_SECOND


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
            first = await asyncio.gather(*(outcome(checking, RIGHT, network(1), link_id) for link_id in range(8)))
            return [*first, await outcome(checking, RIGHT, network(1))]

        assert summary(run(database, work)) == {True: 6, errors.TooManyTries: 3}

    def test_it_may_be_used_on_a_second_event_loop(self, database: Database) -> None:
        async def crowd() -> list[bool | BaseException]:
            return await asyncio.gather(*(outcome(checking, RIGHT, network(each), each) for each in range(6)))

        checking = Passwords(database)
        assert [asyncio.run(crowd()), asyncio.run(crowd())] == [[True] * 6] * 2
