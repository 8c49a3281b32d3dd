"""`shortener link`, on this machine's database and on a server alike."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shortener.storage.engine import Database
from tests.cli.conftest import Instance, answered, cells, run

TARGET = "https://example.com/a?b=c#d"
ALL_FIELDS = (
    *("--title", "[/] Sale :smile: [red]now[/red]", "--notes", "one\ntwo", "--tag", "Print", "--tag", "sale"),
    *("--status", "307", "--valid-from", "2026-01-01T00:00:00Z", "--expires-at", "2096-01-01T01:00:00+01:00"),
    *("--expired-target", "https://example.com/over"),
)
WRITTEN = {
    "title": "[/] Sale :smile: [red]now[/red]",
    "notes": "one\ntwo",
    "tags": ["print", "sale"],
    "status": 307,
    "valid_from": "2026-01-01T00:00:00Z",
    "expires_at": "2096-01-01T00:00:00Z",
    "expired_target": "https://example.com/over",
}


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def test_create_prints_the_short_url(instance: Instance) -> None:
    result = instance.cli("link", "create", TARGET, "--code", "made")
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{instance.base_url}/made\n", "")
    assert instance.get("/links/made")["target"] == TARGET


def test_create_makes_a_code(instance: Instance) -> None:
    result = instance.cli("link", "create", TARGET)
    assert re.fullmatch(rf"{instance.base_url}/[A-Za-z0-9]{{7}}\n", result.stdout)


def test_create_with_every_field(instance: Instance) -> None:
    shown = answered(instance.cli("link", "create", TARGET, "--code", "full", *ALL_FIELDS, "--json"))
    assert shown == instance.get("/links/full")
    assert {name: shown[name] for name in WRITTEN} == WRITTEN


def test_create_returns_what_exists(instance: Instance) -> None:
    target = "https://example.com/exists"
    first = answered(instance.cli("link", "create", target, "--json"))
    again = answered(instance.cli("link", "create", target, "--if-exists", "return", "--json"))
    assert again == first
    assert answered(instance.cli("link", "create", target, "--json"))["code"] != first["code"]


def test_a_code_may_have_any_letters(instance: Instance) -> None:
    result = instance.cli("link", "create", TARGET, "--code", "zürich-東京")
    assert result.stdout == f"{instance.base_url}/z%C3%BCrich-%E6%9D%B1%E4%BA%AC\n"
    assert answered(instance.cli("link", "show", "zürich-東京", "--json"))["code"] == "zürich-東京"


def test_moments_without_a_zone_are_local(instance: Instance, berlin: None) -> None:
    made = answered(
        instance.cli(
            *("link", "create", TARGET, "--code", "zoned", "--json"),
            *("--valid-from", "2026-12-01", "--expires-at", "2096-07-01T12:00"),
        )
    )
    assert (made["valid_from"], made["expires_at"]) == ("2026-11-30T23:00:00Z", "2096-07-01T10:00:00Z")


def test_show_is_a_field_a_line(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "shown", *ALL_FIELDS)
    rows = cells(instance.cli("link", "show", "shown").stdout)
    assert rows[:6] == [
        ["code", "shown"],
        ["short_url", f"{instance.base_url}/shown"],
        ["target", TARGET],
        ["title", "[/] Sale :smile: [red]now[/red]"],
        ["notes", "one"],
        ["two"],
    ]
    assert ["tags", "print, sale"] in rows


def test_show_as_json_is_the_api_answer(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "shown-json", *ALL_FIELDS)
    assert answered(instance.cli("link", "show", "shown-json", "--json")) == instance.get("/links/shown-json")


def test_list_is_a_row_a_link(instance: Instance) -> None:
    long = "https://example.com/" + "l" * 300
    instance.cli("link", "create", TARGET, "--code", "row-1", "--tag", "rows", "--tag", "a")
    instance.cli("link", "create", long, "--code", "row-2", "--tag", "rows")
    header, second, first = cells(instance.cli("link", "list", "--tag", "rows").stdout)
    day = instance.get("/links/row-1")["created_at"][:10]
    assert header == ["code", "target", "clicks", "unique", "tags", "created"]
    assert first == ["row-1", TARGET, "0", "0", "a, rows", day]
    assert second[:4] == ["row-2", long, "0", "0"]


def test_a_terminal_folds_targets_and_never_codes(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    code = "a-code-of-thirty-characters-or-so"
    instance.cli("link", "create", "https://example.com/" + "l" * 300, "--code", code, "--tag", "folded")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", instance.cli("link", "list", "--tag", "folded").stdout).splitlines()
    assert len(lines) > 2
    assert max(map(len, lines)) <= 100
    assert lines[1].startswith(f"{code}  https://")


def test_list_as_json_is_the_api_answer(instance: Instance) -> None:
    for number in range(3):
        instance.cli("link", "create", f"https://example.com/listed/{number}", "--tag", "listed")
    whole = instance.get("/links", tag="listed")["data"]
    assert len(whole) == 3
    assert answered(instance.cli("link", "list", "--tag", "listed", "--json")) == whole
    assert answered(instance.cli("link", "list", "--search", "listed/1", "--json")) == whole[1:2]
    assert answered(instance.cli("link", "list", "--tag", "listed", "--limit", "2", "--json")) == whole[:2]
    for sort in ("created", "clicks", "last_clicked"):
        sorted_by_api = instance.get("/links", tag="listed", sort=sort)["data"]
        assert answered(instance.cli("link", "list", "--tag", "listed", "--sort", sort, "--json")) == sorted_by_api


def test_list_goes_beyond_one_page(instance: Instance) -> None:
    for number in range(203):
        target = f"https://example.com/{number}"
        assert instance.api.post("/api/v1/links", json={"target": target, "tags": ["many"]}).status_code == 201
    listed = answered(instance.cli("link", "list", "--tag", "many", "--limit", "1000", "--json"))
    assert [link["target"] for link in listed] == [f"https://example.com/{number}" for number in reversed(range(203))]
    assert answered(instance.cli("link", "list", "--tag", "many", "--limit", "201", "--json")) == listed[:201]


def test_list_of_nothing_is_a_header(instance: Instance) -> None:
    assert cells(instance.cli("link", "list", "--tag", "nobody").stdout) == [
        ["code", "target", "clicks", "unique", "tags", "created"]
    ]
    assert answered(instance.cli("link", "list", "--tag", "nobody", "--json")) == []


def test_edit_changes_what_is_named(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "edited", *ALL_FIELDS)
    before = instance.get("/links/edited")
    shown = answered(
        instance.cli("link", "edit", "edited", "--target", "https://example.com/new", "--disable", "--json")
    )
    assert shown == instance.get("/links/edited")
    assert (shown["target"], shown["enabled"], shown["version"]) == ("https://example.com/new", False, 2)
    assert {name: shown[name] for name in WRITTEN} == {name: before[name] for name in WRITTEN}
    assert answered(instance.cli("link", "edit", "edited", "--enable", "--json"))["enabled"] is True


def test_edit_every_field(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "rewritten")
    shown = answered(instance.cli("link", "edit", "rewritten", *ALL_FIELDS, "--json"))
    assert {name: shown[name] for name in WRITTEN} == WRITTEN


def test_edit_clears(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "cleared", *ALL_FIELDS)
    emptied = [option for name in WRITTEN for option in ("--clear", name)]
    shown = answered(instance.cli("link", "edit", "cleared", *emptied, "--json"))
    assert {name: shown[name] for name in WRITTEN} == dict.fromkeys(WRITTEN) | {"tags": []}


def test_edit_shows_the_link(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "edited-shown")
    rows = cells(instance.cli("link", "edit", "edited-shown", "--title", "New").stdout)
    assert ["title", "New"] in rows


def test_delete(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "deleted")
    result = instance.cli("link", "delete", "deleted")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Deleted deleted.\n", "")
    assert instance.cli("link", "show", "deleted").exit_code == 3


REFUSED = {
    "no URL": (("create", "example.com"), 2, "target: A target must start with http:// or https://."),
    "a script": (("create", "javascript:alert(1)"), 2, "target: A target must start with http:// or https://."),
    "a name in the URL": (
        ("create", "https://a@b.example"),
        2,
        "target: Remove the user name and password before the '@'.",
    ),
    "a dot in the code": (("create", TARGET, "--code", "a.b"), 2, "code: "),
    "a reserved code": (("create", TARGET, "--code", "api"), 2, "code: "),
    "a taken code": (("create", TARGET, "--code", "there"), 5, "code: Another link is called 'there' already"),
    "a status that is none": (("create", TARGET, "--status", "303"), 2, "status: "),
    "no moment": (("create", TARGET, "--expires-at", "soon"), 2, "expires_at: "),
    "an empty moment": (("create", TARGET, "--expires-at", ""), 2, "expires_at: "),
    "a moment out of range": (("create", TARGET, "--expires-at", "9999-12-31T23:59:59Z"), 2, "expires_at: "),
    "dates the wrong way round": (
        ("create", TARGET, "--valid-from", "2027-01-02", "--expires-at", "2027-01-01"),
        2,
        "expires_at: `valid_from` must lie before `expires_at`.",
    ),
    "another if-exists": (("create", TARGET, "--if-exists", "replace"), 2, "if_exists: "),
    "a comma in a tag": (("create", TARGET, "--tag", "a,b"), 2, "tags: "),
    "showing nothing": (("show", "nothing"), 3, "There is no link called 'nothing'."),
    "a code that is a path": (("show", "../keys"), 3, ""),
    "a code that is a dot": (("show", "."), 3, "There is no link called '.'."),
    "a code that is two dots": (("show", ".."), 3, "There is no link called '..'."),
    "an empty code": (("show", ""), 3, ""),
    "editing nothing": (("edit", "nothing", "--title", "x"), 3, "There is no link called 'nothing'."),
    "editing a wrong target": (("edit", "there", "--target", "x"), 2, "target: A target must start with"),
    "clearing what must be there": (("edit", "there", "--clear", "target"), 2, "target: "),
    "clearing what there is not": (("edit", "there", "--clear", "colour"), 2, "colour: There is no such field here."),
    "deleting nothing": (("delete", "nothing"), 3, "There is no link called 'nothing'."),
    "deleting a dot": (("delete", "."), 3, "There is no link called '.'."),
    "sorting by what it has not": (("list", "--sort", "colour"), 2, "sort: "),
    "a tag that is none": (("list", "--tag", "a,b"), 2, ""),
}


@pytest.mark.parametrize(("arguments", "exit_code", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(instance: Instance, arguments: tuple[str, ...], exit_code: int, message: str) -> None:
    instance.cli("link", "create", TARGET, "--code", "there", "--if-exists", "return")
    result = instance.cli("link", *arguments)
    assert result.exit_code == exit_code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith(f"shortener: {message}")
    assert result.stderr.count("\n") == 1


def test_several_wrong_fields_are_a_line_each(instance: Instance) -> None:
    result = instance.cli("link", "create", TARGET, "--status", "303", "--expires-at", "soon")
    assert result.exit_code == 2
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == ["status", "expires_at"]


USAGE = {
    "no target": ("link", "create"),
    "no code": ("link", "show"),
    "no such option": ("link", "list", "--colour"),
    "no such command": ("link", "paint"),
    "no number": ("link", "list", "--limit", "x"),
    "too few": ("link", "list", "--limit", "0"),
    "no scope": ("key", "create", "name"),
    "a port beyond": ("serve", "--port", "65536"),
    "no command": ("link",),
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE.keys())
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


HELPS = [(), ("serve",), ("stats",), ("link",), ("key",), ("db",)]
HELPS += [("link", name) for name in ("create", "list", "show", "edit", "delete")]
HELPS += [("key", name) for name in ("create", "list", "revoke")]
HELPS += [("db", name) for name in ("upgrade", "current")]


@pytest.mark.parametrize("command", HELPS, ids=" ".join)
def test_help(command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage: shortener" in re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)


def test_the_history_names_the_command_line(nowhere: Path) -> None:
    assert run("link", "create", "https://example.com/").exit_code == 0
    database = Database(f"sqlite:///{nowhere / 'data' / 'shortener.db'}")
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT actor FROM change").scalars().all() == ["command line"]
    database.close()
