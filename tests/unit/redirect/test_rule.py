"""Rules at work: which one decides, on which side of a split a visitor is, and that the explanation is the truth."""

from collections import Counter
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.domain import rule as rules
from shortener.domain.click import ClickClass
from shortener.domain.condition import Condition
from shortener.domain.destination import compile_destination
from shortener.domain.query import Query
from shortener.domain.rule import Rule, Variant
from shortener.domain.target import TargetPolicy
from shortener.redirect.rule import SHARE_BITS, Decision, compile_rules
from tests.facts import Visit
from tests.unit.laws import law

E = "https://e.example"
ANDROID, IOS = Condition("device", None, "android"), Condition("device", None, "ios")
GERMAN, FRENCH = Condition("language", None, "de"), Condition("language", None, "fr")
LARGEST = 2**SHARE_BITS - 1


def to(number: int, *conditions: Condition, status: int | None = None) -> Rule:
    return Rule(conditions, f"{E}/{number}", (), status)


def never() -> int:
    raise AssertionError("nobody is to be told apart here")


#: By name: rules, and which of them decides on a German with an Android telephone.
DECIDED = {
    "none": ((), None),
    "one-that-holds": ((to(0, ANDROID),), 0),
    "one-that-does-not": ((to(0, IOS),), None),
    "without-conditions": ((to(0),), 0),
    "all-must-hold": ((to(0, ANDROID, FRENCH), to(1, ANDROID, GERMAN)), 1),
    "the-first-to-hold-decides": ((to(0, IOS), to(1, ANDROID), to(2, ANDROID, GERMAN)), 1),
    "none-of-several": ((to(0, IOS), to(1, FRENCH), to(2, ANDROID, FRENCH)), None),
    "what-remains": ((to(0, IOS), to(1, FRENCH), to(2)), 2),
}


@pytest.mark.parametrize(("some", "decides"), DECIDED.values(), ids=list(DECIDED))
def test_which_rule_decides(some: tuple[Rule, ...], decides: int | None) -> None:
    decision = compile_rules(some).decide(Visit(), never)
    assert decision == (None if decides is None else Decision(decides, f"{E}/{decides}", None, None))


def test_a_decision_has_the_rules_status() -> None:
    assert compile_rules([to(0, status=307)]).decide(Visit(), never) == Decision(0, f"{E}/0", 307, None)


def split(*weights: int) -> Rule:
    return Rule(
        split=tuple(Variant("abcdefghij"[index], f"{E}/{index}", w) for index, w in enumerate(weights)), status=302
    )


