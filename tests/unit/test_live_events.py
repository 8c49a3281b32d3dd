"""Events: their bytes as the standard has them, whatever is in a click."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shortener.domain.click import ClickClass, Dimension
from shortener.domain.filter import Filter
from shortener.storage.live import Click, Wanted, united
from shortener.web import events
from shortener.web.events import Reason
from tests.events import Event, Reader

MENU = Click(
    id=7,
    link_id=3,
    time_ms=1_795_404_142_003,
    click_class=ClickClass.HUMAN,
    is_first=True,
    domain="go.example",
    values={Dimension.CODE: "menu", Dimension.BROWSER: "Firefox"},
)


def test_a_click() -> None:
    head, data = events.click(MENU).decode().split("data: ")
    assert head == "event: click\n"
    line, rest = data.split("\n", 1)
    assert rest == "id: 7\n\n"
    expected = {
        "time": "2026-11-23T03:22:22.003Z",
        "domain": "go.example",
        "class": "human",
        "unique": True,
        **dict.fromkeys(dimension.label for dimension in Dimension),
        "code": "menu",
        "browser": "Firefox",
    }
    assert json.loads(line) == expected
    assert list(json.loads(line)) == list(expected), "in the same order each time"


def test_what_is_no_event_but_remembered() -> None:
    reader = Reader()
    assert reader.read(events.OPENING + events.reached(5)) == []
    assert (reader.retry, reader.last_id, reader.comments) == (3000, "5", 0)
    assert reader.read(events.heartbeat(6)) == []
    assert (reader.last_id, reader.comments) == ("6", 1)


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        pytest.param(events.gap(12), Event("gap", {"clicks": 12}, ""), id="gap"),
        pytest.param(events.gap(None), Event("gap", {"clicks": None}, ""), id="gap-of-unknown-width"),
        *(pytest.param(events.closed(why), Event("closed", {"reason": why}, ""), id=why) for why in Reason),
    ],
)
def test_other_events(piece: bytes, expected: Event) -> None:
    assert Reader().read(piece) == [expected]


texts = some.text(max_size=40)


@given(some.lists(some.dictionaries(some.sampled_from(Dimension), texts), max_size=5))
def test_whatever_a_label_holds_it_comes_back_whole(every: list[dict[Dimension, str]]) -> None:
    clicks = [MENU._replace(id=number, values=values) for number, values in enumerate(every, 1)]
    read = Reader().read(b"".join(map(events.click, clicks)))
    assert [event.id for event in read] == [str(click.id) for click in clicks]
    assert [{d: event.data[d.label] for d in Dimension} for event in read] == [
        {d: click.values.get(d) for d in Dimension} for click in clicks
    ]


wanted = some.builds(
    Wanted,
    some.none() | some.frozensets(some.integers(1, 5), min_size=1, max_size=3),
    some.frozensets(some.sampled_from(ClickClass), min_size=1),
    some.lists(
        some.builds(
            Filter,
            some.sampled_from([Dimension.BROWSER, Dimension.COUNTRY]),
            some.frozensets(some.sampled_from(["a", "b", None]), min_size=1),
            some.booleans(),
        ),
        max_size=2,
        unique_by=lambda each: each.dimension,
    ).map(tuple),
)


@given(some.lists(wanted, min_size=1, max_size=4), wanted)
def test_a_union_covers_its_parts_and_no_more_links_than_it_must(every: list[Wanted], other: Wanted) -> None:
    union = united(every)
    assert all(union.covers(part) for part in every)
    assert union.classes == frozenset().union(*(part.classes for part in every))
    assert (union.links is None) == any(part.links is None for part in every)
    assert union.filters == ()
    if other.links is None and union.links is not None:
        assert not union.covers(other)


@given(wanted, wanted)
def test_what_covers_another_means_all_that_it_means(one: Wanted, other: Wanted) -> None:
    """And only that, with more values, links and classes than are named."""
    choices = [
        {Dimension.BROWSER: browser, Dimension.COUNTRY: country}
        for browser in ("a", "b", "c", None)
        for country in ("a", "b", "c", None)
    ]
    every = [
        (link_id, kind, {dimension: value for dimension, value in values.items() if value is not None})
        for link_id in range(7)
        for kind in ClickClass
        for values in choices
    ]

    def meant(which: Wanted, link_id: int, kind: ClickClass, values: dict[Dimension, str]) -> bool:
        return (which.links is None or link_id in which.links) and which.means(kind, values)

    assert one.covers(other) is all(meant(one, *each) for each in every if meant(other, *each))


def test_a_union_of_more_links_than_a_statement_takes_is_of_all() -> None:
    human = frozenset({ClickClass.HUMAN})
    assert united([Wanted(frozenset({number}), human) for number in range(501)]).links is None
    assert united([Wanted(frozenset({number}), human) for number in range(500)]).links == frozenset(range(500))
