"""What is known of visits to codes that no link has, and which code may have been meant. For administrators only:
a visitor who is told which codes there are could go through them all.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from shortener.domain import page as pages
from shortener.domain import period, suggestion
from shortener.domain.click import OTHER_LABEL, ClickClass
from shortener.domain.page import Page
from shortener.domain.suggestion import Suggestion
from shortener.storage import orphans as rows
from shortener.storage.engine import Connection, Database
from shortener.storage.orphans import Orphan, Span

#: Days that may be asked about: as long as raw clicks are kept.
DEFAULT_DAYS, MAX_DAYS = 30, 90
#: Paths of a page. Each costs a look-up of some thousand codes.
DEFAULT_LIMIT, MAX_LIMIT = 20, 100
#: Most referrers and suggestions of a path.
REFERRERS, SUGGESTIONS = 3, 3
#: Codes looked at on either side of a word in the alphabet, for those that are two errors away. Among 100,000
#: generated codes 34 begin with the same two characters.
_NEIGHBOURS = 100


@dataclass(frozen=True, slots=True)
class Missed:
    """A path that was asked for on a domain although no link is there."""

    #: Empty is the default one.
    domain: str
    path: str
    clicks: int
    last_clicked_at: datetime
    #: The referrers that sent most, with their clicks.
    referrers: list[tuple[str, int]]
    #: Of links on that domain, nearest first.
    suggestions: list[Suggestion]


def listing(
    database: Database, *, days: int, classes: Collection[ClickClass], limit: int, cursor: str | None = None
) -> Page[Missed]:
    """A page of the paths asked for by `classes` in the last `days` UTC days, today included, most clicks first.

    A path that was asked for on several domains has a row for each.
    Counts go on growing between two pages: a path that overtakes others may show twice or not at all.
    Raises CursorInvalid.
    """
    today = period.day_of(time.time_ns() // 1_000_000)
    span = Span(range(today - days + 1, today + 1), classes)
    question = pages.question("orphans", str(days), *sorted(kind.label for kind in classes))
    after = None if cursor is None else pages.read_cursor(question, cursor, (int, int, str))
    with database.read() as connection:
        found = rows.asked_most(connection, span, limit + 1, (after[0], after[1], after[2]) if after else None)
        missed = _described(connection, span, found[:limit])
    if len(found) <= limit:
        return Page(missed, None)
    last = found[limit - 1]
    return Page(missed, pages.make_cursor(question, [last.clicks, last.id, last.domain]))


def suggest(connection: Connection, domain: str, path: str) -> list[Suggestion]:
    """Up to SUGGESTIONS living codes on `domain` that visitors to `path` there may have meant, nearest first."""
    return _suggest(connection, domain, [path])[path]


def _described(connection: Connection, span: Span, found: Collection[Orphan]) -> list[Missed]:
    if not found:
        return []
    sent = rows.referrers(connection, span, [orphan.id for orphan in found], REFERRERS)
    paths = defaultdict(list)
    for orphan in found:
        if orphan.path != OTHER_LABEL:
            paths[orphan.domain].append(orphan.path)
    meant = {domain: _suggest(connection, domain, each) for domain, each in paths.items()}
    return [
        Missed(
            domain=orphan.domain,
            path=orphan.path,
            clicks=orphan.clicks,
            last_clicked_at=period.from_ms(orphan.last_clicked_ms),
            referrers=sent.get((orphan.domain, orphan.id), []),
            suggestions=meant.get(orphan.domain, {}).get(orphan.path, []),
        )
        for orphan in found
    ]


def _suggest(connection: Connection, domain: str, paths: Iterable[str]) -> dict[str, list[Suggestion]]:
    """The suggestions for each of `paths`. What is looked up exactly is looked up for all of them at once."""
    words = {path: suggestion.word(path) for path in paths}
    spellings = {word: suggestion.spellings(word) for word in set(words.values())}
    known = set(rows.living(connection, domain, set().union(*spellings.values())))
    found = {
        word: suggestion.best(word, (spelt & known) | _neighbours(connection, domain, word), SUGGESTIONS)
        for word, spelt in spellings.items()
    }
    return {path: found[word] for path, word in words.items()}


def _neighbours(connection: Connection, domain: str, word: str) -> set[str]:
    if (suggestion.most_errors(word) or 0) < 2:  # all others are looked up exactly
        return set()
    return {
        code
        for spelt in suggestion.readings(word)
        for code in rows.neighbours(connection, domain, spelt, _NEIGHBOURS)
    }
