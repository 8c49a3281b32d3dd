"""Labels: texts as numbers, bounded in memory and in new ones a day."""

from collections.abc import Iterable
from typing import cast

import pytest

from shortener.clicks import labels as module
from shortener.clicks.labels import Labels
from shortener.domain.click import OTHER_LABEL, Dimension
from shortener.storage import clicks as rows
from shortener.storage import labels
from shortener.storage.engine import Connection

TODAY = 20_779
NOBODY: frozenset[str] = frozenset()

Wanted = dict[Dimension, set[str]]


class Stored:
    """The label table, and how often it was asked."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self.asked: list[set[str]] = []

    def found(self, _connection: Connection, texts: Iterable[str]) -> dict[str, int]:
        self.asked.append(set(texts))
        return {text: self.ids[text] for text in self.asked[-1] if text in self.ids}

    def add_labels(self, _connection: Connection, texts: Iterable[str]) -> dict[str, int]:
        return {text: self.ids.setdefault(text, len(self.ids) + 1) for text in texts}


CONNECTION = cast(Connection, None)


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Stored:
    table = Stored()
    monkeypatch.setattr(labels, "ids", table.found)
    monkeypatch.setattr(rows, "add_labels", table.add_labels)
    return table


def browsers(*texts: str) -> Wanted:
    return {Dimension.BROWSER: set(texts)}


def test_a_text_has_one_number_in_every_dimension(stored: Stored) -> None:
    wanted = {**browsers("Firefox", "Chrome"), Dimension.OS: {"Linux"}, Dimension.REFERRER: {"Firefox"}}
    found = Labels().resolve(CONNECTION, wanted, day=TODAY, unbounded=NOBODY)
    assert {dimension: set(ids) for dimension, ids in found.items()} == wanted
    assert found[Dimension.BROWSER]["Firefox"] == found[Dimension.REFERRER]["Firefox"] == stored.ids["Firefox"]
    assert len({number for ids in found.values() for number in ids.values()}) == 3


def test_what_is_remembered_is_not_asked_for(stored: Stored) -> None:
    labels = Labels()
    first = labels.resolve(CONNECTION, browsers("a", "b"), day=TODAY, unbounded=NOBODY)
    labels.publish()
    again = labels.resolve(CONNECTION, browsers("b", "c"), day=TODAY, unbounded=NOBODY)
    assert stored.asked == [{"a", "b"}, {"c"}]
    assert again[Dimension.BROWSER]["b"] == first[Dimension.BROWSER]["b"]


def test_what_a_transaction_found_is_forgotten_when_it_is_rolled_back(stored: Stored) -> None:
    labels = Labels()
    labels.resolve(CONNECTION, browsers("a"), day=TODAY, unbounded=NOBODY)
    stored.ids.clear()
    stored.ids["another"] = 1
    found = labels.resolve(CONNECTION, browsers("a"), day=TODAY, unbounded=NOBODY)
    assert found == {Dimension.BROWSER: {"a": stored.ids["a"]}}
    assert stored.ids["a"] != 1
    labels.publish()
    labels.publish()
    assert labels.resolve(CONNECTION, browsers("a"), day=TODAY, unbounded=NOBODY) == found


def test_memory_is_bounded(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    labels = Labels()
    for text in ("a", "b", "c", "d"):
        labels.resolve(CONNECTION, browsers(text), day=TODAY, unbounded=NOBODY)
        labels.publish()
    stored.asked.clear()
    labels.resolve(CONNECTION, browsers("b", "c", "d"), day=TODAY, unbounded=NOBODY)
    assert all("d" not in texts for texts in stored.asked)
    assert len(labels._kept) <= 3


def test_new_labels_of_a_day_are_bounded_by_dimension(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEW_PER_DAY", 3)
    labels = Labels()
    wanted = {**browsers(*"abcde"), Dimension.OS: {"Linux"}}
    found = labels.resolve(CONNECTION, wanted, day=TODAY, unbounded=NOBODY)
    other = stored.ids[OTHER_LABEL]
    assert [found[Dimension.BROWSER][text] == other for text in "abcde"] == [False, False, False, True, True]
    assert found[Dimension.OS]["Linux"] != other
    # What is known already is no new label, today or tomorrow.
    found = labels.resolve(CONNECTION, browsers("a", "f"), day=TODAY, unbounded=NOBODY)
    assert [found[Dimension.BROWSER][text] == other for text in "af"] == [False, True]
    found = labels.resolve(CONNECTION, browsers("f"), day=TODAY + 1, unbounded=NOBODY)
    assert found[Dimension.BROWSER]["f"] != other


def test_codes_of_own_links_are_not_bounded(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEW_PER_DAY", 1)
    wanted = {Dimension.CODE: set("abcd")}
    found = Labels().resolve(CONNECTION, wanted, day=TODAY, unbounded={"c", "d"})
    other = stored.ids[OTHER_LABEL]
    assert [found[Dimension.CODE][text] == other for text in "abcd"] == [False, True, False, False]
    assert "b" not in stored.ids


def test_a_label_that_is_new_in_two_dimensions_is_made_if_one_of_them_may(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NEW_PER_DAY", 1)
    wanted = {**browsers("a", "b"), Dimension.OS: {"b"}}
    found = Labels().resolve(CONNECTION, wanted, day=TODAY, unbounded=NOBODY)
    assert found[Dimension.BROWSER]["b"] == found[Dimension.OS]["b"] == stored.ids["b"]


def test_nothing_wanted(stored: Stored) -> None:
    assert Labels().resolve(CONNECTION, {}, day=TODAY, unbounded=NOBODY) == {}
    assert stored.ids == {}
