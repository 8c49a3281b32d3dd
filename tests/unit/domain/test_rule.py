"""Rules: which are refused and why, their normal form, and that what is stored can be had again."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener import errors
from shortener.domain import rule as rules
from shortener.domain.condition import Condition
from shortener.domain.link import REDIRECT_STATUSES
from shortener.domain.rule import Rule, Variant
from shortener.domain.target import TargetPolicy
from tests.unit.laws import law

POLICY = TargetPolicy(own_hosts=frozenset({("go.example", 443)}))
E = "https://e.example"
IOS = Condition("device", None, "ios")


def split(*weights: int, names: str = "") -> tuple[Variant, ...]:
    """Variants with these weights and, as far as they go, these names of a letter."""
    return tuple(
        Variant(names[index : index + 1].strip(), f"{E}/{index}", weight) for index, weight in enumerate(weights)
    )


#: By name: a rule and its normal form.
GOOD = {
    "target-only": (Rule(target="HTTPS://E.example"), Rule(target=f"{E}/")),
    "everything": (
        Rule((replace(IOS, value="IOS"), Condition("any-value-query-param", "a", "")), f"{E}/é", (), 308, " Phones "),
        Rule((IOS, Condition("any-value-query-param", "a")), f"{E}/%C3%A9", (), 308, "Phones"),
    ),
    "placeholders": (Rule(target=f"{E}/{{path}}?a={{query.a}}"), Rule(target=f"{E}/%7Bpath%7D?a={{query.a}}")),
    "split": (Rule(split=split(90, 10)), Rule(split=split(90, 10, names="ab"))),
    "split-with-names": (Rule(split=split(1, 1, names="xy")), Rule(split=split(1, 1, names="xy"))),
    "split-with-some-names": (Rule(split=split(1, 1, 1, names=" x")), Rule(split=split(1, 1, 1, names="axc"))),
    "split-with-a-letter-taken": (Rule(split=split(1, 1, 1, names="b ")), Rule(split=split(1, 1, 1, names="bcd"))),
    "split-with-the-last-taken": (
        Rule(split=split(*[1] * 10, names="j        ")),
        Rule(split=split(*[1] * 10, names="jbcdefghia")),
    ),
    "split-with-a-pause": (Rule(split=split(0, 1)), Rule(split=split(0, 1, names="ab"))),
    "split-of-the-largest": (
        Rule(split=split(*[1_000_000] * 10)),
        Rule(split=split(*[1_000_000] * 10, names="abcdefghij")),
    ),
    "name-of-space": (Rule(target=f"{E}/", name=" "), Rule(target=f"{E}/")),
    "name-decomposed": (Rule(target=f"{E}/", name="gru\u0308n"), Rule(target=f"{E}/", name="grün")),
}  # fmt: skip

#: By name: a rule that is none, the field at fault, the error's code, and what its message must mention.
BAD: dict[str, tuple[Rule, str, str, str]] = {
    "nothing": (Rule(), "target", "rule-invalid", "leads nowhere"),
    "conditions-only": (Rule((IOS,)), "target", "rule-invalid", "leads nowhere"),
    "target-and-split": (Rule(target=E, split=split(1, 1)), "split", "rule-invalid", "not both"),
    "empty-target": (Rule(target=""), "target", "target-scheme", "https://"),
    "target-of-another-scheme": (Rule(target="javascript:x"), "target", "target-scheme", "https://"),
    "target-that-is-ours": (Rule(target="https://go.example/x"), "target", "target-own-host", "loop"),
    "target-with-half-a-placeholder": (Rule(target=f"{E}/{{query.}}"), "target", "placeholder-invalid", "{query.id}"),
    "unknown-condition": (Rule((IOS, Condition("x")), E), "conditions.1.type", "rule-invalid", "device"),
    "bad-condition": (Rule((IOS, replace(IOS, value="x")), E), "conditions.1.value", "rule-invalid", "'x'"),
    "too-many-conditions": (Rule((IOS,) * 21, E), "conditions", "rule-invalid", "21"),
    "status-of-another-kind": (Rule(target=E, status=303), "status", "rule-invalid", "301, 302, 307, 308"),
    "long-name": (Rule(target=E, name="x" * 65), "name", "rule-invalid", "65"),
    "name-longer-in-normal-form": (Rule(target=E, name="\u0344" * 64), "name", "rule-invalid", "128"),
    "name-of-a-control-character": (Rule(target=E, name="a\tb"), "name", "rule-invalid", "U+0009"),
    "one-variant": (Rule(split=split(1)), "split", "rule-invalid", "2 to 10"),
    "eleven-variants": (Rule(split=split(*[1] * 11)), "split", "rule-invalid", "not 11"),
    "weights-of-nothing": (Rule(split=split(0, 0)), "split", "rule-invalid", "add up to nothing"),
    "negative-weight": (Rule(split=split(1, -1)), "split.1.weight", "rule-invalid", "from 0 to 1,000,000"),
    "weight-too-large": (Rule(split=split(1_000_001, 1)), "split.0.weight", "rule-invalid", "1,000,000"),
    "weight-that-is-true": (Rule(split=split(True, 1)), "split.0.weight", "rule-invalid", "whole number"),
    "weight-that-is-no-whole-number": (
        Rule(split=(Variant("", E, 0.5), *split(1))),  # type: ignore[arg-type]  # what JSON may hold
        "split.0.weight",
        "rule-invalid",
        "whole number",
    ),
    "two-of-one-name": (Rule(split=split(1, 1, names="xx")), "split", "rule-invalid", "'x'"),
    "two-of-one-name-in-normal-form": (
        Rule(split=(Variant("ü", E, 1), Variant(" u\u0308", E, 1))), "split", "rule-invalid", "'ü'"
    ),
    "variants-long-name": (Rule(split=(Variant("x" * 65, E, 1), *split(1))), "split.0.name", "rule-invalid", "65"),
    "variants-target": (Rule(split=(*split(1), Variant("", "x", 1))), "split.1.target", "target-scheme", "https://"),
    "variants-placeholder": (
        Rule(split=(*split(1), Variant("", f"{E}/{{query.", 1))),
        "split.1.target",
        "placeholder-invalid",
        "{query.id}",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "normal"), GOOD.values(), ids=list(GOOD))
def test_rules(rule: Rule, normal: Rule) -> None:
    checked = rules.check([rule], POLICY)
    assert checked == (normal,)
    assert rules.check(list(map(rules.written, checked)), POLICY) == checked
    assert rules.load(rules.dump(checked)) == checked
    assert rules.from_data(rules.as_data(normal)) == normal


@pytest.mark.parametrize(("rule", "field", "code", "mentioned"), BAD.values(), ids=list(BAD))
def test_what_is_refused(rule: Rule, field: str, code: str, mentioned: str) -> None:
    with pytest.raises(errors.Refused) as refusal:
        rules.check([Rule(target=E), rule], POLICY)
    assert (refusal.value.field, refusal.value.code) == (f"rules.1.{field}", code)
    assert mentioned in refusal.value.detail
    with pytest.raises(errors.Refused) as refusal:
        rules.check([rule], POLICY, name="items.3.rules")
    assert refusal.value.field == f"items.3.rules.0.{field}"


def test_a_link_has_so_many_rules_and_no_more() -> None:
    assert len(rules.check([Rule((IOS,) * 20, E)] * 50, POLICY)) == 50
    with pytest.raises(errors.RuleInvalid) as refusal:
        rules.check([Rule(target=E)] * 51, POLICY)
    assert refusal.value.field == "rules"
    assert "51" in refusal.value.detail


def test_none_are_stored_as_nothing() -> None:
    assert rules.check([], POLICY) == ()
    assert rules.dump(()) is None
    assert rules.load(None) == rules.load("") == ()


def test_how_they_are_stored() -> None:
    """In databases there are rules written like this: they must stay readable."""
    stored = (
        '[{"conditions":[{"type":"query-param","key":"a","value":"1"},{"type":"valueless-query-param","key":"b"}],'
        '"target":"https://e.example/","status":307,"name":"Ä"},'
        '{"split":[{"name":"a","target":"https://e.example/1","weight":9},'
        '{"name":"b","target":"https://e.example/2","weight":0}]}]'
    )
    loaded = (
        Rule((Condition("query-param", "a", "1"), Condition("valueless-query-param", "b")), f"{E}/", (), 307, "Ä"),
        Rule(split=(Variant("a", f"{E}/1", 9), Variant("b", f"{E}/2", 0))),
    )
    assert rules.load(stored) == loaded
    assert rules.dump(loaded) == stored


def test_what_the_api_and_history_show() -> None:
    rule = Rule((IOS,), None, split(1, 2, names="ab"), 302, "Phones")
    shown: dict[str, Any] = {
        "conditions": [{"type": "device", "key": None, "value": "ios"}],
        "target": None,
        "split": [
            {"name": "a", "target": f"{E}/0", "weight": 1},
            {"name": "b", "target": f"{E}/1", "weight": 2},
        ],
        "status": 302,
        "name": "Phones",
    }
    assert rules.as_data(rule) == shown
    assert rules.load(orjson.dumps([shown]).decode()) == (rule,)


def test_which_targets_a_rule_has() -> None:
    assert rules.targets(Rule(target=E)) == (E,)
    assert rules.targets(Rule(split=split(1, 0))) == (f"{E}/0", f"{E}/1")


def test_a_rule_may_have_every_status_that_a_link_may_have() -> None:
    assert rules.STATUSES == REDIRECT_STATUSES


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
any_condition = st.builds(Condition, texts, st.none() | texts, st.none() | texts)
any_variant = st.builds(Variant, texts, texts, st.integers(0, 10**6))
any_rule = st.builds(
    Rule,
    st.lists(any_condition, max_size=3).map(tuple),
    st.none() | texts,
    st.lists(any_variant, max_size=3).map(tuple),
    st.none() | st.integers(0, 999),
    st.none() | texts,
)


@law
@given(st.lists(any_rule, max_size=4).map(tuple))
def test_whatever_is_stored_can_be_had_again(some: tuple[Rule, ...]) -> None:
    assert rules.load(rules.dump(some)) == some
    assert tuple(rules.from_data(rules.as_data(rule)) for rule in some) == some


sensible_variant = st.builds(Variant, st.sampled_from(["", "a", "b", "B ", "ü"]), st.just(E), st.integers(-1, 3))
sensible_rule = st.builds(
    Rule,
    st.lists(st.builds(Condition, st.just("device"), st.none(), st.sampled_from(["IOS", "tv", "x"])), max_size=2).map(
        tuple
    ),
    st.sampled_from([None, None, E, "x"]),
    st.lists(sensible_variant, max_size=4).map(tuple),
    st.sampled_from([None, 302, 200]),
    st.none() | texts,
)


@law
@given(sensible_rule)
def test_what_has_been_checked_stays_as_it_is(rule: Rule) -> None:
    try:
        checked = rules.check([rule], POLICY)
    except errors.Refused:
        return
    assert rules.check(list(map(rules.written, checked)), POLICY) == checked
    names = [variant.name for variant in checked[0].split]
    assert all(names)
    assert len(set(names)) == len(names)