#: By name: weights, a share, and the side that it is on.
SIDES = {
    "halves-first": ((1, 1), 0, "a"),
    "halves-last-of-the-first": ((1, 1), 2**31 - 1, "a"),
    "halves-first-of-the-second": ((1, 1), 2**31, "b"),
    "halves-last": ((1, 1), LARGEST, "b"),
    "quarter-and-rest": ((25, 75), 2**30 - 1, "a"),
    "rest-and-quarter": ((25, 75), 2**30, "b"),
    "nothing-first": ((0, 1), 0, "b"),
    "nothing-in-the-middle": ((1, 0, 1), 2**31, "c"),
    "nothing-last": ((1, 0), LARGEST, "a"),
    "largest-weights": ((1_000_000,) * 10, LARGEST, "j"),
    "a-grain": ((1, 1_000_000), 2**32 // 1_000_001, "a"),
    "beside-a-grain": ((1, 1_000_000), 2**32 // 1_000_001 + 1, "b"),
}


@pytest.mark.parametrize(("weights", "share", "variant"), SIDES.values(), ids=list(SIDES))
def test_which_side_of_a_split(weights: tuple[int, ...], share: int, variant: str) -> None:
    decision = compile_rules([split(*weights)]).decide(Visit(), lambda: share)
    assert decision == Decision(0, f"{E}/{'abcdefghij'.index(variant)}", 302, variant)


@law
@given(st.lists(st.integers(0, 1_000_000), min_size=2, max_size=10).filter(any))
def test_a_split_is_as_its_weights_say(weights: list[int]) -> None:
    """Shares that are spread evenly fall on each side in proportion, but for the one that a border cuts."""
    compiled, steps = compile_rules([split(*weights)]), 1000
    shares = [step * 2**SHARE_BITS // steps for step in range(steps)]
    decisions = [compiled.decide(Visit(), partial(int, share)) for share in shares]
    found = Counter(decision.variant for decision in decisions if decision)
    for name, weight in zip("abcdefghij", weights, strict=False):
        assert abs(found[name] - steps * weight / sum(weights)) <= 1
        assert weight or not found[name]


conditions = st.sampled_from(
    [ANDROID, IOS, GERMAN, FRENCH, Condition("visitor-class", None, "bot"), Condition("valueless-query-param", "a")]
)
weights = st.lists(st.integers(0, 3), min_size=2, max_size=3).filter(any)
some_rules = st.lists(
    st.builds(
        lambda own, rule: replace(rule, conditions=tuple(own)), st.lists(conditions, max_size=3), st.just(to(0))
    )
    | st.builds(
        lambda own, sides: replace(split(*sides), conditions=tuple(own)), st.lists(conditions, max_size=2), weights
    ),
    max_size=6,
)
visits = st.builds(
    Visit,
    os=st.sampled_from(["Android", "iOS", None]),
    languages=st.sampled_from([(), (("de", 1.0), ("fr", 0.9)), (("fr", 1.0),)]),
    click_class=st.sampled_from(ClickClass),
    query=st.sampled_from([{}, {"a": [""]}, {"a": ["1"]}]),
)


@law
@given(some_rules, visits, st.integers(0, LARGEST))
def test_the_explanation_is_the_decision(some: list[Rule], visit: Visit, share: int) -> None:
    compiled = compile_rules(some)
    decision, verdicts = compiled.decide(visit, lambda: share), compiled.explain(visit, lambda: share)
    assert [verdict.decision for verdict in verdicts if verdict.decision] == ([decision] if decision else [])
    assert [verdict.rule for verdict in verdicts] == list(range(len(some)))
    matched = [verdict.rule for verdict in verdicts if verdict.matched]
    assert matched[:1] == ([decision.rule] if decision else [])
    for rule, verdict in zip(some, verdicts, strict=True):
        assert tuple(condition for condition, _ in verdict.conditions) == rule.conditions
        assert verdict.matched is all(holds for _, holds in verdict.conditions)


def test_the_explanation_says_which_conditions_failed() -> None:
    first, second, third = compile_rules([to(0, ANDROID, FRENCH), to(1, GERMAN), to(2, ANDROID, IOS)]).explain(
        Visit(), never
    )
    assert (first.conditions, first.matched, first.decision) == (((ANDROID, True), (FRENCH, False)), False, None)
    assert (second.matched, second.decision) == (True, Decision(1, f"{E}/1", None, None))
    assert (third.conditions, third.matched, third.decision) == (((ANDROID, True), (IOS, False)), False, None)


def test_a_later_rule_that_matches_too_does_not_decide() -> None:
    first, second = compile_rules([to(0), to(1, GERMAN)]).explain(Visit(), never)
    assert (first.matched, second.matched) == (True, True)
    assert first.decision is not None
    assert second.decision is None


hosts = st.sampled_from(["https://a.example", "https://b.example:8443", "http://[2001:db8::1]"])
behind = st.sampled_from(["", "/x", "/{path}", "/{query.q}?{query.q}", "?a={path}#{code}", "/{code}/{path}"])
targets = st.builds(str.__add__, hosts, behind)
sent = st.text(st.sampled_from("aé/\\.:@#?%=&;\n0q[]{}") | st.characters(), max_size=12)


@law
@given(st.lists(targets, min_size=1, max_size=3), targets, visits, st.integers(0, LARGEST), sent, sent, st.booleans())
def test_a_rule_leads_to_no_host_that_no_target_names(
    of_rules: list[str], own: str, visit: Visit, share: int, path: str, query: str, forward: bool
) -> None:
    some = rules.check(
        [
            Rule((GERMAN,), None, tuple(Variant("", target, 1) for target in (of_rules[0], own))),
            *(Rule((ANDROID,), target) for target in of_rules),
            Rule(target=own),
        ],
        TargetPolicy(),
    )
    decision = compile_rules(some).decide(visit, lambda: share)
    assert decision is not None
    named = {urlsplit(target).netloc for rule in some for target in rules.targets(rule)}
    destination = compile_destination(decision.target, forward_query=forward, forward_path=forward)
    location = destination.to("code", path, Query(query))
    assert urlsplit(location).netloc in named
    assert urlsplit(location).netloc == urlsplit(decision.target).netloc
