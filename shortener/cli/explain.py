"""`shortener link explain`: what a visit would be answered, and why."""

from typing import Annotated, Any

import typer

from shortener.cli.client import Api, Key, Url, moment
from shortener.cli.fields import given
from shortener.cli.one_link import Code, Domain, named
from shortener.cli.output import AsJson, show_fields, show_json, show_table
from shortener.cli.rules import condition

#: Why a link that is not live is answered as it is.
_STATES = {
    "scheduled": "it is not valid yet",
    "disabled": "it is disabled",
    "expired": "it has expired",
    "exhausted": "its clicks are used up",
}


def explain(
    code: Code,
    user_agent: Annotated[str | None, typer.Option(help="What the visitor's browser calls itself.")] = None,
    language: Annotated[str | None, typer.Option(help="Its languages, such as 'de-CH, fr;q=0.8'.")] = None,
    address: Annotated[str | None, typer.Option(help="The visitor's IP address.")] = None,
    referrer: Annotated[str | None, typer.Option(help="The page that the visitor comes from.")] = None,
    query: Annotated[str | None, typer.Option(help="What stands behind the '?', such as ref=mail.")] = None,
    path: Annotated[str | None, typer.Option(help="What stands behind the code.")] = None,
    method: Annotated[str | None, typer.Option(help="GET, HEAD, POST, PUT, PATCH or DELETE.")] = None,
    at: Annotated[str | None, typer.Option(help="When, such as 2027-01-31T12:00:00Z; default: now.")] = None,
    country: Annotated[str | None, typer.Option(help="Two capital letters; default: the address's.")] = None,
    region: Annotated[str | None, typer.Option(help="Its name in English; default: the address's.")] = None,
    city: Annotated[str | None, typer.Option(help="Its name in English; default: the address's.")] = None,
    domain: Domain = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Say where a visitor would be led, and by which rule. Nothing is counted. What is not said is as here."""
    visitor = given(user_agent=user_agent, accept_language=language, address=address, referrer=referrer)
    visit = given(method=method, at=moment(at), country=country, region=region, city=city)
    # As people copy them: with what separates them from the code.
    visit |= {"query": query.removeprefix("?")} if query else {}
    visit |= {"path": path.removeprefix("/")} if path else {}
    api = Api(url, key)
    link = named(api, code, domain)
    answer = api.call("POST", link.path("explain"), json=visitor | visit, params=link.params)
    show_json(answer) if as_json else _show(answer)


def _show(answer: dict[str, Any]) -> None:
    show_fields(
        {
            "leads to": answer["location"] or "nothing",
            "status": answer["status"],
            "because": _reason(answer),
            "asks for": "a password" if answer["needs_password"] else None,
            "uses up": "one of its clicks" if answer["needs_slot"] else None,
            "visitor": _visitor(answer["visitor"]),
        }
    )
    if answer["rules"]:
        typer.echo()
        _show_rules(answer["rules"])


def _reason(answer: dict[str, Any]) -> str:
    if answer["outcome"] == "method-not-allowed":
        return "its status keeps no method but GET and HEAD"
    if answer["state"] in _STATES:
        return _STATES[answer["state"]]
    if answer["rule"] is None:
        return "no rule matches" if answer["rules"] else "it has no rules"
    side = f", on side {answer['variant']}" if answer["variant"] else ""
    return f"rules.{answer['rule']} is the first that matches{side}"


def _visitor(seen: dict[str, Any]) -> list[str]:
    names = ("device", "os", "browser", "country", "region", "city", "referrer_host")
    known = [seen["class"], *(seen[name] for name in names), *seen["languages"]]
    return [value for value in known if value]


def _show_rules(verdicts: list[dict[str, Any]]) -> None:
    rows = []
    for verdict in verdicts:
        held, failed = (
            "; ".join(condition(each) for each in verdict["conditions"] if each["holds"] is wanted) or None
            for wanted in (True, False)
        )
        rows.append((f"rules.{verdict['rule']}", verdict["name"], _fate(verdict), held, failed))
    show_table(("rule", "name", "result", "holds", "fails"), rows)


def _fate(verdict: dict[str, Any]) -> str:
    if verdict["decided"]:
        return "decides"
    return "comes too late" if verdict["matched"] else "fails"
