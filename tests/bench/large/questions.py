"""Which questions there are: those that the API says it answers, about each scope, over each period."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, permutations
from typing import Any

from shortener.domain.buckets import MAX_BUCKETS
from shortener.domain.grouping import Grouping
from shortener.domain.period import Granularity
from tests.bench.clickstream.estate import OTHER_DOMAIN, TAG, Estate
from tests.bench.clickstream.shape import Plan

SERIES = "timeseries"
#: Groups whose values are links and not what clicks carry.
_OVER_LINKS = frozenset({"link", "tag"})
#: Buckets of a day.
_BUCKETS_A_DAY = {
    Granularity.QUARTER_HOUR: 96.0,
    Granularity.HOUR: 24.0,
    Granularity.DAY: 1.0,
    Granularity.WEEK: 1 / 7,
    Granularity.MONTH: 1 / 28,
}
#: What the 99th percentile may be, milliseconds: of a question, of one about a tag, of one that needs more.
_BAR_MS, _TAG_BAR_MS, _WIDE_BAR_MS = 50.0, 250.0, 500.0
#: Periods by name, and days in them; `all` is as long as the clicks reach.
INTERVALS: Mapping[str, int | None] = {"30d": 30, "1y": 365, "all": None}
#: Filters that go together: what most clicks have.
_FILTERS: Sequence[Mapping[str, str]] = (
    {"country": "US", "device": "mobile"},
    {"browser": "-Chrome", "language": "en,de"},
    {"referrer": "google.com", "os": "-Windows", "country": "US,DE,GB"},
)
#: Within retention, by default 90 days.
_FILTERED_INTERVALS = ("30d", "90d")
#: What a page of statistics shows: a year by day with five breakdowns.
PAGE = (SERIES, "referrer", "country", "browser", "os", "device")


_LINK, _TAG = "/api/v1/links/{}/stats", "/api/v1/tags/{}/stats"


@dataclass(frozen=True, slots=True)
class Scope:
    """What clicks a question is about."""

    name: str
    #: As the API description has it, with {} for a name.
    template: str
    path: str
    bar_ms: float = _BAR_MS
    #: Of a link that is not on the default domain.
    domain: str = ""

    @property
    def is_link(self) -> bool:
        """Whether it is a single link: of those alone questions are answered from raw rows in little time."""
        return self.template == _LINK

    @property
    def is_tag(self) -> bool:
        """Whether it is many links, whose clicks nobody has summed up."""
        return self.template == _TAG


@dataclass(frozen=True, slots=True)
class Question:
    """One question, as the API is asked it."""

    scope: Scope
    interval: str
    #: In words.
    name: str
    group_by: str
    granularity: Granularity | None
    filters: tuple[tuple[str, str], ...]
    bar_ms: float

    @property
    def query(self) -> dict[str, str]:
        """Its parameters."""
        query = {"interval": self.interval, "group_by": self.group_by, **dict(self.filters)}
        if self.granularity:
            query["granularity"] = self.granularity
        if self.scope.domain:
            query["domain"] = self.scope.domain
        return query


class Offer:
    """What an API answers, by its OpenAPI description."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self._description = description

    def has(self, scope: Scope) -> bool:
        """Whether it answers questions about `scope`."""
        return scope.template in self._parameters

    def has_filters(self, scope: Scope, names: Mapping[str, str]) -> bool:
        """Whether all of them can be filtered by."""
        return names.keys() <= self._parameters[scope.template].keys()

    @cached_property
    def _parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """Schemas of the query parameters by path, names in it replaced by {}, and by name."""
        return {
            re.sub(r"\{\w+\}", "{}", path): {
                each["name"]: each["schema"] for each in map(self._resolved, methods["get"]["parameters"])
            }
            for path, methods in self._description["paths"].items()
            if path.endswith("/stats") and "get" in methods
        }

    def _resolved(self, parameter: Mapping[str, Any]) -> Mapping[str, Any]:
        """`parameter`, or what it refers to."""
        shared: Mapping[str, Any] = self._description.get("components", {}).get("parameters", {})
        return shared[parameter["$ref"].rpartition("/")[2]] if "$ref" in parameter else parameter


def scopes(plan: Plan) -> list[Scope]:
    """What is asked about."""
    estate = Estate(plan)
    links = {"the heaviest link": estate.named(1), "a median link": estate.named(max(plan.links // 2, 1))}
    return [
        Scope("all links", "/api/v1/stats", "/api/v1/stats"),
        *(Scope(name, _LINK, f"/api/v1/links/{link.code}/stats", domain=link.domain) for name, link in links.items()),
        Scope("a tag of 1,000 links", _TAG, f"/api/v1/tags/{TAG}/stats", _TAG_BAR_MS),
        Scope("a domain", "/api/v1/domains/{}/stats", f"/api/v1/domains/{OTHER_DOMAIN}/stats"),
        Scope("orphans", "/api/v1/orphans/stats", "/api/v1/orphans/stats"),
    ]


def questions(offer: Offer, scope: Scope, days: int) -> Iterator[Question]:
    """All questions about `scope`, in which clicks reach back `days`."""
    groups = [str(each) for each in Grouping]
    for interval, length in INTERVALS.items():
        for granularity in Granularity:
            # A period may begin and end within a bucket, and `all` within a day.
            if ((length or days) + 2) * _BUCKETS_A_DAY[granularity] + 2 <= MAX_BUCKETS:
                yield Question(scope, interval, f"series, {granularity}", SERIES, granularity, (), scope.bar_ms)
        for group in groups:
            if group != SERIES:
                bar = _WIDE_BAR_MS if group in _OVER_LINKS else scope.bar_ms
                yield Question(scope, interval, f"by {group}", group, None, (), bar)
    for filters in _FILTERS if scope.is_link else ():
        if offer.has_filters(scope, filters):
            yield from _filtered(scope, groups, filters)


def page(scope: Scope, number: int = 0) -> Question:
    """What a page of statistics asks for: everything in one answer. Each of 720 numbers is another question: that one
    after the other in another order.
    """
    order = next(islice(permutations(PAGE), number, None))
    return Question(scope, "1y", "a page", ",".join(order), Granularity.DAY, (), scope.bar_ms)


def _filtered(scope: Scope, groups: Sequence[str], filters: Mapping[str, str]) -> Iterator[Question]:
    """Cross-filtered questions: a series, and by what is not filtered by."""
    said = " and ".join(f"{name}={value}" for name, value in filters.items())
    wanted = (SERIES, "city", "browser") if "browser" not in filters else (SERIES, "referrer")
    for interval in _FILTERED_INTERVALS:
        for group in wanted:
            if group in groups:
                granularity = Granularity.DAY if group == SERIES else None
                name = f"{'series, day' if group == SERIES else f'by {group}'}, {said}"
                yield Question(scope, interval, name, group, granularity, tuple(filters.items()), _WIDE_BAR_MS)
