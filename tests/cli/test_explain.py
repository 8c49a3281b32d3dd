"""`shortener link explain`, on this machine's database and on a server alike."""

import json

import pytest

from tests.cli.conftest import Instance, answered, cells
from tests.conftest import FIREFOX

TARGET = "https://example.com/sale"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.0 Mobile/15E148 Safari/604.1"
)
RULES = [
    {
        "name": "Phones",
        "conditions": [{"type": "device", "value": "ios"}, {"type": "language", "value": "de"}],
        "target": "https://apps.example.com/",
    },
    {"conditions": [{"type": "query-param", "key": "ref", "value": "mail"}], "target": "https://example.com/mail"},
    {
        "conditions": [{"type": "geolocation-country-code", "value": "CH"}],
        "split": [{"target": "https://example.ch/a"}, {"target": "https://example.ch/b", "weight": 0}],
        "status": 307,
    },
]


def explained(instance: Instance, code: str, *options: str) -> dict[str, list[str]]:
    """The lines of an explanation by what they begin with."""
    result = instance.cli("link", "explain", code, *options)
    assert (result.exit_code, result.stderr) == (0, "")
    return {row[0]: row[1:] for row in cells(result.stdout) if row}


def test_which_rule_decides_and_what_fails(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "ruled", "--rules", "-", stdin=json.dumps(RULES))
    phone = ("--user-agent", IPHONE, "--language", "fr", "--query", "?ref=mail", "--country", "CH")
    said = explained(instance, "ruled", *phone)
    assert said["leads to"] == ["https://example.com/mail"]
    assert said["status"] == ["302"]
    assert said["because"] == ["rules.1 is the first that matches"]
    assert said["visitor"] == ["human, mobile, iOS, Mobile Safari, CH, fr"]
    assert said["rule"] == ["name", "result", "holds", "fails"]
    assert said["rules.0"] == ["Phones", "fails", "device ios", "language de"]
    assert said["rules.1"] == ["–", "decides", "query-param ref=mail", "–"]
    assert said["rules.2"] == ["–", "comes too late", "geolocation-country-code CH", "–"]


def test_a_split_and_no_rule(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "split", "--rules", "-", stdin=json.dumps(RULES))
    said = explained(instance, "split", "--country", "CH")
    assert (said["leads to"], said["status"]) == (["https://example.ch/a"], ["307"])
    assert said["because"] == ["rules.2 is the first that matches, on side a"]
    said = explained(instance, "split", "--country", "AT")
    assert (said["leads to"], said["because"]) == ([TARGET], ["no rule matches"])


ANSWERS = {
    "no rules": ((), (), TARGET, "302", "it has no rules"),
    "disabled": (("--disable",), (), "nothing", "410", "it is disabled"),
    "elsewhere": (
        ("--disable", "--expired-target", "https://example.com/over"),
        (),
        "https://example.com/over",
        "302",
        "it is disabled",
    ),
    "expired": (("--expires-at", "2026-01-01"), (), "nothing", "410", "it has expired"),
    "not valid yet": (("--valid-from", "2096-01-01"), (), "nothing", "404", "it is not valid yet"),
    "then": (("--valid-from", "2096-01-01"), ("--at", "2096-01-02"), TARGET, "302", "it has no rules"),
    "a method that is not kept": (
        (),
        ("--method", "POST"),
        "nothing",
        "405",
        "its status keeps no method but GET and HEAD",
    ),
    "a method that is kept": (("--status", "308"), ("--method", "POST"), TARGET, "308", "it has no rules"),
    "a path": (("--forward-path",), ("--path", "/a/b"), f"{TARGET}/a/b", "302", "it has no rules"),
    "a query": (("--forward-query",), ("--query", "a=b"), f"{TARGET}?a=b", "302", "it has no rules"),
}


@pytest.mark.parametrize(("fields", "visit", "target", "status", "reason"), ANSWERS.values(), ids=ANSWERS.keys())
def test_answers(
    instance: Instance, fields: tuple[str, ...], visit: tuple[str, ...], target: str, status: str, reason: str
) -> None:
    made = answered(instance.cli("link", "create", TARGET, *fields, "--json"))
    said = explained(instance, made["code"], *visit)
    assert (said["leads to"], said["status"], said["because"]) == ([target], [status], [reason])
    assert "rule" not in said


def test_what_a_visit_would_need(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "needy", "--password", "open sesame", "--max-clicks", "5")
    said = explained(instance, "needy", "--user-agent", FIREFOX)
    assert (said["asks for"], said["uses up"]) == (["a password"], ["one of its clicks"])


def test_as_json_it_is_the_api_answer(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "told")
    visit = ("--user-agent", FIREFOX, "--language", "de", "--referrer", "https://news.example/", "--city", "Bern")
    place = ("--address", "203.0.113.7", "--country", "CH", "--region", "Bern", "--at", "2030-01-01T00:00:00Z")
    said = answered(instance.cli("link", "explain", "told", *visit, *place, "--json"))
    body = {"user_agent": FIREFOX, "accept_language": "de", "referrer": "https://news.example/", "city": "Bern"}
    body |= {"address": "203.0.113.7", "country": "CH", "region": "Bern", "at": "2030-01-01T00:00:00Z"}
    assert said == instance.api.post("/api/v1/links/told/explain", json=body).json()
    assert said["visitor"]["referrer_host"] == "news.example"


def test_on_a_domain(instance: Instance) -> None:
    on = ("--domain", "explain.cli.example")
    instance.cli("domain", "create", "explain.cli.example")
    instance.cli("link", "create", TARGET, "--code", "here", *on)
    assert explained(instance, "here", *on)["leads to"] == [TARGET]


REFUSED = {
    "nothing": (("nobodys",), 3, "There is no link called 'nobodys'."),
    "no address": (("clear", "--address", "x"), 2, "--address: Write an IP address"),
    "no country": (("clear", "--country", "Schweiz"), 2, "--country: "),
    "no moment": (("clear", "--at", "soon"), 2, "--at: Write a moment"),
    "no method": (("clear", "--method", "BREW"), 2, "--method: "),
    "a line break": (("clear", "--user-agent", "a\nb"), 2, "--user-agent: Remove the character U+000A."),
    "a long query": (("clear", "--query", "a" * 9000), 2, "--query: "),
}


@pytest.mark.parametrize(("arguments", "exit_code", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(instance: Instance, arguments: tuple[str, ...], exit_code: int, message: str) -> None:
    instance.cli("link", "create", TARGET, "--code", "clear")  # on the shared server it is there from the second on
    result = instance.cli("link", "explain", *arguments)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.startswith(f"shortener: {message}")
    assert result.stderr.count("\n") == 1
