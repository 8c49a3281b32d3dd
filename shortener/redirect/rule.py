"""Rules at work: which of a link's rules decides on a visit, and why. Pure: the facts and the share come in."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from shortener.domain.condition import Condition, Facts, Test, compiled
from shortener.domain.rule import Rule

#: Bits of the number that tells a visitor's place in a split.
SHARE_BITS = 32

#: The test of a condition. Kept ready, 2 KB at most each: to work one out takes up to 0.3 ms (a weekly schedule), and
#: a link that is not cached may have a thousand.
_test = lru_cache(4096)(compiled)

#: A number below 2 ** SHARE_BITS, evenly spread over visitors, and always the same for one visitor and link.
Share = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a rule sends a visit."""

    #: Which rule it was, counted from 0.
    rule: int
    #: In stored form.
    target: str
    #: None for the link's own.
    status: int | None
    #: Which side of a split; None where there is none.
    variant: str | None


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """How a rule fared with a visit."""

    #: Counted from 0.
    rule: int
    #: Each condition, and whether it holds.
    conditions: tuple[tuple[Condition, bool], ...]
    #: Whether all do. An earlier rule may have decided nevertheless.
    matched: bool
    #: What it decided; None where it did not match or another had decided.
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A rule ready for visits."""

    conditions: tuple[Condition, ...]
    tests: tuple[Test, ...]
    decisions: tuple[Decision, ...]
    #: Where each decision's part of the shares ends, in weights. Empty where there is but one.
    ends: tuple[int, ...]

    def decision(self, share: Share) -> Decision:
        if not self.ends:
            return self.decisions[0]
        return self.decisions[bisect_right(self.ends, share() * self.ends[-1] >> SHARE_BITS)]


class CompiledRules:
    """The rules of a link, ready for visits."""

    __slots__ = ("_rules",)

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(_compile(index, rule) for index, rule in enumerate(rules))

    def decide(self, facts: Facts, share: Share) -> Decision | None:
        """What the first rule says whose conditions all hold; None where none does: then the link itself does."""
        for rule in self._rules:
            for test in rule.tests:
                if not test(facts):
                    break
            else:
                return rule.decision(share)
        return None

    def explain(self, facts: Facts, share: Share) -> list[RuleVerdict]:
        """How each rule fares. The one with a decision is the one that `decide` finds."""
        verdicts: list[RuleVerdict] = []
        decided = False
        for index, rule in enumerate(self._rules):
            held = tuple(test(facts) for test in rule.tests)
            decision = rule.decision(share) if all(held) and not decided else None
            decided = decided or decision is not None
            verdicts.append(RuleVerdict(index, tuple(zip(rule.conditions, held, strict=True)), all(held), decision))
        return verdicts


def compile_rules(rules: Sequence[Rule]) -> CompiledRules:
    """`rules`, which have passed domain.rule.check, ready for visits."""
    return CompiledRules(rules)


def _compile(index: int, rule: Rule) -> _Compiled:
    if rule.target is None:
        decisions = tuple(Decision(index, each.target, rule.status, each.name) for each in rule.split)
    else:
        decisions = (Decision(index, rule.target, rule.status, None),)
    ends = tuple(accumulate(variant.weight for variant in rule.split))
    return _Compiled(rule.conditions, tuple(map(_test, rule.conditions)), decisions, ends)
