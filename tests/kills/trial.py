"""A trial: load on a server, blow after blow, and then the verdict."""

import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx2

from shortener.clicks import quarantine, segment
from shortener.domain.link import LinkDraft
from shortener.services import links
from shortener.storage import migration
from shortener.storage.engine import Database
from tests.cli.process import PATIENCE, eventually
from tests.clicks import POLICY
from tests.conftest import AUTHORIZED
from tests.kills import tables, verdict
from tests.kills.blows import Blow
from tests.kills.ledger import REDIRECTED, UNANSWERED, Ledger
from tests.kills.load import Load, target_of
from tests.kills.tree import Tree
from tests.postgres import Postgres

#: Seconds of load between a recovery and the next blow, at least and at most.
_BETWEEN_SECONDS = (0.02, 0.25)
#: Before these the drainer has counted something: a new one needs some tenths of a second until it does, and would
#: never be hit at work. The supervisor goes soon after the drainer, so that one which just begins is hit as well.
_KILLING_A_DRAINER_AT_WORK = {Blow.DRAINER, Blow.TREE}
#: Links there are at the beginning: enough that a worker that has just begun must ask the database time and again.
LINKS = 300
#: What the drainer must manage once the load has ended: a tenth of its speed on a quiet machine. Folding waits five
#: seconds for more to come; the rest is for a busy machine.
_DRAINED_PER_SECOND, _FOLD_SECONDS = 1500, 30.0
#: How Python begins to tell of a fault, and lines of it that are shown.
_FAULT, _FAULT_LINES = "Traceback", 60
#: Seconds between two looks at the tables.
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Outcome:
    """What happened, and what was wrong in the end."""

    database: str
    settings: dict[str, str]
    seed: int
    #: How long the blows took, and how long the whole trial, to the verdict.
    seconds_of_blows: float
    seconds: float
    #: Seconds from each blow until its damage was mended.
    recoveries: dict[Blow, list[float]]
    ledger: Ledger
    counted_unanswered: int
    lost: int
    doubled: int
    segments: int
    quarantined: int
    #: Empty where everything is as it must be.
    complaints: Sequence[str]

    @property
    def blows(self) -> int:
        return sum(map(len, self.recoveries.values()))

    def lines(self) -> list[str]:
        """The outcome in a few lines."""
        ledger, statuses = self.ledger, self.ledger.summary()
        others = {status: times for status, times in statuses.items() if status not in {REDIRECTED, UNANSWERED}}
        setting = "".join(f", {name}={value}" for name, value in self.settings.items())
        return [
            f"{self.database}{setting}, seed {self.seed}: {self.blows} blows in {self.seconds_of_blows:.0f} s, "
            f"verdict after {self.seconds:.0f} s",
            f"  visits {len(ledger.codes):,}, redirected {statuses[REDIRECTED]:,}, "
            f"unanswered {statuses[UNANSWERED]:,} (counted: {self.counted_unanswered:,}), other answers {others}",
            f"  connections refused {ledger.refused:,}, broken {ledger.broken:,}; "
            f"links created {Counter(ledger.created.values())}",
            f"  segments {self.segments}, pieces set aside {self.quarantined}",
            *(f"  {blow}: {len(took)}, mended after {spread(took)} s" for blow, took in self.recoveries.items()),
            *(f"  WRONG: {complaint}" for complaint in self.complaints),
        ]


def spread(seconds: Sequence[float]) -> str:
    """Median and maximum."""
    return f"{median(seconds):.2f} (at most {max(seconds):.2f})"


def run(
    folder: Path, blows: Sequence[Blow], *, seed: int, postgres: Postgres | None = None, **settings: str
) -> Outcome:
    """Deals `blows` to a server in `folder`, on SQLite there or on a new database of `postgres`, and looks."""
    url = f"sqlite:///{folder / 'shortener.db'}" if postgres is None else postgres.url(postgres.create())
    codes = [f"link{number}" for number in range(LINKS)]
    began = time.monotonic()
    with closing(Database(url)) as database:
        _prepare(database, codes)
        with Tree(folder, SHORTENER_DATABASE_URL=url, **settings) as tree:
            with Load(tree.port, codes, random.Random(seed)) as load:
                first = time.monotonic()
                dealer = _Dealer(tree, load, database, postgres, seed)
                recoveries: dict[Blow, list[float]] = {blow: [] for blow in Blow if blow in blows}
                for blow in blows:
                    recoveries[blow].append(dealer.deal(blow))
                last = time.monotonic()
            late = _caught_up(database, folder / "spool")
            answers = _statistics(tree.port)
            code = tree.stop()
        found, complaints = _judge(database, load.ledger, folder / "spool", answers)
    complaints += late
    complaints += verdict.on_answers(load.ledger, may_be_unavailable=postgres is not None)
    complaints += [f"the server ended with exit code {code}"] if code else []
    complaints += _told(tree.log.read_text())
    return Outcome(
        database="SQLite" if postgres is None else "PostgreSQL",
        settings=settings,
        seed=seed,
        seconds_of_blows=last - first,
        seconds=time.monotonic() - began,
        recoveries=recoveries,
        ledger=load.ledger,
        counted_unanswered=sum(1 for each in found.numbers if load.ledger.statuses[each] == UNANSWERED),
        lost=len(verdict.lost(load.ledger, found.numbers)),
        doubled=len(verdict.doubled(found.numbers)),
        segments=len(list((folder / "spool").glob(f"*{segment.SUFFIX}"))),
        quarantined=len(list((folder / "spool").glob(f"*{quarantine.SUFFIX}"))),
        complaints=complaints,
    )


