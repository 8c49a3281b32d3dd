"""/api/v1/links/{code}/explain: what a visit would be answered, and why."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from starlette.responses import Response

from shortener import errors
from shortener.clicks.geo import Place
from shortener.domain import code as codes
from shortener.domain import host as hosts
from shortener.domain import period
from shortener.domain import rule as rules
from shortener.domain.link import State
from shortener.domain.query import Query
from shortener.domain.rule import Rule
from shortener.redirect import loop
from shortener.redirect.answer import Outcome, Visit, answer
from shortener.redirect.entry import Entry, compile_entry
from shortener.redirect.rule import RuleVerdict
from shortener.storage import visits
from shortener.storage.visits import Visited
from shortener.web import clicks, limits
from shortener.web.api import examples
from shortener.web.api.route import make_router
from shortener.web.api.schemas.explain import ExplainIn, ExplainOut
from shortener.web.deps import DomainName, LinksReader, Parts, PartsDep
from shortener.web.responses import ORJSONResponse
from shortener.web.statuses import STATUS_OF_CODE
from shortener.web.visitors import Facts

router = make_router("links", "/links/{code}")

#: Of a visit that leads nowhere.
_NOTHING: dict[str, Any] = {"location": None, "rule": None, "variant": None, "needs_slot": False, "rules": []}
_STATUS = {Outcome.NOT_FOUND: 404, Outcome.GONE: 410, Outcome.METHOD_NOT_ALLOWED: 405}


@router.post(
    "/explain",
    response_model=ExplainOut,
    summary="Explain what a visit gets",
    responses={**examples.WITH_BODY, **examples.refusals(*examples.NAME, errors.ValidationFailed)},
)
def explain(
    code: str, body: ExplainIn, request: Request, parts: PartsDep, _principal: LinksReader, domain: DomainName = ""
) -> Response:
    """Which rule matches, which conditions fail and where it leads, for a visitor who is described or for yourself.

    By the very code that answers visits, from the database as it is now. Nothing is counted.
    """
    normal = codes.normal_form(code)
    domain = hosts.normal_form(domain) if domain else ""
    with parts.database.read() as connection:
        visited = visits.visited(connection, domain, normal) if normal else None
    if visited is None or normal is None:
        raise errors.LinkNotFound(f"There is no link called '{codes.shown(code)}'.")
    return ORJSONResponse(_explained(visited, normal, _visit(request, normal, body, parts), parts))


def _visit(request: Request, code: str, body: ExplainIn, parts: Parts) -> Visit:
    asked = _described(clicks.of_scope(request.scope), body)
    visitor = parts.visitors.of(asked)
    now = body.at or datetime.now(UTC)
    place = Place(*(given or found for given, found in zip(_place(body), visitor.place, strict=True)))
    query = Query(asked.query.decode().removeprefix("?"))
    facts = _Described(visitor, asked, query, period.to_ms(now), place)
    return Visit(body.method, code, body.path.removeprefix("/"), query, facts, visitor.share)


def _place(body: ExplainIn) -> tuple[str | None, str | None, str | None]:
    return body.country, body.region, body.city


@dataclass
class _Described(Facts):
    """Facts about a visitor who may be said to be somewhere."""

    place: Place

    @property
    def country(self) -> str | None:
        return self.place.country

    @property
    def region(self) -> str | None:
        return self.place.region

    @property
    def city(self) -> str | None:
        return self.place.city


def _described(present: clicks.Request, body: ExplainIn) -> clicks.Request:
    """The request that the described visitor would send."""
    headers = {
        b"user-agent": body.user_agent,
        b"accept-language": body.accept_language,
        b"referer": body.referrer,
    }
    fields = {name: value for name, value in present.fields.items() if name in headers}
    fields |= {name: value.encode() for name, value in headers.items() if value is not None}
    if body.address is None and b"x-forwarded-for" in present.fields:
        fields[b"x-forwarded-for"] = present.fields[b"x-forwarded-for"]
    return clicks.Request(list(fields.items()), fields, body.address or present.peer, body.query.encode())


def _explained(visited: Visited, code: str, visit: Visit, parts: Parts) -> dict[str, Any]:
    entry = compile_entry(visited, code, parts.lookup.defaults, parts.domains)
    now = visit.facts.now
    not_found_target = parts.domains.of(visited.domain).not_found_target
    try:
        given = answer(entry, visit, now, parts.answer_policy, not_found_target)
    except (errors.LocationTooLong, errors.TooManyParameters) as refusal:
        return {**_refused(visit, refusal), "state": entry.state(now), "needs_password": _needs_password(entry, now)}
    if entry.may_loop and _leads_to_itself(entry, given.location, parts):
        given = loop.broken(given, not_found_target)
    verdicts = [] if entry.rules is None else entry.rules.explain(visit.facts, lambda: visit.share(entry.id))
    redirects = given.outcome is Outcome.REDIRECT
    if redirects and entry.is_limited and not limits.takes_slot(entry, visit.method, visit.facts.click_class):
        return {**_only_looks(visit), "state": entry.state(now), "needs_password": entry.password_hash is not None}
    decision = next((verdict.decision for verdict in verdicts if verdict.decision), None) if redirects else None
    return {
        "outcome": given.outcome,
        "state": entry.state(now),
        "status": given.status if given.location is not None else _STATUS[given.outcome],
        "location": given.location,
        "rule": None if decision is None else decision.rule,
        "variant": None if decision is None else decision.variant,
        "needs_password": _needs_password(entry, now),
        "needs_slot": entry.is_limited and redirects,
        "visitor": _visitor(visit),
        "rules": [_verdict(verdict, rule) for verdict, rule in zip(verdicts, rules.load(visited.rules), strict=True)],
    }


def _leads_to_itself(entry: Entry, location: str | None, parts: Parts) -> bool:
    place = loop.place_of(location, entry, parts.domains)
    if place is None:
        return False
    with parts.database.read() as connection:
        found = visits.visited(connection, *place)
    return found is not None and found.id == entry.id


def _only_looks(visit: Visit) -> dict[str, Any]:
    """Who takes no slot of a limit sees a page that says nothing of where the link leads."""
    return {"outcome": "preview", "status": 200, **_NOTHING, "visitor": _visitor(visit)}


def _refused(visit: Visit, refusal: errors.Refused) -> dict[str, Any]:
    """The explanation of a visit whose path or query is too long for this link."""
    return {
        "outcome": refusal.code,
        "status": STATUS_OF_CODE[refusal.code],
        **_NOTHING,
        "visitor": _visitor(visit),
    }


def _needs_password(entry: Entry, now: datetime) -> bool:
    return entry.password_hash is not None and entry.state(now) is State.LIVE


def _visitor(visit: Visit) -> dict[str, Any]:
    facts = visit.facts
    return {
        "device": facts.device,
        "os": facts.os,
        "browser": facts.browser,
        "languages": [language for language, quality in facts.languages if quality],
        "country": facts.country,
        "region": facts.region,
        "city": facts.city,
        "referrer_host": facts.referrer_host,
        "class": facts.click_class.label,
        "at": facts.now,
    }


def _verdict(verdict: RuleVerdict, rule: Rule) -> dict[str, Any]:
    conditions = [
        {"type": each.type, "key": each.key, "value": each.value, "holds": holds}
        for each, holds in verdict.conditions
    ]
    return {
        "rule": verdict.rule,
        "name": rule.name,
        "matched": verdict.matched,
        "decided": verdict.decision is not None,
        "conditions": conditions,
    }
