"""The verdict: what was asked and answered against what stands in the tables and what the API says."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.kills import tables
from tests.kills.ledger import REDIRECTED, UNANSWERED, Ledger, number_of
from tests.kills.load import target_of

#: Examples named in a complaint.
_NAMED = 5
_CREATED, _UNAVAILABLE = 201, 503
#: How often each number was counted.
Numbers = Counter[int]


@dataclass(frozen=True)
class Found:
    """What stands in the tables."""

    numbers: Numbers
    #: How many clicks each code got.
    by_code: Counter[str]
    complaints: Sequence[str]


def found(ledger: Ledger, rows: Iterable[tables.Row], links: dict[str, tuple[int, str]]) -> Found:
    """Reads the raw clicks, with what is wrong with single ones of them."""
    numbers: Numbers = Counter()
    by_code: Counter[str] = Counter()
    strange: list[str] = []
    for row in rows:
        try:
            number = number_of(row.source or "", row.medium or "")
            asked = ledger.codes[number]
        except (ValueError, IndexError):
            strange.append(f"a click that nobody made: {row}")
            continue
        if (row.code, row.link_id) != (asked, links[asked][0] if asked in links else None):
            strange.append(f"number {number} went to /{asked} and is counted for {row}")
        numbers[number] += 1
        by_code[asked] += 1
    return Found(numbers, by_code, strange[:_NAMED])


def lost(ledger: Ledger, numbers: Numbers) -> list[int]:
    """Visits that were redirected and are not counted."""
    return [number for number in ledger.answered() if number not in numbers]


def doubled(numbers: Numbers) -> list[int]:
    """Visits that are counted more than once."""
    return [number for number, times in numbers.items() if times > 1]


def on_clicks(ledger: Ledger, numbers: Numbers) -> list[str]:
    """Every answered visit once, every unanswered one at most once, and no other at all."""
    refused = [number for number in numbers if ledger.statuses[number] not in {REDIRECTED, UNANSWERED}]
    return [
        *_named("visits were redirected and are not counted", lost(ledger, numbers)),
        *_named("visits are counted more than once", doubled(numbers)),
        *_named("visits were not redirected and are counted", refused),
    ]


def on_answers(ledger: Ledger, *, may_be_unavailable: bool) -> list[str]:
    """Nothing was answered that should not be. `may_be_unavailable`: the database was, for a while."""
    allowed = {_UNAVAILABLE} if may_be_unavailable else set()
    visits = ledger.summary().keys() - allowed - {REDIRECTED, UNANSWERED}
    creations = set(ledger.created.values()) - allowed - {_CREATED, UNANSWERED}
    return [
        *ledger.wrong[:_NAMED],
        *_named("statuses of visits that should not be", visits),
        *_named("statuses of creations that should not be", creations),
        *_named("links failed though their worker knew them", range(ledger.failed_though_known)),
    ]


def on_links(ledger: Ledger, links: dict[str, tuple[int, str]]) -> list[str]:
    """Every link whose creation was answered is there, and leads where it was told to."""
    confirmed = [code for code, status in ledger.created.items() if status == _CREATED]
    return _named(
        "links were created and are not there",
        [code for code in confirmed if links.get(code, (0, ""))[1] != target_of(code)],
    )


def on_statistics(found: Found, totals: dict[str, Any], codes: dict[str, Any]) -> list[str]:
    """What `/api/v1/stats` answers, as such and by code, says the same as the raw clicks."""
    clicks = found.numbers.total()
    named = {row["value"]: row["clicks"] for row in codes["data"]}
    checks = {
        "the total": totals["totals"]["clicks"] == clicks and totals["excluded"] == {},
        "the time series": sum(row["clicks"] for row in totals["data"]) == clicks,
        "clicks by code": all(found.by_code[code] == number for code, number in named.items()),
        "their sum": sum(named.values()) + codes["other"]["clicks"] == clicks,
    }
    return [f"statistics: {what} is not what the raw clicks say" for what, holds in checks.items() if not holds]


def _named(what: str, items: Iterable[Any]) -> list[str]:
    every = sorted(items)
    return [f"{len(every)} {what}: {every[:_NAMED]}"] if every else []