def _told(log: str) -> list[str]:
    """What a server has told of faults of its own, and of clicks that the machine had no room for."""
    dropped = [line for line in log.splitlines() if "clicks are dropped" in line]
    return [
        *([f"the log has a fault that nobody foresaw: {_excerpt(log)}"] if _FAULT in log else []),
        *([f"clicks were dropped, as the log says {len(dropped)} times: {dropped[0]}"] if dropped else []),
    ]


def _excerpt(log: str) -> str:
    """The first fault in a log, from the line that tells of it."""
    before, fault, after = log.partition(_FAULT)
    return "\n".join([*before.splitlines()[-1:], fault, *after.splitlines()[:_FAULT_LINES]])


def _prepare(database: Database, codes: Sequence[str]) -> None:
    migration.upgrade(database)
    for code in codes:
        links.create(database, POLICY, LinkDraft(target=target_of(code), code=code), actor="test")


class _Dealer:
    """Deals blows to a server that works on `database`, each at a moment that nobody knows."""

    def __init__(self, tree: Tree, load: Load, database: Database, postgres: Postgres | None, seed: int) -> None:
        self._tree = tree
        self._load = load
        self._database = database
        self._postgres = postgres
        self._dice = random.Random(seed)
        #: The last click that a drainer had counted when it was killed.
        self._drained = 0

    def deal(self, blow: Blow) -> float:
        """Strikes, and waits until the damage is mended; the seconds from one to the other."""
        if blow in _KILLING_A_DRAINER_AT_WORK:
            eventually(lambda: self._last_id() > self._drained, within=PATIENCE)
        time.sleep(self._dice.uniform(*_BETWEEN_SECONDS))
        self._load.check()
        began = time.monotonic()
        _strike(blow, self._tree, self._postgres, self._dice)
        if blow in {Blow.SUPERVISOR, Blow.TREE}:
            self._tree.start()
            started = time.monotonic()
            eventually(lambda: self._load.last_asked > started, within=PATIENCE)
        seconds = time.monotonic() - began
        if blow in {Blow.DRAINER, Blow.SUPERVISOR, Blow.TREE}:
            self._drained = self._last_id()
        return seconds

    def _last_id(self) -> int:
        with tables.reading(self._database) as connection:
            return tables.last_id(connection)


def _strike(blow: Blow, tree: Tree, postgres: Postgres | None, dice: random.Random) -> None:
    match blow:
        case Blow.WORKER:
            tree.kill_one("worker", dice)
        case Blow.DRAINER:
            tree.kill_one("drainer", dice)
        case Blow.SUPERVISOR:
            tree.kill_supervisor()
        case Blow.TREE:
            tree.kill_all()
        case Blow.DATABASE:
            assert postgres is not None
            postgres.restart("immediate")
            eventually(tree.is_ready, within=PATIENCE)


def _caught_up(database: Database, spool: Path) -> list[str]:
    """Waits until all that stands in the spool is counted and folded; a complaint if that does not come about."""
    spooled = tables.frames(spool)
    deadline = time.monotonic() + _FOLD_SECONDS + spooled / _DRAINED_PER_SECOND
    while time.monotonic() < deadline:
        with tables.reading(database) as connection:
            if tables.size(connection) >= spooled and tables.is_folded(connection):
                return []
        time.sleep(_LOOK_SECONDS)
    return ["not everything in the spool has been counted and folded in time"]


def _statistics(port: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the API says of the instance: as such, and by code."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=AUTHORIZED, timeout=PATIENCE) as client:
        asked = ({"interval": "24h"}, {"interval": "24h", "group_by": "code", "limit": "1000"})
        totals, codes = (client.get("/api/v1/stats", params=each).raise_for_status().json() for each in asked)
    return totals, codes


def _judge(
    database: Database, ledger: Ledger, spool: Path, answers: tuple[dict[str, Any], dict[str, Any]]
) -> tuple[verdict.Found, list[str]]:
    with tables.reading(database) as connection:
        known = tables.links(connection)
        found = verdict.found(ledger, tables.rows(connection), known)
        complaints = [
            *found.complaints,
            *verdict.on_clicks(ledger, found.numbers),
            *verdict.on_links(ledger, known),
            *verdict.on_statistics(found, *answers),
            *tables.disagreements(connection),
            *tables.damage(connection),
        ]
        spooled, counted = tables.frames(spool), tables.size(connection)
        is_part = tables.lacks_segments(connection, spool)
    if spooled > counted or (spooled < counted and not is_part):
        complaints.append(f"{spooled} clicks stand in the spool and {counted} in the tables")
    return found, complaints
