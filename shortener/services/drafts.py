"""Drafts of links: checking what somebody wants a link to become, and saying how it differs from what it was."""

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from typing import Any

from shortener import errors
from shortener.domain import code as codes
from shortener.domain import host as hosts
from shortener.domain import placeholder
from shortener.domain import rule as rules
from shortener.domain import tag as tags
from shortener.domain import target as targets
from shortener.domain.link import Link, LinkDraft
from shortener.domain.target import TargetPolicy

FIELDS = tuple(field.name for field in fields(LinkDraft))
#: Fields that history writes down in another way.
_SPECIAL = frozenset({"password_hash", "rules"})
#: Fields that decide together what a visit costs. Links may be older than the limits of that: they go on working.
_COSTLY = frozenset({"target", "rules", "forward_query"})
#: Fields that hold targets.
_TARGETS = ("target", "expired_target")


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """What this instance allows and prefers."""

    targets: TargetPolicy
    #: First path segments of the shortener's own routes, lower case.
    reserved: Collection[str]
    #: Characters of a generated code.
    code_length: int


def checked(draft: LinkDraft, policy: LinkPolicy, changed: Collection[str] = FIELDS) -> LinkDraft:
    """`draft` with its `changed` fields in normal form; raises the first thing that is wrong with them.

    What was not changed is not judged again: a policy that has become stricter must not block other edits.
    """
    if draft.valid_from and draft.expires_at and draft.valid_from >= draft.expires_at:
        raise errors.DatesContradict(field="expires_at")
    normal: dict[str, Any] = {}
    for name in _TARGETS:
        value = getattr(draft, name)
        if name in changed and value is not None:
            normal[name] = targets.check(value, policy.targets, name=name)
    if "code" in changed and draft.code is not None:
        normal["code"] = codes.check(draft.code, policy.reserved)
    if "domain" in changed and draft.domain:
        normal["domain"] = hosts.normal_form(draft.domain)
    if "tags" in changed:
        normal["tags"] = tags.normal_forms(draft.tags)
    if "rules" in changed:
        normal["rules"] = rules.check(draft.rules, policy.targets)
    # Most are in normal form, and a copy costs as much as a check.
    changes = {name: value for name, value in normal.items() if value != getattr(draft, name)}
    draft = replace(draft, **changes) if changes else draft
    if not _COSTLY.isdisjoint(changed):
        placeholder.check_count(draft.target, name="target")
        rules.check_size(draft.rules)
    return draft


def edited(draft: LinkDraft, edits: dict[str, Any], policy: LinkPolicy) -> LinkDraft:
    """A link's own `draft` with `edits`, checked. The code that it has may be one that no new link may have."""
    changed = edits.keys() - ({"code"} if edits.get("code") == draft.code else set())
    return checked(replace(draft, **edits), policy, changed)


def of_link(link: Link) -> LinkDraft:
    """The draft that would make `link` what it is."""
    return LinkDraft(**{name: getattr(link, name) for name in FIELDS})


def written(values: dict[str, Any]) -> dict[str, Any]:
    """Fields of a draft that has been `checked`, as a person writes them: checked again, they mean the same."""
    targets = {name: placeholder.written(values[name]) for name in _TARGETS if values.get(name) is not None}
    ruled = {"rules": tuple(map(rules.written, values["rules"]))} if values.get("rules") else {}
    return {**values, **targets, **ruled}


def difference(before: LinkDraft | None, after: LinkDraft | None) -> dict[str, list[Any]]:
    """Field → [before, after], for those that differ, as history keeps it."""
    pairs = ((name, getattr(before, name, None), getattr(after, name, None)) for name in FIELDS)
    different = {name: [old, new] for name, old, new in pairs if old != new}
    if different.keys().isdisjoint(_SPECIAL):
        return different
    return dict(_kept(name, pair) for name, pair in different.items())


def recorded(values: dict[str, Any]) -> dict[str, Any]:
    """Fields of a draft as history keeps them: of a password only that there is one."""
    return dict(_recorded(name, value) for name, value in values.items())


def shown(recorded: dict[str, Any]) -> dict[str, Any]:
    """Fields as history keeps them, as people see them: targets as they write them."""
    return {name: _shown(name, value) for name, value in recorded.items()}


def shown_difference(difference: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """A `difference` as history keeps it, as people see it."""
    return {name: [_shown(name, value) for value in pair] for name, pair in difference.items()}


def _kept(name: str, pair: list[Any]) -> tuple[str, list[Any]]:
    return _recorded(name, None)[0], [_recorded(name, value)[1] for value in pair]


def _recorded(name: str, value: Any) -> tuple[str, Any]:
    if name == "password_hash":
        return "password", value is not None
    if name == "rules":
        return name, [rules.as_data(rule) for rule in value or ()]
    return name, value


def _shown(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _TARGETS:
        return placeholder.written(value)
    if name == "rules":
        return [rules.as_data(rules.written(rules.from_data(rule))) for rule in value]
    if name == "scheduled" and "changes" in value:
        return {**value, "changes": shown(value["changes"])}
    return value
