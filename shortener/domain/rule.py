"""Rules: by which a link leads different visitors to different targets. What one may be, and its stored form.

The first rule whose conditions all hold decides; without conditions that is always so. redirect/rule does it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from shortener import errors
from shortener.domain import condition as conditions
from shortener.domain import placeholder, text
from shortener.domain.condition import Condition
from shortener.domain.target import TargetPolicy
from shortener.domain.target import check as check_target

MAX_RULES = 50
MAX_CONDITIONS = 20
#: Characters of all rules together as they are stored: a visit to a link that is not cached reads them all.
MAX_STORED_LENGTH = 65_536
MIN_VARIANTS, MAX_VARIANTS = 2, 10
#: So that shares can be given as percentages with four places, or as whatever people count in.
MAX_WEIGHT = 1_000_000
#: Of a rule or a variant.
MAX_NAME_LENGTH = 64
#: domain.link's REDIRECT_STATUSES, which cannot be had from there: links have rules.
STATUSES = (301, 302, 307, 308)
_LETTERS = "abcdefghij"
#: The class of old clicks that no visit has any more.
_NOBODYS_CLASS = "prefetch"


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the targets between which visitors are split. `name` is what statistics call it."""

    name: str
    target: str
    #: Its share of the visitors is this by the sum of all.
    weight: int


@dataclass(frozen=True, slots=True)
class Rule:
    """Where visits lead that meet all conditions: to `target`, or to one of `split`."""

    conditions: tuple[Condition, ...] = ()
    target: str | None = None
    split: tuple[Variant, ...] = ()
    #: Of the redirect; None for the link's own.
    status: int | None = None
    #: For people.
    name: str | None = None


def check(rules: Sequence[Rule], policy: TargetPolicy, *, name: str = "rules") -> tuple[Rule, ...]:
    """`rules` in normal form: targets and conditions as they are stored, every variant named.

    Errors blame the field at fault below `name`, such as `rules.0.conditions.1.value`.
    Raises RuleInvalid, PlaceholderInvalid or one of errors.Target*.
    """
    if len(rules) > MAX_RULES:
        detail = f"There are {len(rules)} rules; a link has at most {MAX_RULES}."
        raise errors.RuleInvalid(detail, field=name)
    return tuple(_checked(rule, policy, f"{name}.{index}") for index, rule in enumerate(rules))


def check_size(rules: Sequence[Rule], *, name: str = "rules") -> None:
    """Raises RuleInvalid where `rules`, in normal form, would make a visit dear; PlaceholderInvalid for a target."""
    length = len(dump(rules) or "")
    if length > MAX_STORED_LENGTH:
        detail = f"The rules have {length:,} characters in all; at most {MAX_STORED_LENGTH:,} are allowed."
        raise errors.RuleInvalid(detail, field=name)
    for index, rule in enumerate(rules):
        for target in targets(rule):
            placeholder.check_count(target, name=f"{name}.{index}.target")


def targets(rule: Rule) -> tuple[str, ...]:
    """Every target that `rule` may lead to."""
    return tuple(variant.target for variant in rule.split) if rule.target is None else (rule.target,)


def variants(rules: Sequence[Rule]) -> set[str]:
    """The names of all variants of `rules`."""
    return {variant.name for rule in rules for variant in rule.split}


def warnings(rules: Sequence[Rule]) -> list[str]:
    """Warnings, in sentences, for the owner of a link with `rules`."""
    return [
        f"rules.{number}.conditions.{index} never holds: prefetches are answered before rules are read, "
        f"so no visitor has the class '{_NOBODYS_CLASS}'."
        for number, rule in enumerate(rules)
        for index, condition in enumerate(rule.conditions)
        if condition.type == "visitor-class" and condition.value == _NOBODYS_CLASS
    ]


def dump(rules: Sequence[Rule]) -> str | None:
    """`rules` as they are stored, None for none; `load` gives them back."""
    return orjson.dumps([_sparse(as_data(rule)) for rule in rules]).decode() if rules else None


def load(stored: str | None) -> tuple[Rule, ...]:
    """The rules that `dump` stored."""
    return tuple(map(from_data, orjson.loads(stored))) if stored else ()


def as_data(rule: Rule) -> dict[str, Any]:
    """`rule` as the API and history show it."""
    return asdict(rule) | {"conditions": list(map(asdict, rule.conditions)), "split": list(map(asdict, rule.split))}


