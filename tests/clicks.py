"""Making clicks for tests, and a plain-Python model of what must be answered about them."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shortener.clicks import batch, enrich, fold, frame
from shortener.clicks.geo import Geo
from shortener.clicks.labels import Labels
from shortener.domain import access, period
from shortener.domain.click import ClickClass, Dimension
from shortener.domain.filter import Filter
from shortener.domain.link import Link, LinkDraft
from shortener.domain.target import TargetPolicy
from shortener.services import links
from shortener.services.drafts import LinkPolicy
from shortener.storage import clicks as rows
from shortener.storage import folding
from shortener.storage.click_tables import TOTAL
from shortener.storage.engine import Database
from tests import frames
from tests.frames import Click

POLICY = LinkPolicy(TargetPolicy(), frozenset({"api"}), 7)
PRINCIPAL = access.Principal("test", frozenset({access.Scope.ADMIN}))
ENRICHER = enrich.Enricher(Geo(None))
BROWSERS = {
    "Firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
    "Chrome": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/153.0.0.0 Safari/537.36",
}
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def make_link(database: Database, code: str | None = None, **fields: Any) -> Link:
    draft = LinkDraft(target="https://example.com/", code=code, **fields)
    return links.create(database, POLICY, draft, actor="test")[0]


def age_link(database: Database, link: Link, days: int) -> None:
    """Makes a link `days` old, so that clicks of the past are not clamped."""
    from sqlalchemy import update

    from shortener.storage.tables import instance
    from shortener.storage.tables import link as table

    with database.write() as connection:
        then = datetime.now(UTC) - timedelta(days=days)
        connection.execute(update(table).where(table.c.id == link.id).values(created_at=then))
        connection.execute(update(instance).values(created_at=then))


def click_on(link: Link, time_ms: int, **facts: object) -> Click:
    values: dict[str, object] = {
        "user_agent": BROWSERS["Firefox"],
        "code": link.code,
        "salt_day": period.day_of(time_ms),
    }
    return Click(time_ms=time_ms, link_id=link.id, nonce=link.nonce, **{**values, **facts})  # type: ignore[arg-type]


def random_click(link: Link, now_ms: int, span_days: int, dice: random.Random) -> Click:
    """A click like a visitor's, some time in the last `span_days` days."""
    time_ms = now_ms - int(dice.random() ** 2 * span_days * period.DAY_MS)
    return click_on(
        link,
        time_ms,
        user_agent=dice.choice([*BROWSERS.values(), BROWSERS["Firefox"], BOT]),
        referrer=dice.choice(["", "https://a.example", "https://b.example", "https://c.example"]),
        language=dice.choice(["", "de-DE", "en"]),
        utm=dice.choice([{}, {"utm_source": "mail"}]),
        visitor_hash=dice.choice([0, *range(1, 6)]),
        salt_day=period.day_of(now_ms) - dice.choice([0, 0, 1]),
    )


def some_filters(dice: random.Random) -> tuple[Filter, ...]:
    """Filters, in the order of dimensions, that let through a part of what random_click makes."""
    values: dict[Dimension, list[str | None]] = {
        Dimension.BROWSER: ["Firefox", "Chrome", "Googlebot", "Nobody"],
        Dimension.LANGUAGE: ["de", "en", None],
        Dimension.REFERRER: ["a.example", "b.example", None],
        Dimension.UTM_SOURCE: ["mail", None],
    }
    return tuple(
        Filter(dimension, frozenset(dice.sample(values[dimension], k=dice.randint(1, 2))), dice.random() < 0.5)
        for dimension in sorted(dice.sample(list(values), k=dice.randint(1, 3)))
    )


def drain(database: Database, clicks: Sequence[Click], labels: Labels | None = None) -> None:
    """Writes clicks as the drainer does, in one transaction."""
    with database.write() as connection:
        batch.write(connection, [enriched(click) for click in clicks], labels or Labels())


def enriched(click: Click) -> enrich.Enriched:
    """A click as the drainer reads it from its frame."""
    return ENRICHER.click(bytes([frame.VERSION]) + frames.encode(click))


def fold_all(database: Database, upto: int | None = None, dimensions: Iterable[int] = (TOTAL, *Dimension)) -> None:
    """Folds up to click `upto`, by default all there are."""
    with database.read() as connection:
        last = rows.last_id(connection)
        marks = folding.marks(connection)
    for dimension in dimensions:
        mark = marks[dimension]
        while mark < (upto or last):
            end = min(mark + fold.STEP, upto or last)
            with database.write() as connection:
                assert folding.fold(connection, dimension, mark=mark, upto=end)
            mark = end


@dataclass(frozen=True, slots=True)
class Seen:
    """A click as the model sees it."""

    link_id: int
    time_ms: int
    click_class: ClickClass
    values: dict[Dimension, str]
    first: bool


class Model:
    """What is known of all clicks, as a list; counts by walking through it."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._visitors: set[tuple[int, int, int, int]] = set()

    def add(self, clicks: Iterable[Click]) -> None:
        for click in clicks:
            assert click.link_id is not None
            kind = ClickClass.BOT if click.user_agent == BOT else ClickClass.HUMAN
            key = (click.salt_day, click.link_id, int(kind), click.visitor_hash)
            first = bool(click.visitor_hash) and key not in self._visitors
            self._visitors.add(key)
            self.seen.append(Seen(click.link_id, click.time_ms, kind, self._values(click), first))

    @staticmethod
    def _values(click: Click) -> dict[Dimension, str]:
        values = {
            Dimension.REFERRER: click.referrer.removeprefix("https://"),
            Dimension.REFERRER_URL: click.referrer,
            Dimension.LANGUAGE: click.language[:2],
            Dimension.UTM_SOURCE: click.utm.get("utm_source", ""),
            Dimension.CODE: click.code,
        }
        # A robot goes by its own name.
        families = {agent: name for name, agent in BROWSERS.items()} | {BOT: "Googlebot"}
        values[Dimension.BROWSER] = families[click.user_agent]
        return {dimension: value for dimension, value in values.items() if value}
