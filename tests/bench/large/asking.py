"""Asking: every question many times in random order, of a running server and of the services in this process."""

import gc
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import httpx2

from shortener.domain.click import ClickClass, Dimension
from shortener.domain.period import Asked, Interval
from shortener.services import stats
from shortener.storage.engine import Database
from tests.bench.instance import AUTHORIZED
from tests.bench.large.questions import SERIES, Question, Scope
from tests.bench.servers import WORKERS, Server

#: Seconds that an answer may take before the benchmark is given up.
_PATIENCE = 120.0
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Times:
    """How long the answers to a question took, milliseconds."""

    p50: float
    p99: float
    most: float


class Asker:
    """A client of a server; `close` it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._client = httpx2.Client(base_url=server.url, headers=AUTHORIZED, trust_env=False, timeout=_PATIENCE)

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()

    def description(self) -> dict[str, Any]:
        """The API's own."""
        found: dict[str, Any] = self._client.get("/openapi.json").raise_for_status().json()
        return found

    def ask(self, question: Question) -> None:
        """Asks it once. Raises httpx2's errors where it is refused."""
        self._client.get(question.scope.path, params=question.query).raise_for_status()

    def cpu_ms(self, first: Question, *asked: Question) -> float:
        """CPU milliseconds that the server's workers take to answer one of `asked`, which come after `first`."""
        self.ask(first)
        before = self._server.cpu_seconds(WORKERS)
        for question in asked:
            self.ask(question)
        return (self._server.cpu_seconds(WORKERS) - before) / len(asked) * 1000


def timed(asked: Sequence[Question], ask: Callable[[Question], None], repeats: int) -> dict[Question, Times]:
    """How long `ask` takes for each question, asked once before and then `repeats` times, all in random order."""
    for question in asked:
        ask(question)
    # As the supervisor does for its workers: to look through all that this process has loaded for garbage takes it
    # 100 ms, which would be taken for the answers'.
    gc.freeze()
    try:
        taken = _taken(asked, ask, repeats)
    finally:
        gc.unfreeze()
    return {question: _times(sorted(each)) for question, each in taken.items()}


def _taken(asked: Sequence[Question], ask: Callable[[Question], None], repeats: int) -> dict[Question, list[float]]:
    # Always the same order, since engines are compared.
    order = [question for question in asked for _ in range(repeats)]
    random.Random(1).shuffle(order)
    taken: dict[Question, list[float]] = {question: [] for question in asked}
    for question in order:
        began = time.perf_counter()
        ask(question)
        taken[question].append((time.perf_counter() - began) * 1000)
    return taken


def service(database: Database, question: Question) -> None:
    """Asks the service, without HTTP."""
    asked = stats.Question(
        Asked(_UTC, Interval(question.interval)),
        frozenset({ClickClass.HUMAN}),
        (question.group_by,),
        granularity=question.granularity,
    )
    code = code_of(question.scope)
    if code:
        stats.of_link(database, code, asked, question.scope.domain)
    else:
        stats.of_all(database, asked)


def is_service(question: Question) -> bool:
    """Whether `service` can ask it: a single dimension of a link or of all."""
    single = question.group_by == SERIES or question.group_by.upper() in Dimension.__members__
    return (
        single and not question.filters and (bool(code_of(question.scope)) or question.scope.path == "/api/v1/stats")
    )


def code_of(scope: Scope) -> str:
    """The code of the link that a scope is, or nothing."""
    return scope.path.split("/")[-2] if scope.is_link else ""


def _times(taken: Sequence[float]) -> Times:
    """Of ascending times; percentiles are times that were taken (nearest rank)."""
    p50, p99 = (taken[math.ceil(share * len(taken)) - 1] for share in (0.5, 0.99))
    return Times(p50, p99, taken[-1])
