"""The benchmarks run and give figures. What the figures are is not tested: that depends on the machine."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle

import pytest

from tests.bench import cpu, machine, redirects, report
from tests.bench.__main__ import SUBJECTS, missing
from tests.bench.subject import Bar, Column, Plan, Row, Sample, Subject, Table
from tests.bench.visits import FAILED, LOST

#: Long enough for a server that is not warm to answer once on a busy machine, and little enough of everything.
_PLAN = Plan(
    cores=cpu.cores(),
    seconds=3.0,
    warm_up=0.0,
    samples=1,
    links=5_000,
    cached=1_000,
    backlog=2_000,
    scan=2_000,
)

Running = dict[str, Future[list[Sample]]]
every_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """Every subject whose programs are here, side by side: mostly they wait, and nobody compares them."""
    # Every other one swaps the cores, since it is the servers that have work to do.
    plans = (_PLAN, replace(_PLAN, cores=cpu.Cores(server=_PLAN.cores.load, load=_PLAN.cores.server)))
    subjects = [subject for subject in SUBJECTS if missing(subject) is None]
    with ThreadPoolExecutor(4) as pool:
        yield {
            subject.name: pool.submit(subject.measure, plan)
            for subject, plan in zip(subjects, cycle(plans), strict=False)
        }


@every_subject
def test_subject_gives_figures(subject: Subject, running: Running) -> None:
    program = missing(subject)
    if program is not None:
        pytest.skip(f"{program} is not installed")
    samples = running[subject.name].result()
    assert samples
    for sample in samples:
        known = {column.key for column in sample.row.table.columns}
        assert sample.figures
        assert sample.figures.keys() <= known
        assert all(math.isfinite(figure) and figure >= 0 for figure in sample.figures.values())
        if sample.row != redirects.TUTORIAL:
            assert not sample.figures.get(FAILED.key)
            assert not sample.figures.get(LOST.key)


def test_report_has_a_line_for_every_row(running: Running) -> None:
    samples = [sample for future in running.values() for sample in future.result()]
    run = _run(samples)
    text = report.markdown(run)
    for sample in samples:
        assert f"\n| {sample.row.name} | " in text
    assert len(report.terminal(run)) == len({sample.row.table for sample in samples})


_TABLE = Table(
    "Cars", "Driven.", (Column("cpu_us", "CPU µs", 1), Column("ratio", "to it", 1, "×")), compared="cpu_us"
)


@pytest.mark.parametrize(
    ("bar", "figures", "cell"),
    [
        (Bar("cpu_us", 20), (10, 30, 20), "20.0 [10.0–30.0] (bar ≤ 20: met)"),
        (Bar("cpu_us", 20), (10, 21, 30), "21.0 [10.0–30.0] (bar ≤ 20: missed)"),
        (Bar("cpu_us", 15_000, at_least=True), (15_000,), "15,000.0 (bar ≥ 15,000: met)"),
        (Bar("cpu_us", 15_000, at_least=True), (14_999,), "14,999.0 (bar ≥ 15,000: missed)"),
        (Bar("ratio", 2.2), (5.0,), "5.0"),
    ],
)
def test_bar_stands_beside_its_figure(bar: Bar, figures: tuple[float, ...], cell: str) -> None:
    row = Row(_TABLE, "slow", "It is.", bars=(bar,))
    samples = [Sample(row, {"cpu_us": figure}) for figure in figures]
    assert f"| slow | {cell} | – |" in report.markdown(_run(samples))


def test_ratio_is_to_the_yardstick_of_the_round() -> None:
    fast = Sample(Row(_TABLE, "fast", "It is.", yardstick=True), {"cpu_us": 8.0})
    slow = Sample(Row(_TABLE, "slow", "It is."), {"cpu_us": 12.0})
    assert [sample.figures["ratio"] for sample in report.with_ratios([slow, fast])] == [1.5, 1.0]
    assert report.with_ratios([slow]) == [slow]


def _run(samples: Sequence[Sample]) -> report.Run:
    return report.Run(
        plan=_PLAN,
        rounds=1,
        minutes=0.1,
        date="2026-01-01",
        machine=machine.description(_PLAN.cores),
        samples=report.with_ratios(samples),
        skipped=(),
    )
