"""`shortener link schedule`, `schedules` and `unschedule`, on this machine's database and on a server alike."""

import re

import pytest

from tests.cli.conftest import Instance, answered, cells

TARGET = "https://example.com/"
THEN = ("--at", "2096-01-01T00:00:00Z")


def test_schedule(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "planned", "--title", "x")
    later = (
        "--at",
        "2097-01-01T00:00:00Z",
        "--clear",
        "title",
        "--new-code",
        "replanned",
        "--tag",
        "a",
        "--tag",
        "b",
    )
    instance.cli("link", "schedule", "planned", *later)
    result = instance.cli(
        "link", "schedule", "planned", *THEN, "--target", f"{TARGET}new", "--password", "open sesame"
    )
    assert re.fullmatch(r"Change \d+ of planned is scheduled for 2096-01-01 00:00:00\.\n", result.stdout)
    shown = instance.cli("link", "schedules", "planned")
    assert "sesame" not in shown.output
    header, first, second = cells(shown.stdout)
    assert header == ["id", "at", "by", "changes"]
    assert (first[1], set(first[3].split("; "))) == (
        "2096-01-01 00:00:00",
        {f"target {TARGET}new", "password True"},
    )
    assert (second[1], set(second[3].split("; "))) == (
        "2097-01-01 00:00:00",
        {"title –", "code replanned", "tags a, b"},
    )


def test_as_json_it_is_the_api_answer(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "planned-json")
    made = answered(instance.cli("link", "schedule", "planned-json", *THEN, "--disable", "--json"))
    waiting = instance.get("/links/planned-json/schedule")["data"]
    assert waiting == [made]
    assert made["changes"] == {"enabled": False}
    assert answered(instance.cli("link", "schedules", "planned-json", "--json")) == waiting


def test_unschedule(instance: Instance) -> None:
    on = ("--domain", "schedules.cli.example")
    instance.cli("domain", "create", "schedules.cli.example")
    instance.cli("link", "create", TARGET, "--code", "here", *on)
    made = answered(instance.cli("link", "schedule", "here", *THEN, "--title", "x", *on, "--json"))
    result = instance.cli("link", "unschedule", "here", str(made["id"]), *on)
    assert (result.exit_code, result.stdout) == (0, f"Cancelled change {made['id']} of here.\n")
    assert answered(instance.cli("link", "schedules", "here", *on, "--json")) == []
    assert instance.cli("link", "unschedule", "here", str(made["id"]), *on).exit_code == 3


REFUSED = {
    "nothing": (("schedule", "nobodys", *THEN, "--title", "x"), 3, "There is no link called 'nobodys'."),
    "the past": (("schedule", "quiet", "--at", "2020-01-01", "--title", "x"), 2, "--at: The moment has passed"),
    "no moment": (("schedule", "quiet", "--at", "soon", "--title", "x"), 2, "--at: Write a moment"),
    "no change": (("schedule", "quiet", *THEN), 2, "Nothing is to be changed."),
    "a wrong target": (("schedule", "quiet", *THEN, "--target", "x"), 2, "--target: "),
    "clearing what must be there": (("schedule", "quiet", *THEN, "--clear", "target"), 2, "--clear target: "),
    "given and cleared": (
        ("schedule", "quiet", *THEN, "--title", "x", "--clear", "title"),
        2,
        "--clear title: it cannot be given and cleared at once",
    ),
    "listing nothing": (("schedules", "nobodys"), 3, "There is no link called 'nobodys'."),
    "no such change": (("unschedule", "quiet", "123456"), 3, "No change 123456 waits for 'quiet'."),
    "a change of nothing": (("unschedule", "nobodys", "1"), 3, "There is no link called 'nobodys'."),
}


@pytest.mark.parametrize(("arguments", "exit_code", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(instance: Instance, arguments: tuple[str, ...], exit_code: int, message: str) -> None:
    instance.cli("link", "create", TARGET, "--code", "quiet")  # on the shared server it is there from the second on
    result = instance.cli("link", *arguments)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.startswith(f"shortener: {message}")
    assert result.stderr.count("\n") == 1
