"""The report: what trials came to, as docs/RELIABILITY.md."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from shortener.storage.engine import journal_mode, sqlite_module
from tests.bench import cpu, machine
from tests.kills.blows import Blow
from tests.kills.failures import FAILURES
from tests.kills.ledger import REDIRECTED, UNANSWERED
from tests.kills.tree import WORKERS
from tests.kills.trial import Outcome

_INTRODUCTION = """\
# Reliability

Written by `{command}` on {date}; do not edit.

What this shortener promises when something breaks, how that is tested, and what came of it.

## What is promised

- **An answered redirect is counted exactly once**, whichever process is killed at whatever moment. A visitor whose
  connection broke before the answer came is counted once or not at all.
- **A redirect does not depend on statistics.** Whatever happens to the spool, the drainer or the database, a link
  that a worker has in its cache goes on redirecting.
- **A link that was created is there.** `201` is sent after the commit.
- **Numbers agree.** Totals, time series and every breakdown are the sum of the same clicks at any moment.

A worker writes each click into a file of its own, a segment of the spool, before it answers: from then on the kernel
has it, and the worker may die. A process beside the workers, the drainer, moves clicks into the database. How far it
has come stands in the same database and moves in the same transaction as the clicks: either both are there or neither
is. [ADR 3](adr/0003-spool-then-drain.md) has the reasons.

### What a click survives

| `SHORTENER_CLICK_DURABILITY` | the answer waits for | a process is killed | power cut, kernel crash |
| --- | --- | --- | --- |
| `process` (default) | the write | nothing is lost | the last 10 ms or so are lost |
| `power` | the sync to the disk, shared by all who wait | nothing is lost | nothing is lost if the disk is honest |
| `memory` | nothing | the last 10 ms are lost | the last 10 ms or so are lost |

Links, keys and statistics in the database are synced with every commit (`synchronous=FULL` on SQLite), whatever this
setting says.
"""
_METHOD = """\
## Killing everything

A real server, `shortener serve --workers {workers}`, is visited over connections that are kept open, on each up to 32
requests at a time; half of them go to 5 links, half to {links} and more, since links are being created all the while.
After a random time of 20 to 250 ms something is killed with SIGKILL, again and again: a worker, the drainer and the
supervisor in turn, and every tenth time all processes at once. A new drainer needs some tenths of a second before it
counts; so that it is hit at work, it has counted something before it is killed or all are. PostgreSQL is restarted in
immediate mode instead, which cuts all connections and lets it recover as after a crash; between two restarts a worker
or the drainer is killed.

Every request carries a number of its own (`utm_source`, `utm_medium`), which stands with its click. A request counts
as *answered* when the whole head of its redirect has been read, as *unanswered* when the connection broke before.
In the end, when the drainer has caught up, these are compared:

- every answered number stands in the raw clicks once, every unanswered one at most once, nothing else does, and
  each stands under the link that was asked for;
- totals, series and breakdowns by day and by month, in all twelve dimensions, are the sums of the raw clicks: for
  every link, for the domain and for the instance, clicks and uniques;
- `/api/v1/stats` says the same; the spool holds as many clicks as the tables;
- links whose creation was answered with 201 are there; every redirect led where it should;
- no visit got another answer than a redirect. While PostgreSQL is away that may be a 503, but only on a connection
  on which this link has not been redirected before: such a worker does not have it in its cache;
- SQLite's `integrity_check` finds nothing, the log has no unforeseen fault, and the server ends with exit code 0.
"""
_LIMITS = """\
## What is not promised, and not tested

- **A power cut** was not staged: that takes a machine whose disk can be made to forget. What is known is what the
  kernel is asked to sync, and when (`tests/unit/clicks/test_durability.py`).
- **A disk that is lost**, or that lies about a sync, takes with it what was only there: of a spool beside a database
  that lives elsewhere that is what has not been drained yet, seconds' worth as long as the drainer is well.
- **A network file system** under the data directory: its locks and syncs are not those of a disk.
- **A failover** of PostgreSQL to a replica that lacks the last commits is a restore from a backup: what it lacks is
  read from the spool again, as far as that goes back (24 hours, at most `SHORTENER_SPOOL_MAX_BYTES`).
- **Dropped clicks**: where neither the disk nor the spool's bound has room for a click, the redirect goes on and the
  click is not counted. `shortener_clicks_dropped_total` says how many these were.
- **A loop of crashes**: a worker that is killed leaves a segment of 1 MiB, or one of 16 MiB if it had much to do, and
  what it had not used of it counts as the spool's until the drainer has come to it. A thousand kills within minutes,
  the drainer among those killed, could fill the default of 1 GiB; then clicks are dropped as above.
- Moments differ with the machine: the seed repeats what is killed and how long is waited, not where in the program
  the kill lands.
"""
_REPEATING = """\
## Repeating it

<!-- takes minutes: each of them -->
```sh
make kills                                        # 1,000 kills and 20 restarts; writes this page
.venv/bin/python -m tests.kills --kills 100       # less of it; writes nothing
.venv/bin/python -m tests.kills --seed 7          # other moments
.venv/bin/python -m pytest tests/acceptance/test_kills.py   # 20 kills and 2 restarts, as in `make test`
```

