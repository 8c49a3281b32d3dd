"""A visit as rules see it, with everything said at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address

from shortener.domain import language
from shortener.domain.click import ClickClass
from shortener.domain.visitor import Address

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Visit:
    """domain.condition.Facts, by default those of somebody with a telephone in Munich."""

    device: str | None = "mobile"
    os: str | None = "Android"
    browser: str | None = "Chrome Mobile"
    languages: tuple[tuple[str, float], ...] = (("de-de", 1.0), ("de", 0.9), ("en", 0.8))
    country: str | None = "DE"
    region: str | None = "Bavaria"
    city: str | None = "Munich"
    query: Mapping[str, Collection[str]] = field(default_factory=dict)
    referrer_host: str | None = None
    address: Address | None = ip_address("192.0.2.7")
    click_class: ClickClass = ClickClass.HUMAN
    now: datetime = NOW

    @property
    def own_languages(self) -> frozenset[str]:
        return language.own(self.languages)


#: Of whom nothing is known.
NOBODY = Visit(
    device=None,
    os=None,
    browser=None,
    languages=(),
    country=None,
    region=None,
    city=None,
    address=None,
    click_class=ClickClass.BOT,
)