def from_data(data: Mapping[str, Any]) -> Rule:
    """The rule that `as_data` has shown; what is left out is none."""
    return Rule(
        conditions=tuple(Condition(**condition) for condition in data.get("conditions", ())),
        target=data.get("target"),
        split=tuple(Variant(**variant) for variant in data.get("split", ())),
        status=data.get("status"),
        name=data.get("name"),
    )


def written(rule: Rule) -> Rule:
    """`rule`, whose targets are in stored form, with them as a person writes them."""
    split = tuple(replace(variant, target=placeholder.written(variant.target)) for variant in rule.split)
    target = None if rule.target is None else placeholder.written(rule.target)
    return replace(rule, target=target, split=split)


def _sparse(data: dict[str, Any]) -> dict[str, Any]:
    """`data` without what is none."""
    kept = {key: value for key, value in data.items() if value is not None and value != []}
    if data.get("conditions"):
        kept["conditions"] = [_sparse(condition) for condition in data["conditions"]]
    return kept


def _checked(rule: Rule, policy: TargetPolicy, name: str) -> Rule:
    if len(rule.conditions) > MAX_CONDITIONS:
        detail = f"The rule has {len(rule.conditions)} conditions; at most {MAX_CONDITIONS} are allowed."
        raise errors.RuleInvalid(detail, field=f"{name}.conditions")
    if rule.target is None and not rule.split:
        raise errors.RuleInvalid("The rule leads nowhere; give it a target or a split.", field=f"{name}.target")
    if rule.target is not None and rule.split:
        raise errors.RuleInvalid("A rule has a target or a split, not both.", field=f"{name}.split")
    if rule.status is not None and rule.status not in STATUSES:
        allowed = ", ".join(map(str, STATUSES))
        raise errors.RuleInvalid(f"A rule's status is one of {allowed}; none is the link's.", field=f"{name}.status")
    return Rule(
        conditions=tuple(
            conditions.check(condition, name=f"{name}.conditions.{index}")
            for index, condition in enumerate(rule.conditions)
        ),
        target=None if rule.target is None else check_target(rule.target, policy, name=f"{name}.target"),
        split=_split(rule.split, policy, f"{name}.split") if rule.split else (),
        status=rule.status,
        name=_name(rule.name or "", f"{name}.name") or None,
    )


def _name(given: str, name: str) -> str:
    wrong = text.forbidden_character(given)
    if wrong is not None:
        raise errors.RuleInvalid(f"The name contains {text.visible(wrong)}; remove it.", field=name)
    if len(given) > MAX_NAME_LENGTH:
        detail = f"The name has {len(given)} characters; at most {MAX_NAME_LENGTH} are allowed."
        raise errors.RuleInvalid(detail, field=name)
    normal = text.nfc(given).strip()
    return normal if len(normal) <= MAX_NAME_LENGTH else _name(normal, name)


def _split(split: Sequence[Variant], policy: TargetPolicy, name: str) -> tuple[Variant, ...]:
    if not MIN_VARIANTS <= len(split) <= MAX_VARIANTS:
        detail = f"A split has {MIN_VARIANTS} to {MAX_VARIANTS} variants, not {len(split)}."
        raise errors.RuleInvalid(detail, field=name)
    for index, variant in enumerate(split):
        _check_weight(variant.weight, f"{name}.{index}.weight")
    if not any(variant.weight for variant in split):
        raise errors.RuleInvalid("The weights add up to nothing: nobody could be sent anywhere.", field=name)
    names = _names([_name(variant.name, f"{name}.{index}.name") for index, variant in enumerate(split)], name)
    return tuple(
        replace(variant, name=own, target=check_target(variant.target, policy, name=f"{name}.{index}.target"))
        for index, (variant, own) in enumerate(zip(split, names, strict=True))
    )


def _check_weight(weight: int, name: str) -> None:
    # A bool is an int, but nobody's idea of a weight.
    if isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= MAX_WEIGHT:
        raise errors.RuleInvalid(f"A weight is a whole number from 0 to {MAX_WEIGHT:,}.", field=name)


def _names(given: Sequence[str], name: str) -> list[str]:
    """`given` with a letter for each that is empty: that of its place, or the first that nobody else has."""
    twice = next((each for each, count in Counter(filter(None, given)).items() if count > 1), None)
    if twice is not None:
        raise errors.RuleInvalid(f"Two variants are called '{text.printable(twice)}'.", field=name)
    names = list(given)
    for index, each in enumerate(names):
        if not each:
            names[index] = next(letter for letter in _LETTERS[index:] + _LETTERS if letter not in names)
    return names
