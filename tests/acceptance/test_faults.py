"""A spool that cannot be written, a database that is locked, frozen or gone: redirects go on, counting resumes."""

import os
import resource
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from shortener.storage.engine import sqlite_module
from tests.acceptance.visitors import (
    Answer,
    Visitor,
    clicks,
    create,
    metrics,
    page,
    port_of,
    visit,
    visitor_of_every_worker,
    wait_until_drained,
)
from tests.cli.process import Serving, eventually, served
from tests.conftest import ADMIN_KEY, FIREFOX
from tests.postgres import Postgres

MEBIBYTE = 2**20
#: Seconds that no visit may take, whatever is the matter; the faults last longer.
PROMPT = 1.0
#: Seconds within which all is well again, on a busy machine where coverage makes the drainer four times slower.
SOON = 60.0
NEW = "https://example.com/new"


class Regular:
    """Someone who follows one link again and again, and finds it every time, at once."""

    def __init__(self, port: int, code: str) -> None:
        self._port, self._code = port, code
        self._leave = threading.Event()
        self._failure: BaseException | None = None
        self.answered = 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Regular":
        self._thread.start()
        self.comes_again(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._leave.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def comes_again(self, times: int) -> None:
        """Waits until there have been so many more visits."""
        wanted = self.answered + times
        eventually(lambda: self.answered >= wanted or self._failure is not None)

    def _run(self) -> None:
        try:
            with Visitor(self._port) as visitor:
                # A hundred a second: others need the machine, too.
                while not self._leave.wait(0.01):
                    began = time.monotonic()
                    answer = visitor.visit(self._code)
                    took = time.monotonic() - began
                    assert answer.status == 302, answer
                    assert took < PROMPT, f"a visit took {took:.1f} seconds"
                    self.answered += 1
        except BaseException as error:
            self._failure = error


def readiness(serving: Serving) -> dict[str, str]:
    """What /readyz says of everything, which has to agree with its status."""
    answer = page(serving, "readyz")
    checks: dict[str, str] = answer.json()["checks"]
    assert (answer.status == 200) == (set(checks.values()) == {"ok"})
    return checks


def is_well(serving: Serving) -> bool:
    return set(readiness(serving).values()) == {"ok"}


def has_opened_a_segment(serving: Serving) -> bool:
    """Whether there is a drainer that reads what the worker writes."""
    drainer = serving.children.get("drainer")
    if drainer is None:
        return False
    for entry in Path(f"/proc/{drainer}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            if os.readlink(entry).endswith(".seg"):
                return True
    return False


def dropped(serving: Serving) -> int:
    return int(metrics(serving)["shortener_clicks_dropped_total"])


class TestSpool:
    """Of one worker on SQLite."""

    @pytest.fixture
    def serving(self, tmp_path: Path) -> Iterator[Serving]:
        # The smallest spool that may be set.
        with served(tmp_path, SHORTENER_ADMIN_KEY=ADMIN_KEY, SHORTENER_SPOOL_MAX_BYTES=str(64 * MEBIBYTE)) as running:
            create(running, "known")
            # What happens to files that no drainer has opened yet is another story.
            eventually(lambda: has_opened_a_segment(running))
            yield running
            assert running.stop() == 0

    @pytest.fixture
    def spool(self, tmp_path: Path) -> Path:
        return tmp_path / "data" / "spool"

    def all_counted(self, serving: Serving, spool: Path, answered: int) -> None:
        """What was answered is dropped, which the metrics say, or counted; and something was dropped."""
        told = ("shortener_clicks_spooled_total", "shortener_clicks_dropped_total")
        eventually(lambda: sum(metrics(serving)[name] for name in told) == answered)
        wait_until_drained(f"sqlite:///{spool.parent / 'shortener.db'}", spool, within=SOON)
        lost = dropped(serving)
        eventually(lambda: clicks(serving, "known") >= answered - lost, within=SOON)
        assert clicks(serving, "known") == answered - lost
        assert lost > 0

    def test_a_disk_that_takes_no_more(self, serving: Serving, spool: Path) -> None:
        worker = serving.children["worker-1"]
        before = resource.prlimit(worker, resource.RLIMIT_FSIZE)
        with Regular(port_of(serving), "known") as regular:
            # Only the head of a segment lies below that.
            resource.prlimit(worker, resource.RLIMIT_FSIZE, (100, before[1]))
            eventually(lambda: dropped(serving) >= 20)
            assert readiness(serving)["spool"].startswith("Clicks cannot be recorded: ")
            resource.prlimit(worker, resource.RLIMIT_FSIZE, before)
            eventually(lambda: is_well(serving), within=SOON)
            regular.comes_again(50)
        self.all_counted(serving, spool, regular.answered)

    def test_a_folder_that_cannot_be_written(self, serving: Serving, spool: Path) -> None:
        """There is a file in its place: that keeps out root, too."""
        with Regular(port_of(serving), "known") as regular:
            spool.rename(spool.with_name("elsewhere"))
            spool.touch()
            eventually(lambda: dropped(serving) >= 20)
            assert readiness(serving)["spool"].startswith("Clicks cannot be recorded: ")
            spool.unlink()
            eventually(lambda: is_well(serving), within=SOON)
            regular.comes_again(50)
        self.all_counted(serving, spool, regular.answered)

    @pytest.mark.parametrize(
        "how", [shutil.rmtree, lambda spool: spool.rename(spool.with_name("gone"))], ids=["removed", "moved"]
    )
    def test_a_folder_that_is_gone(self, serving: Serving, spool: Path, how: Callable[[Path], object]) -> None:
        """It is made again, and what was in it is counted: both processes have it open."""
        with Regular(port_of(serving), "known") as regular:
            how(spool)
            eventually(lambda: any(spool.glob("*.seg")), within=SOON)
            eventually(lambda: is_well(serving), within=SOON)
            regular.comes_again(50)
        wait_until_drained(f"sqlite:///{spool.parent / 'shortener.db'}", spool)
        eventually(lambda: clicks(serving, "known") >= regular.answered - dropped(serving), within=SOON)
        assert clicks(serving, "known") == regular.answered - dropped(serving)

    def test_a_spool_that_is_full(self, serving: Serving, spool: Path) -> None:
        """Because its drainer stands still. Visits to unknown codes are not recorded long before that."""
        drainer = serving.children["drainer"]
        # What the operator has put there takes room as well; without it this would take a minute.
        with (spool / "ballast").open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, 45 * MEBIBYTE)
        answered = 0
        os.kill(drainer, signal.SIGSTOP)
        try:
            with Visitor(port_of(serving)) as visitor:
                while "the spool is full" not in readiness(serving)["spool"]:
                    answered += visit_at_length(visitor, 500)
                before = metrics(serving)
                visitor.say(visit("nobodys") * 20)
                assert {visitor.hear().status for _ in range(20)} == {404}
                eventually(lambda: metrics(serving)[_UNRECORDED] == before[_UNRECORDED] + 20)
        finally:
            os.kill(drainer, signal.SIGCONT)
        eventually(lambda: is_well(serving), within=SOON)
        with Visitor(port_of(serving)) as visitor:
            answered += visit_at_length(visitor, 50)
        self.all_counted(serving, spool, answered)


_UNRECORDED = "shortener_orphans_unrecorded_total"


def visit_at_length(visitor: Visitor, times: int) -> int:
    """Visits by which much is recorded; how many there were."""
    query = "&".join(f"utm_{name}={name * 30}" for name in ("source", "medium", "campaign", "term", "content"))
    raw = f"GET /known?{query} HTTP/1.1\r\nHost: a\r\nUser-Agent: {FIREFOX}{' and more' * 40}\r\n\r\n".encode()
    visitor.say(raw * times)
    assert {visitor.hear().status for _ in range(times)} == {302}
    return times


class TestSQLite:
    """Locked by another process, as by a backup or a person with a shell."""

    @pytest.fixture
    def serving(self, tmp_path: Path) -> Iterator[Serving]:
        with served(tmp_path, "--port", "0", "--workers", "2", SHORTENER_ADMIN_KEY=ADMIN_KEY) as running:
            for number in range(20):
                create(running, f"known{number}")
            yield running
            assert running.stop() == 0

    @contextmanager
    def locked(self, tmp_path: Path, how: str) -> Iterator[None]:
        path = tmp_path / "data" / "shortener.db"
        with closing(sqlite_module().connect(path, timeout=SOON, isolation_level=None)) as other:
            other.execute(f"BEGIN {how}")
            yield
            other.execute("ROLLBACK")

    def test_for_longer_than_anybody_waits(self, serving: Serving, tmp_path: Path) -> None:
        port = port_of(serving)
        with ThreadPoolExecutor(2) as callers, Regular(port, "known0") as regular:
            with self.locked(tmp_path, "IMMEDIATE"):
                assert first_visits(port) == {302}
                refused = callers.submit(self.create, port, "refused").result()
                assert refused.status == 503
                assert b"\r\nretry-after: " in refused.head
                eventually(lambda: readiness(serving)["drainer"].startswith("Clicks cannot be counted: "))
                waiting = callers.submit(self.create, port, "waiting")
                regular.comes_again(50)
            assert waiting.result().status == 201
            eventually(lambda: is_well(serving), within=SOON)
        self.all_counted(serving, tmp_path, regular.answered)

    def test_outright(self, serving: Serving, tmp_path: Path) -> None:
        """Nobody but its holder could read a database without a WAL."""
        with Regular(port_of(serving), "known0") as regular:
            with self.locked(tmp_path, "EXCLUSIVE"):
                regular.comes_again(100)
                assert first_visits(port_of(serving)) == {302}
                with Visitor(port_of(serving)) as caller:
                    assert caller.call("GET", "/links/known0").status == 200
            eventually(lambda: clicks(serving, "known1") == 1, within=SOON)
        self.all_counted(serving, tmp_path, regular.answered)

    def create(self, port: int, code: str) -> Answer:
        with Visitor(port) as caller:
            return caller.call("POST", "/links", {"target": "https://example.com/", "code": code})

    def all_counted(self, serving: Serving, folder: Path, answered: int) -> None:
        wait_until_drained(f"sqlite:///{folder / 'data' / 'shortener.db'}", folder / "data" / "spool")
        assert clicks(serving, "known0") == answered
        assert [clicks(serving, f"known{number}") for number in range(1, 20)] == [1] * 19
        assert dropped(serving) == 0


def first_visits(port: int) -> set[int]:
    """The statuses that links get which nobody has asked for yet."""
    with Visitor(port) as visitor:
        return {visitor.visit(f"known{number}").status for number in range(1, 20)}


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """One that may be stopped: nobody else uses it."""
    server = Postgres(durable=True)
    yield server
    server.stop()


class TestPostgreSQL:
    """Gone, or silent, below two workers."""

    @pytest.fixture
    def url(self, own_postgres: Postgres) -> str:
        return own_postgres.url(own_postgres.create())

    @pytest.fixture
    def serving(self, tmp_path: Path, url: str) -> Iterator[Serving]:
        settings = {"SHORTENER_ADMIN_KEY": ADMIN_KEY, "SHORTENER_DATABASE_URL": url}
        with served(tmp_path, "--port", "0", "--workers", "2", **settings) as running:
            create(running, "known")
            create(running, "other")
            yield running
            assert running.stop() == 0

    def test_stopped_and_started(self, serving: Serving, own_postgres: Postgres, tmp_path: Path, url: str) -> None:
        with ExitStack() as stack:
            visitors = stack.enter_context(visitor_of_every_worker(serving)).values()
            answered = Counter(visitor.visit("known").status for visitor in visitors)
            own_postgres.halt()
            try:
                for _ in range(200):
                    answered.update(visitor.visit("known").status for visitor in visitors)
                for visitor in visitors:
                    refused = visitor.visit("other")
                    assert refused.status == 503
                    assert b"\r\nretry-after: " in refused.head
                assert readiness(serving)["database"] != "ok"
                # The drainer has tried by now and says so, too.
                eventually(lambda: self._all_answer(visitors, answered) and readiness(serving)["drainer"] != "ok")
            finally:
                own_postgres.start()
            began = time.monotonic()
            eventually(lambda: self._all_answer(visitors, answered) and is_well(serving), within=SOON)
            with Visitor(port_of(serving)) as editor:
                assert editor.call("PATCH", "/links/known", {"target": NEW}).status == 200
            edited = self._until_all_lead_to(NEW, visitors, answered)
            assert {visitor.visit("other").status for visitor in visitors} == {302}
        assert answered.keys() == {302}
        wait_until_drained(url, tmp_path / "data" / "spool")
        assert (clicks(serving, "known"), clicks(serving, "other")) == (answered[302], 2)
        assert edited < 5.0
        assert time.monotonic() - began < SOON

    def _all_answer(self, visitors: Iterable[Visitor], answered: Counter[int]) -> bool:
        """Keeps the visitors' connections busy: idle ones are closed after seconds that pass on a busy machine."""
        answered.update(visitor.visit("known").status for visitor in visitors)
        return True

    def _until_all_lead_to(self, target: str, visitors: Collection[Visitor], answered: Counter[int]) -> float:
        began = time.monotonic()
        is_edited = False
        while not is_edited:
            answers = [visitor.visit("known") for visitor in visitors]
            answered.update(answer.status for answer in answers)
            is_edited = all(answer.target == target for answer in answers)
            assert time.monotonic() - began < SOON
            time.sleep(0.01)
        return time.monotonic() - began

    def test_frozen(self, serving: Serving, own_postgres: Postgres, tmp_path: Path, url: str) -> None:
        """For some seconds. Whoever needs it waits, and does not keep the others waiting."""
        port = port_of(serving)
        with ExitStack() as stack:
            visitors = stack.enter_context(visitor_of_every_worker(serving)).values()
            seen = sum(visitor.visit("known").status == 302 for visitor in visitors)
            regulars = [stack.enter_context(Regular(port, "known")) for _ in range(4)]
            waiting = [stack.enter_context(Visitor(port)) for _ in range(40)]
            with frozen(own_postgres):
                for number, visitor in enumerate(waiting):
                    visitor.say(visit("other" if number < 20 else f"nobodys{number}"))
                stop = time.monotonic() + 3 * PROMPT
                while time.monotonic() < stop:
                    seen += sum(visitor.visit("known").status == 302 for visitor in visitors)
                    regulars[0].comes_again(2)
            answers = [visitor.hear().status for visitor in waiting]
        eventually(lambda: is_well(serving), within=SOON)
        assert set(answers[:20]) <= {302, 503}
        assert set(answers[20:]) <= {404, 503}
        wait_until_drained(url, tmp_path / "data" / "spool")
        seen += sum(regular.answered for regular in regulars)
        assert (clicks(serving, "known"), clicks(serving, "other")) == (seen, answers[:20].count(302))


@contextmanager
def frozen(database: Postgres) -> Iterator[None]:
    """All processes of a PostgreSQL stand still."""
    parent = int((database.folder / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(parent, signal.SIGSTOP)
    children = children_of(parent)
    for child in children:
        os.kill(child, signal.SIGSTOP)
    try:
        yield
    finally:
        for child in (*children, parent):
            os.kill(child, signal.SIGCONT)


def children_of(parent: int) -> list[int]:
    """The processes that `parent` has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            # Behind the name, which may hold anything, come state and parent.
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(folder.name))
    return found
