"""`python -m tests.bench.clickstream`: makes a database of clicks of real shape, by spool and drainer."""

import argparse
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from shortener.storage.engine import Database
from tests.bench.clickstream import accounts
from tests.bench.clickstream.build import CannotGoOn, Journal, build, default_folder
from tests.bench.clickstream.copies import copy
from tests.bench.clickstream.estate import EstateExists
from tests.bench.clickstream.extent import database_bytes
from tests.bench.clickstream.shape import Plan


def main() -> None:
    """Builds what the command line asks for, and says what it took."""
    options = _options()
    folder = options.data.absolute()
    url = options.database or f"sqlite:///{folder / 'shortener.db'}"
    # As by Ctrl-C: what is begun is left in order, and the next run goes on from there.
    signal.signal(signal.SIGTERM, _leave)
    plan = Plan(options.clicks, options.links, options.days, options.seed, time.time_ns() // 1_000_000)
    try:
        with _bar() as bar:
            task = bar.add_task("clicks", total=options.clicks * options.times)
            made = build(url, folder, plan, lambda done: bar.update(task, completed=done))
            if options.times > 1:
                made = copy(url, folder, options.times, lambda done: bar.update(task, completed=done))
        print(told(made, url))
        if options.check:
            _check(url)
    except (CannotGoOn, EstateExists, accounts.DoNotBalance) as error:
        sys.exit(str(error))


def told(made: Journal, url: str) -> str:
    """What a build took, in a few lines for people."""
    clicks = made.clicks * made.times
    size = (database_bytes(url) - made.bytes_before) / clicks
    speed, cpu = made.clicks / made.seconds, made.cpu_seconds / made.clicks * 1e6
    return f"{clicks:,} clicks; drained {speed:,.0f} a second, {cpu:.1f} µs of CPU each; {size:.0f} bytes each"


def _check(url: str) -> None:
    database = Database(url)
    try:
        clicks, unique = accounts.audit(database)
    finally:
        database.close()
    print(f"totals, series, breakdowns and rows agree: {clicks:,} clicks on links, {unique:,} of them unique")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.clickstream", description=__doc__)
    parser.add_argument("--clicks", type=int, default=20_000_000, help="how many (default 20,000,000)")
    parser.add_argument("--links", type=int, default=100_000, help="on how many links (default 100,000)")
    parser.add_argument("--days", type=int, default=365, help="in how many days that end now (default 365)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same clicks (default 1)")
    parser.add_argument("--times", type=int, default=1, help="copy all of it, so that it is there so often")
    parser.add_argument(
        "--data", type=Path, default=default_folder(), help="keeps the spool (default $BENCH_DATA or data/bench)"
    )
    parser.add_argument("--database", metavar="URL", help="sqlite:///… or postgresql://… (default a file in DATA)")
    parser.add_argument("--check", action="store_true", help="compare all tables in the end")
    return parser.parse_args()


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(elapsed_when_finished=True))


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
