"""Shapes of rules: their examples are true, and what comes in goes out again."""

import pytest
from pydantic import ValidationError

from shortener.domain import condition as conditions
from shortener.domain import rule as rules
from shortener.domain.condition import TYPES, Condition
from shortener.domain.link import REDIRECT_STATUSES
from shortener.domain.rule import Rule, Variant
from shortener.domain.target import TargetPolicy
from shortener.web.api.schemas.rules import KINDS, ConditionIn, RuleIn, RuleOut, draft_rules

E = "https://e.example/"


def test_every_kind_of_condition_is_explained() -> None:
    assert tuple(KINDS) == TYPES
    explained = ConditionIn.model_json_schema()["properties"]["type"]
    assert explained["enum"] == list(TYPES)
    for name, kind in KINDS.items():
        assert f"- `{name}`: {kind.meaning}" in explained["description"]


@pytest.mark.parametrize("kind", TYPES)
def test_the_example_of_each_kind_is_one(kind: str) -> None:
    example = Condition(kind, KINDS[kind].key, KINDS[kind].value)
    assert conditions.check(example, name="x").type == kind


def test_what_comes_in_goes_out_again() -> None:
    sent = [
        RuleIn.model_validate({"conditions": [{"type": "device", "value": "ios"}], "target": E, "status": 307}),
        RuleIn.model_validate({"name": "Both", "split": [{"target": E, "weight": 9}, {"name": "x", "target": E}]}),
    ]
    drafted = draft_rules(sent)
    assert drafted == (
        Rule((Condition("device", None, "ios"),), E, (), 307),
        Rule(split=(Variant("", E, 9), Variant("x", E, 1)), name="Both"),
    )
    for rule in rules.check(drafted, TargetPolicy()):
        shown = RuleOut.model_validate(rules.as_data(rule)).model_dump()
        assert shown == rules.as_data(rule)
        assert draft_rules([RuleIn.model_validate(shown)]) == (rule,)


@pytest.mark.parametrize("status", REDIRECT_STATUSES)
def test_every_status_of_a_link_is_a_rules_too(status: int) -> None:
    assert RuleIn.model_validate({"target": E, "status": status}).status == status


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"targets": E}, id="unknown-field"),
        pytest.param({"target": E, "status": 303}, id="status"),
        pytest.param({"target": E, "conditions": [{"value": "ios"}]}, id="condition-without-type"),
        pytest.param({"target": E, "conditions": [{"type": "device", "value": 1}]}, id="number-for-a-value"),
        pytest.param({"target": E, "conditions": [{"type": "device", "value": "a\nb"}]}, id="control-character"),
        pytest.param({"target": E, "conditions": [{"type": "device"}] * 21}, id="too-many-conditions"),
        pytest.param({"split": [{"target": E}] * 11}, id="too-many-variants"),
        pytest.param({"split": [{"target": E, "weight": 1.0}, {"target": E}]}, id="weight-with-a-point"),
        pytest.param({"split": [{"target": E, "weight": True}, {"target": E}]}, id="weight-that-is-true"),
        pytest.param({"split": [{"target": E, "weight": -1}, {"target": E}]}, id="negative-weight"),
    ],
)
def test_shapes_that_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RuleIn.model_validate(wrong)
