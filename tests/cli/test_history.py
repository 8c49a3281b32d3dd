"""`shortener link history` and `revert`, on this machine's database and on a server alike."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Instance, answered, cells

TARGET = "https://example.com/1"
ACTORS = {"command line", "preset admin key"}
RULES = [{"conditions": [{"type": "device", "value": "ios"}], "target": "https://example.com/ios"}]


def test_history_is_a_row_a_change(instance: Instance, nowhere: Path) -> None:
    (nowhere / "rules.json").write_text(json.dumps(RULES))
    instance.cli("link", "create", TARGET, "--code", "changed", "--notes", "one\ntwo", "--tag", "a")
    instance.cli("link", "edit", "changed", "--target", "https://example.com/2", "--clear", "notes", "--tag", "b")
    instance.cli("link", "edit", "changed", "--rules", "rules.json", "--password", "open sesame")
    instance.cli("link", "alias", "add", "changed", "changed-too")
    instance.cli("link", "schedule", "changed", "--at", "2096-01-01T00:00:00Z", "--title", "x")
    shown = instance.cli("link", "history", "changed")
    assert "sesame" not in shown.output
    header, *rows = cells(shown.stdout)
    assert header == ["version", "at", "by", "what", "changes"]
    assert {row[2] for row in rows} <= ACTORS
    assert [(row[0], row[3]) for row in rows] == [
        ("3", "change-scheduled"),
        ("3", "alias-created"),
        ("3", "link-edited"),
        ("2", "link-edited"),
        ("1", "link-created"),
    ]
    assert rows[0][4].endswith("at 2096-01-01T00:00:00Z, changes title x")
    assert rows[1][4] == "aliases changed-too"
    assert rows[2][4] == "password False → True; rules device ios → https://example.com/ios"
    assert rows[3][4] == r"target https://example.com/1 → https://example.com/2; notes one\ntwo → –; tags a → b"
    assert rows[4][4].startswith(rf"target {TARGET}; code changed; notes one\ntwo; tags a; ")


def test_history_as_json_is_the_api_answer(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "changed-json")
    instance.cli("link", "edit", "changed-json", "--title", "x")
    whole = instance.get("/links/changed-json/history")["data"]
    assert len(whole) == 2
    assert answered(instance.cli("link", "history", "changed-json", "--json")) == whole
    assert answered(instance.cli("link", "history", "changed-json", "--limit", "1", "--json")) == whole[:1]


def test_revert(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "reverted", "--title", "first")
    instance.cli("link", "edit", "reverted", "--target", "https://example.com/2", "--clear", "title")
    back = answered(instance.cli("link", "revert", "reverted", "1", "--json"))
    assert (back["target"], back["title"], back["version"]) == (TARGET, "first", 3)
    rows = cells(instance.cli("link", "revert", "reverted", "2", "--if-match", "3").stdout)
    assert ["target", "https://example.com/2"] in rows
    assert ["version", "4"] in rows


def test_on_a_domain(instance: Instance) -> None:
    on = ("--domain", "history.cli.example")
    instance.cli("domain", "create", "history.cli.example")
    instance.cli("link", "create", TARGET, "--code", "here", *on)
    instance.cli("link", "edit", "here", "--title", "x", *on)
    assert answered(instance.cli("link", "revert", "here", "1", *on, "--if-match", "2", "--json"))["title"] is None
    assert len(answered(instance.cli("link", "history", "here", *on, "--json"))) == 3


REFUSED = {
    "history of nothing": (("history", "nobodys"), 3, "There is no link called 'nobodys'."),
    "history elsewhere": (("history", "kept", "--domain", "no.example"), 3, "There is no link called 'kept'"),
    "reverting nothing": (("revert", "nobodys", "1"), 3, "There is no link called 'nobodys'."),
    "a version before the first": (("revert", "kept", "0"), 2, "VERSION: Input should be greater than or equal to 1"),
    "a version that there is not": (("revert", "kept", "7"), 3, "'kept' has versions 1 to 1, not 7."),
    "another version seen": (("revert", "kept", "1", "--if-match", "7"), 5, "--if-match: The link is at version 1"),
}


@pytest.mark.parametrize(("arguments", "exit_code", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(instance: Instance, arguments: tuple[str, ...], exit_code: int, message: str) -> None:
    instance.cli("link", "create", TARGET, "--code", "kept")  # on the shared server it is there from the second on
    result = instance.cli("link", *arguments)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.startswith(f"shortener: {message}")
    assert result.stderr.count("\n") == 1
