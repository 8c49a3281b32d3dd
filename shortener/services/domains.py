"""What can be done with domains. Each writing function is one transaction that also records the change."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from shortener import errors
from shortener.domain import host as hosts
from shortener.domain import page as pages
from shortener.domain import rule as rules
from shortener.domain import target as targets
from shortener.domain.page import Page
from shortener.domain.target import TargetPolicy
from shortener.storage import changes
from shortener.storage import domains as rows
from shortener.storage.domains import Domain, Naming
from shortener.storage.engine import Connection, Database

#: What a domain may say, by the names that its row, its edits and its history have for it.
FIELDS = ("home_target", "not_found_target", "expired_target", "status")
#: Those that are targets.
TARGETS = FIELDS[:3]
#: Those of them that are filled in for each visitor; in the others all is text.
WITH_PLACEHOLDERS = frozenset({"expired_target"})
_QUESTION = "domains"
#: Links that lead to a domain: so many are read, and so many of them are named.
_MOST_READ, _NAMED = 1_000, 10


def create(
    database: Database, policy: TargetPolicy, base_url: str, name: str, fields: Mapping[str, Any], *, actor: str
) -> Domain:
    """Configures the domain called `name`, with those of FIELDS that are given.

    Raises DomainInvalid, DomainTaken, also for the host of the base URL, and errors.Target*.
    """
    name = hosts.normal_form(name, name="name")
    if name == hosts.of_url(base_url):
        detail = f"'{name}' is this instance's own host: its links are those of the default domain."
        raise errors.DomainTaken(detail, field="name")
    with database.write() as connection:
        changes.lock(connection)
        fields = _checked(fields, knowing_domains(connection, policy, base_url, name))
        if not rows.add(connection, name, fields, datetime.now(UTC)):
            raise errors.DomainTaken(f"The domain '{name}' is configured already: change that one.", field="name")
        made = _find(connection, name)
        _record(connection, "domain-created", made.name, _difference({}, _fields(made)), actor)
        return made


def get(database: Database, name: str) -> Domain:
    """The domain called `name`, in any form. Raises DomainNotFound."""
    with database.read() as connection:
        return _find(connection, name)


def listing(database: Database, *, limit: int, cursor: str | None = None) -> Page[Domain]:
    """A page of the configured domains, by name. Raises CursorInvalid."""
    after = rows.DEFAULT if cursor is None else pages.read_cursor(_QUESTION, cursor, (str,))[0]
    with database.read() as connection:
        found = rows.page(connection, limit=limit + 1, after=after)
    if len(found) <= limit:
        return Page(found, None)
    return Page(found[:limit], pages.make_cursor(_QUESTION, [found[limit - 1].name]))


def edit(
    database: Database, policy: TargetPolicy, base_url: str, name: str, edits: Mapping[str, Any], *, actor: str
) -> Domain:
    """Gives a domain new values for those of FIELDS in `edits`. Raises DomainNotFound and errors.Target*."""
    with database.write() as connection:
        changes.lock(connection)
        before = _find(connection, name)
        fields = _checked(edits, knowing_domains(connection, policy, base_url))
        difference = _difference(_fields(before), {**_fields(before), **fields})
        if not difference:
            return before
        rows.change(connection, before.name, fields)
        _record(connection, "domain-edited", before.name, difference, actor)
        return _find(connection, before.name)


def delete(database: Database, name: str, *, actor: str) -> None:
    """Takes away a domain; its host has the links of the default domain from then on.

    Raises DomainNotFound, and DomainInUse while it has links.
    """
    with database.write() as connection:
        changes.lock(connection)
        before = _find(connection, name)
        if before.links:
            count = "is a link" if before.links == 1 else f"are {before.links} links"
            raise errors.DomainInUse(f"There {count} on '{before.name}': delete what is there first.")
        rows.remove(connection, before.name)
        _record(connection, "domain-deleted", before.name, _difference(_fields(before), {}), actor)


def warnings(database: Database, base_url: str, name: str, settings: Mapping[str, str | None]) -> list[str]:
    """What leads to the domain called `name`, in normal form, although nothing new could: what was there before it.

    `settings` are the instance's own targets. Reads all links.
    """
    own_hosts = hosts.own_hosts(base_url, (name,))
    with database.read() as connection:
        links = [found for found in rows.links_naming(connection, name, _MOST_READ) if _leads_to(found, own_hosts)]
        others = rows.all_settings(connection)
    found = _about_links(links)
    for other, said in sorted(others.items()):
        found += [
            f"{field} of the domain '{other}' leads to this domain: change it."
            for field in TARGETS
            if targets.leads_to(getattr(said, field) or "", own_hosts)
        ]
    found += [
        f"The setting {setting} leads to this domain, so it is ignored."
        for setting, value in settings.items()
        if targets.leads_to(value or "", own_hosts)
    ]
    return found


def _about_links(links: Sequence[Naming]) -> list[str]:
    if not links:
        return []
    named = ", ".join(f"'{link.domain}/{link.code}'" if link.domain else f"'{link.code}'" for link in links[:_NAMED])
    more = f" and {len(links) - _NAMED} more" if len(links) > _NAMED else ""
    what, change = ("link leads", "its target") if len(links) == 1 else ("links lead", "their targets")
    count = f"{len(links):,}" if len(links) < _MOST_READ else f"At least {_MOST_READ:,}"
    said = f"Change {change}: a link that leads to itself is answered as not found."
    return [f"{count} {what} to this domain: {named}{more}. {said}"]


def _leads_to(link: Naming, own_hosts: frozenset[tuple[str, int]]) -> bool:
    of_rules = (target for rule in rules.load(link.rules) for target in rules.targets(rule))
    return any(targets.leads_to(target or "", own_hosts) for target in (link.target, link.expired_target, *of_rules))


def knowing_domains(connection: Connection, policy: TargetPolicy, base_url: str, *more: str) -> TargetPolicy:
    """`policy`, which then refuses targets on every configured domain and on `more`: loops too. One query."""
    domains = (*rows.names(connection), *more)
    return replace(policy, own_hosts=policy.own_hosts | hosts.own_hosts(base_url, domains))


def _checked(fields: Mapping[str, Any], policy: TargetPolicy) -> dict[str, Any]:
    """`fields` with their targets in stored form. Raises errors.Target*."""
    given = {name: fields[name] for name in TARGETS if fields.get(name) is not None}
    checks = {name: targets.check if name in WITH_PLACEHOLDERS else targets.check_fixed for name in given}
    return {**fields, **{name: checks[name](value, policy, name=name) for name, value in given.items()}}


def _find(connection: Connection, name: str) -> Domain:
    try:
        found = rows.counted(connection, hosts.normal_form(name))
    except errors.DomainInvalid:
        found = None
    if found is None:
        raise errors.DomainNotFound(f"The domain '{name[: hosts.MAX_LENGTH]}' is not configured here.")
    return found


def _fields(domain: Domain) -> dict[str, Any]:
    return {name: getattr(domain.settings, name) for name in FIELDS}


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    pairs = {name: [before.get(name), after.get(name)] for name in FIELDS}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _record(connection: Connection, kind: str, name: str, diff: dict[str, list[Any]], actor: str) -> None:
    """Writes down a change of a domain. It has no code: it is the domain that caches have to look at again."""
    changes.append(connection, at=datetime.now(UTC), actor=actor, kind=kind, domain=name, code="", diff=diff)