This page took {minutes:.0f} minutes. The tests take their seed from `KILLS_SEED`. Any complaint is printed with the
numbers of the visits concerned, and makes the command fail.
"""


@dataclass(frozen=True, slots=True)
class Run:
    """Everything a report tells."""

    #: What repeats it.
    command: str
    date: str
    minutes: float
    links: int
    #: The long ones, with the default durability.
    trials: Sequence[Outcome]
    #: By durability, to compare.
    durabilities: Sequence[tuple[str, Outcome]]


def markdown(run: Run) -> str:
    """The document."""
    parts = [
        _INTRODUCTION.format(command=run.command, date=run.date),
        _METHOD.format(workers=WORKERS, links=run.links),
        _figures(run.trials),
        _recoveries(run.trials),
        *([_by_durability(run.durabilities)] if run.durabilities else []),
        _machine(),
        _failures(),
        _LIMITS,
        _REPEATING.format(minutes=run.minutes),
    ]
    return "\n".join(parts)


def _figures(trials: Sequence[Outcome]) -> str:
    rows: list[tuple[str, list[str]]] = [
        ("seed", [str(each.seed) for each in trials]),
        ("minutes of load and blows", [f"{each.seconds_of_blows / 60:.1f}" for each in trials]),
        *((f"killed: {blow}", _times(trials, blow)) for blow in Blow if blow is not Blow.DATABASE),
        ("restarts of PostgreSQL", _times(trials, Blow.DATABASE)),
        ("visits", [_number(len(each.ledger.codes)) for each in trials]),
        ("… redirected", [_number(each.ledger.summary()[REDIRECTED]) for each in trials]),
        ("… answered 503, link not cached", [_number(each.ledger.summary()[503]) for each in trials]),
        ("… unanswered", [_number(each.ledger.summary()[UNANSWERED]) for each in trials]),
        ("… unanswered, but counted", [_number(each.counted_unanswered) for each in trials]),
        ("**redirected and not counted**", [f"**{_number(each.lost)}**" for each in trials]),
        ("**counted twice**", [f"**{_number(each.doubled)}**" for each in trials]),
        ("links created, 201", [_number(list(each.ledger.created.values()).count(201)) for each in trials]),
        ("connections refused, as nobody listened", [_number(each.ledger.refused) for each in trials]),
        ("connections broken", [_number(each.ledger.broken) for each in trials]),
        ("segments left", [_number(each.segments) for each in trials]),
        ("pieces set aside as damaged", [_number(each.quarantined) for each in trials]),
        ("complaints", [_number(len(each.complaints)) for each in trials]),
    ]
    return "### What came of it\n\n" + _table(["", *(each.database for each in trials)], rows)


def _recoveries(trials: Iterable[Outcome]) -> str:
    until = {
        Blow.WORKER: "another has its post",
        Blow.DRAINER: "another has its post",
        Blow.SUPERVISOR: "a new server redirects",
        Blow.TREE: "a new server redirects",
        Blow.DATABASE: "`/readyz` says 200",
    }
    rows = [
        (f"{each.database}: {blow}", [until[blow], f"{median(took):.2f}", f"{max(took):.2f}"])
        for each in trials
        for blow, took in each.recoveries.items()
    ]
    text = (
        "Seconds until the damage was mended. A new server is started as soon as nothing is left of the old one;\n"
        "while a worker or the drainer is replaced, the others go on.\n\n"
    )
    return text + _table(["", "from the blow until", "median", "longest"], rows)


def _by_durability(durabilities: Sequence[tuple[str, Outcome]]) -> str:
    rows = [
        (
            f"`{name}`",
            [
                _number(each.blows),
                _number(each.ledger.summary()[REDIRECTED]),
                _number(each.lost),
                _number(each.doubled),
            ],
        )
        for name, each in durabilities
    ]
    text = (
        "The same on SQLite with each durability. That `memory` loses clicks is what it says it does; it also shows\n"
        "that this test can fail.\n\n"
    )
    head = ["", "kills", "redirected", "of these not counted", "counted twice"]
    return "### By durability\n\n" + text + _table(head, rows)


def _machine() -> str:
    wanted = {"Processor", "System", "Python"}
    known = [(what, which) for what, which in machine.description(cpu.cores()) if what in wanted]
    sqlite = ("SQLite", f"{sqlite_module().sqlite_version} ({journal_mode()})")
    rows = [(what, [which]) for what, which in (*known, sqlite, ("PostgreSQL", "18, with fsync"))]
    load = f"{os.getloadavg()[2]:.1f}"
    rows.append(("Other work", [f"load average of the last quarter of an hour, this included: {load}"]))
    return "### The machine\n\n" + _table(["", ""], rows, align="---")


def _failures() -> str:
    lines = ["## What happens when …", "", "| failure | what happens | shown by |", "| --- | --- | --- |"]
    for each in FAILURES:
        tests = "<br>".join(f"`{test}`" for test in each.tests)
        lines.append(f"| {each.what} | {each.then} | {tests} |")
    return "\n".join([*lines, "", "Tests are named as below `tests/`. A test sees to it that they exist.", ""])


def _times(trials: Iterable[Outcome], blow: Blow) -> list[str]:
    return [_number(len(each.recoveries.get(blow, ()))) for each in trials]


def _number(value: int) -> str:
    return f"{value:,}"


def _table(head: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]], align: str = "---:") -> str:
    lines = ["| " + " | ".join(head) + " |", "| --- |" + f" {align} |" * (len(head) - 1)]
    lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows]
    return "\n".join([*lines, ""])
