"""`shortener link`, on this machine's database and on a server alike."""

import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shortener import cli
from shortener.cli.fields import OPTIONS
from shortener.storage.engine import Database
from shortener.web.api.schemas.links import LinkCreate
from tests.cli.conftest import Instance, answered, cells, run
from tests.cli.process import ended

TARGET = "https://example.com/a?b=c#d"
ALL_FIELDS = (
    *("--title", "[/] Sale :smile: [red]now[/red]", "--notes", "one\ntwo", "--tag", "Print", "--tag", "sale"),
    *("--status", "307", "--valid-from", "2026-01-01T00:00:00Z", "--expires-at", "2096-01-01T01:00:00+01:00"),
    *("--expired-target", "https://example.com/over", "--disable", "--max-clicks", "100", "--admit-programs"),
    *("--password", "open sesame", "--forward-query", "--forward-path", "--no-track", "--rules", "rules.json"),
)
RULES = [
    {"name": "[Phones]", "conditions": [{"type": "device", "value": "ios"}], "target": "https://apps.example.com/"},
    {"split": [{"target": "https://example.com/a"}, {"target": "https://example.com/b"}]},
]
WRITTEN = {
    "title": "[/] Sale :smile: [red]now[/red]",
    "notes": "one\ntwo",
    "tags": ["print", "sale"],
    "status": 307,
    "valid_from": "2026-01-01T00:00:00Z",
    "expires_at": "2096-01-01T00:00:00Z",
    "expired_target": "https://example.com/over",
    "enabled": False,
    "max_clicks": 100,
    "admit_programs": True,
    "has_password": True,
    "forward_query": True,
    "forward_path": True,
    "track": False,
}
#: Fields of WRITTEN that can be absent; a command calls one by another name.
NULLABLE = ("title", "notes", "status", "valid_from", "expires_at", "expired_target", "max_clicks", "password")


@pytest.fixture(autouse=True)
def rules_file(nowhere: Path) -> Path:
    """The file that ALL_FIELDS names."""
    file = nowhere / "rules.json"
    file.write_text(json.dumps(RULES))
    return file


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
    options = ("--code", "full", "--external-id", "cli full", *ALL_FIELDS)
    shown = answered(instance.cli("link", "create", TARGET, *options, "--json"))
    assert shown == instance.get("/links/full")
    assert {name: shown[name] for name in WRITTEN} == WRITTEN
    assert shown["external_id"] == "cli full"
    assert [rule["target"] for rule in shown["rules"]] == ["https://apps.example.com/", None]


def test_every_field_has_an_option() -> None:
    own = {"target", "code", "domain"}
    assert own | OPTIONS.keys() == LinkCreate.model_fields.keys()


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
    instance.cli("link", "create", TARGET, "--code", "row-1", "--tag", "rows", "--tag", "a", "--title", "The first")
    instance.cli("link", "create", long, "--code", "row-2", "--tag", "rows")
    header, second, first = cells(instance.cli("link", "list", "--tag", "rows").stdout)
    created = instance.get("/links/row-1")["created_at"][:19].replace("T", " ")
    assert header == ["code", "target", "title", "state", "clicks", "unique", "tags", "created"]
    assert first == ["row-1", TARGET, "The first", "live", "0", "0", "a, rows", created]
    assert second[:6] == ["row-2", long, "–", "live", "0", "0"]


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


FILTERS = {
    "several tags": (["--tag", "two"], ["two", "one"]),
    "any of the tags": (["--tag", "two", "--tag-match", "any"], ["three", "two", "one"]),
    "none of the tags": (["--tag", "one", "--tag-match", "none", "--target-host", "filters.example"], []),
    "a state": (["--state", "disabled"], ["two"]),
    "a host": (["--target-host", "filters.example"], ["three", "two", "one"]),
    "an owner": (["--owner", "0123456789ab"], []),
    "created": (["--created-start", "2020-01-01T00:00:00Z", "--created-end", "2020-01-02T00:00:00Z"], []),
    "never clicked": (["--clicked-end", "2020-01-01T00:00:00Z"], ["three", "two", "one"]),
    "clicked": (["--clicked-start", "2020-01-01T00:00:00Z"], []),
    "by title": (["--sort", "title", "--order", "asc"], ["three", "two", "one"]),
}


@pytest.mark.parametrize(("options", "found"), FILTERS.values(), ids=FILTERS)
def test_list_takes_filters(instance: Instance, options: list[str], found: list[str]) -> None:
    links: list[dict[str, Any]] = [
        {"code": "one", "title": "z", "tags": ["one", "two"]},
        {"code": "two", "title": "y", "tags": ["one", "two"], "enabled": False},
        {"code": "three", "title": "x", "tags": ["one"]},
    ]
    common = {"target": "https://filters.example/"}
    # The server keeps them from one case to the next.
    instance.api.post("/api/v1/links/bulk", json=[common | link for link in links])
    listed = answered(instance.cli("link", "list", "--tag", "one", *options, "--json"))
    assert [link["code"] for link in listed] == found


def test_list_goes_beyond_one_page(instance: Instance) -> None:
    links = [{"target": f"https://example.com/{number}", "tags": ["many"]} for number in range(203)]
    assert instance.api.post("/api/v1/links/bulk", json=links).status_code == 207
    listed = answered(instance.cli("link", "list", "--tag", "many", "--limit", "1000", "--json"))
    assert [link["target"] for link in listed] == [f"https://example.com/{number}" for number in reversed(range(203))]
    assert answered(instance.cli("link", "list", "--tag", "many", "--limit", "201", "--json")) == listed[:201]


def test_a_list_says_that_there_is_more(instance: Instance) -> None:
    for _ in range(3):
        instance.cli("link", "create", TARGET, "--tag", "more")
    listed = instance.cli("link", "list", "--tag", "more", "--limit", "2")
    assert (len(listed.stdout.splitlines()), listed.stderr) == (3, "These are the first 2; --limit shows more.\n")
    assert instance.cli("link", "list", "--tag", "more", "--limit", "3").stderr == ""


def test_a_pipe_gets_no_spaces_at_the_end_of_a_line(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--tag", "piped", "--title", "a long title of many words")
    instance.cli("link", "create", TARGET, "--tag", "piped")
    for lines in (instance.cli("link", "list", "--tag", "piped"), instance.cli("tag", "list")):
        assert all(line == line.rstrip() for line in lines.stdout.splitlines())


def test_no_color_means_no_styles(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in instance.cli("link", "list", "--tag", "nobody").stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in instance.cli("link", "list", "--tag", "nobody").stdout
    assert "\x1b[" not in ended("link", "create", "--help", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_list_of_nothing_is_a_header(instance: Instance) -> None:
    assert cells(instance.cli("link", "list", "--tag", "nobody").stdout) == [
        ["code", "target", "title", "state", "clicks", "unique", "tags", "created"]
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
    back = ("--enable", "--no-forward-query", "--no-forward-path", "--track")
    shown = answered(instance.cli("link", "edit", "rewritten", *back, "--json"))
    assert [shown[name] for name in ("enabled", "forward_query", "forward_path", "track")] == [
        True,
        False,
        False,
        True,
    ]
    assert shown["title"] == WRITTEN["title"]


def test_edit_clears(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "cleared", "--external-id", "cli cleared", *ALL_FIELDS)
    emptied = [option for name in (*NULLABLE, "tags", "rules", "external-id") for option in ("--clear", name)]
    shown = answered(instance.cli("link", "edit", "cleared", *emptied, "--json"))
    expected: dict[str, Any] = {"tags": [], "rules": [], "external_id": None, "has_password": False}
    expected |= {name: None for name in NULLABLE if name != "password"}
    assert {name: shown[name] for name in expected} == expected


def test_edit_renames(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "old-name")
    assert (
        answered(instance.cli("link", "edit", "old-name", "--new-code", "new-name", "--json"))["code"] == "new-name"
    )
    assert instance.cli("link", "show", "old-name").exit_code == 3
    assert instance.get("/links/new-name")["version"] == 2


def test_edit_of_a_version(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "versioned")
    edited = answered(instance.cli("link", "edit", "versioned", "--title", "1", "--if-match", "1", "--json"))
    assert edited["version"] == 2
    late = instance.cli("link", "edit", "versioned", "--title", "2", "--if-match", "1")
    assert (late.exit_code, late.stdout) == (5, "")
    assert late.stderr.startswith("shortener: --if-match: The link is at version 2, not 1: ")
    assert instance.get("/links/versioned")["title"] == "1"


def test_edit_shows_the_link(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "edited-shown")
    rows = cells(instance.cli("link", "edit", "edited-shown", "--title", "New").stdout)
    assert ["title", "New"] in rows


def test_delete(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "deleted")
    result = instance.cli("link", "delete", "--yes", "deleted")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Deleted deleted.\n", "")
    assert instance.cli("link", "show", "deleted").exit_code == 3


def test_undelete(instance: Instance) -> None:
    for title in ("first", "second"):
        instance.cli("link", "create", TARGET, "--code", "undeleted", "--title", title)
        instance.cli("link", "delete", "--yes", "undeleted")
    listed = instance.cli("link", "list", "--state", "deleted", "--search", "undeleted")
    header, *rows = cells(listed.stdout)
    assert header == ["id", "code", "target", "title", "clicks", "unique", "tags", "deleted"]
    assert [row[1:4] for row in rows] == [["undeleted", TARGET, "second"], ["undeleted", TARGET, "first"]]
    first = rows[1][0]
    back = instance.cli("link", "undelete", first)
    assert (back.exit_code, back.stderr) == (0, "")
    assert ["id", first] in cells(back.stdout)
    assert answered(instance.cli("link", "show", "undeleted", "--json"))["title"] == "first"
    taken = instance.cli("link", "undelete", rows[0][0])
    assert (taken.exit_code, taken.stdout) == (5, "")
    assert taken.stderr.startswith("shortener: Another link is called 'undeleted' by now: ")
    assert instance.cli("link", "undelete", first).exit_code == 5
    assert instance.cli("link", "undelete", "999999999").exit_code == 3
    assert (
        instance.cli("link", "undelete", "0").stderr == "shortener: ID: Input should be greater than or equal to 1\n"
    )
    instance.cli("link", "delete", "--yes", "undeleted")


def test_a_list_of_deleted_links_is_imported_as_new_ones(instance: Instance, nowhere: Path) -> None:
    instance.cli("link", "create", TARGET, "--code", "listed-as-deleted")
    instance.cli("link", "delete", "--yes", "listed-as-deleted")
    listed = instance.cli("link", "list", "--state", "deleted", "--search", "listed-as-deleted", "--json")
    (nowhere / "deleted.json").write_text(listed.stdout)
    assert instance.cli("link", "import", "deleted.json").exit_code == 0
    assert instance.cli("link", "delete", "--yes", "listed-as-deleted").exit_code == 0


def test_warnings_name_options(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "warned")
    said = instance.cli("link", "edit", "warned", "--expires-at", "2020-01-01T00:00:00Z").stdout
    assert "--expires-at lies in the past (2020-01-01T00:00:00Z)" in said
    assert "or none." in said


@pytest.mark.parametrize(
    ("answer", "is_deleted"), [("y\n", True), ("n\n", False), ("", False)], ids=["yes", "no", "none"]
)
def test_delete_asks(instance: Instance, answer: str, is_deleted: bool) -> None:
    instance.cli("link", "create", TARGET, "--code", "asked-for", "--if-exists", "return")
    result = instance.cli("link", "delete", "asked-for", stdin=answer)
    assert result.stderr.startswith("Delete asked-for? [y/N]:")
    assert (result.exit_code == 0) is is_deleted
    assert (instance.cli("link", "show", "asked-for").exit_code == 3) is is_deleted


#: Commands on a link → what stands behind its name.
ON_A_LINK: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "link show": (("link", "show"), ()),
    "link edit": (("link", "edit"), ("--title", "x")),
    "link history": (("link", "history"), ()),
    "link revert": (("link", "revert"), ("1",)),
    "link schedule": (("link", "schedule"), ("--at", "2099-01-01", "--title", "y")),
    "link schedules": (("link", "schedules"), ()),
    "link explain": (("link", "explain"), ()),
    "link qr": (("link", "qr"), ("-",)),
    "link alias add": (("link", "alias", "add"), ()),
    "stats": (("stats",), ()),
    "clicks": (("clicks",), ()),
    "erase link": (("erase", "link"), ("--yes",)),
    "link delete": (("link", "delete"), ("--yes",)),
}


#: Every command on the default domain, and one on another.
NAMED_BY_URL = [*((command, "") for command in ON_A_LINK), ("link show", "urls.cli.example")]


@pytest.mark.parametrize(("command", "domain"), NAMED_BY_URL)
def test_a_short_url_names_a_link_too(instance: Instance, command: str, domain: str) -> None:
    begin, end = ON_A_LINK[command]
    if domain:
        instance.cli("domain", "create", domain)
    on = ("--domain", domain) if domain else ()
    short_url = answered(instance.cli("link", "create", TARGET, *on, "--json"))["short_url"]
    for typed in (short_url, short_url.partition("://")[2], f"{short_url}/path?query=1"):
        result = instance.cli(*begin, typed, *end)
        assert result.exit_code == 0, result.output
        if command == "link delete":
            return


def test_a_short_url_without_a_code(instance: Instance) -> None:
    result = instance.cli("link", "show", "https://go.example/")
    assert (result.exit_code, result.stderr) == (
        2,
        "shortener: 'https://go.example/' has no short code; a short URL is such as https://go.example.com/menu\n",
    )


def test_help_has_a_short_name_and_shells_can_complete() -> None:
    assert run("-h").stdout == run("--help").stdout
    assert run("link", "create", "-h").stdout == run("link", "create", "--help").stdout
    assert "--install-completion" in run("--help").stdout


def test_delete_several(instance: Instance) -> None:
    for code in ("many-1", "many-2", "many-3"):
        instance.cli("link", "create", TARGET, "--code", code)
    result = instance.cli("link", "delete", "--yes", "many-1", "no.code", "many-2", "many-1")
    assert (result.exit_code, result.stdout) == (6, "Deleted many-1.\nDeleted many-2.\n")
    assert result.stderr == (
        "shortener: no.code: There is no link called 'no.code'.\n"
        "shortener: many-1: There is no link called 'many-1'.\n"
    )
    result = instance.cli("link", "delete", "--yes", "many-1", "many-2")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (3, "", 2)
    assert instance.cli("link", "delete", "--yes", "many-3", "many-3").exit_code == 6


def test_a_link_on_a_domain(instance: Instance) -> None:
    on = ("--domain", "links.cli.example")
    instance.cli("domain", "create", "links.cli.example")
    made = answered(instance.cli("link", "create", TARGET, "--code", "menu", *on, "--json"))
    assert made["short_url"].partition("://")[2].startswith("links.cli.example")
    assert instance.cli("link", "show", "menu").exit_code == 3
    assert answered(instance.cli("link", "show", "menu", *on, "--json")) == made
    edited = answered(instance.cli("link", "edit", "menu", *on, "--title", "x", "--if-match", "1", "--json"))
    assert (edited["title"], edited["domain"]) == ("x", "links.cli.example")
    header, *rows = cells(instance.cli("link", "list", *on).stdout)
    assert header == ["code", "domain", "target", "title", "state", "clicks", "unique", "tags", "created"]
    assert [row[:3] for row in rows] == [["menu", "links.cli.example", TARGET]]
    instance.cli("link", "create", TARGET, "--code", "card", *on)
    deleted = instance.cli("link", "delete", "--yes", "menu", "card", *on)
    assert (deleted.exit_code, deleted.stdout) == (0, "Deleted menu.\nDeleted card.\n")
    assert answered(instance.cli("link", "list", *on, "--json")) == []


def test_order(instance: Instance) -> None:
    for code in ("order-1", "order-2"):
        instance.cli("link", "create", TARGET, "--code", code, "--tag", "ordered")
    listed = answered(instance.cli("link", "list", "--tag", "ordered", "--order", "asc", "--json"))
    assert [link["code"] for link in listed] == ["order-1", "order-2"]


def test_show_says_what_a_link_can_do(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "can-do", *ALL_FIELDS)
    instance.cli("link", "alias", "add", "can-do", "can-do-too")
    rows = cells(instance.cli("link", "show", "can-do-too").stdout)
    for row in (
        ["code", "can-do"],
        ["max_clicks", "100"],
        ["has_password", "True"],
        ["aliases", "can-do-too"],
        ["rules.0", "[Phones]: device ios → https://apps.example.com/"],
        ["rules.1", "always → a 50% https://example.com/a, b 50% https://example.com/b"],
    ):
        assert row in rows


def test_a_password_from_standard_input(instance: Instance) -> None:
    made = instance.cli("link", "create", TARGET, "--code", "guarded", "--password", "-", stdin="open sesame\r\nmore")
    assert made.exit_code == 0, made.output
    assert "sesame" not in made.output
    assert instance.get("/links/guarded")["has_password"]
    # Shorter than a password may be: were the line's end a part of it, it would do.
    short = instance.cli("link", "edit", "guarded", "--password", "-", stdin="abc\n")
    assert short.exit_code == 2
    assert short.stderr.startswith("shortener: --password: The password has 3 characters")


def test_rules_from_standard_input(instance: Instance) -> None:
    made = answered(instance.cli("link", "create", TARGET, "--rules", "-", "--json", stdin=json.dumps(RULES)))
    assert [rule["name"] for rule in made["rules"]] == ["[Phones]", None]


def test_an_idempotency_key(instance: Instance) -> None:
    create = ("link", "create", TARGET, "--idempotency-key", f"cli {instance.base_url}".replace(" ", "-"), "--json")
    first = answered(instance.cli(*create))
    assert answered(instance.cli(*create)) == first
    other = instance.cli(*create, "--title", "another")
    assert (other.exit_code, other.stdout) == (2, "")
    assert other.stderr.startswith("shortener: --idempotency-key: This --idempotency-key has been used")


FILES = {
    "latin-1": b'[{"name": "\xfc"}]',
    "text": b"device: ios",
    "nan": b"[NaN]",
    "rule": b'{"target": "https://example.com/"}',
    "wrong": b'[{"conditions": [{"type": "device", "value": "toaster"}], "target": "https://example.com/"}]',
}
REFUSED = {
    "no URL": (("create", "example.com"), 2, "TARGET: A target must start with http:// or https://."),
    "a script": (("create", "javascript:alert(1)"), 2, "TARGET: A target must start with http:// or https://."),
    "a name in the URL": (
        ("create", "https://a@b.example"),
        2,
        "TARGET: Remove the user name and password before the '@'.",
    ),
    "a dot in the code": (("create", TARGET, "--code", "a.b"), 2, "--code: "),
    "a reserved code": (("create", TARGET, "--code", "api"), 2, "--code: "),
    "a taken code": (("create", TARGET, "--code", "there"), 5, "--code: Another link is called 'there' already"),
    "a status that is none": (("create", TARGET, "--status", "303"), 2, "--status: "),
    "no moment": (("create", TARGET, "--expires-at", "soon"), 2, "--expires-at: "),
    "an empty moment": (("create", TARGET, "--expires-at", ""), 2, "--expires-at: "),
    "a moment out of range": (("create", TARGET, "--expires-at", "9999-12-31T23:59:59Z"), 2, "--expires-at: "),
    "dates the wrong way round": (
        ("create", TARGET, "--valid-from", "2027-01-02", "--expires-at", "2027-01-01"),
        2,
        "--expires-at: --valid-from must lie before --expires-at.",
    ),
    "another if-exists": (("create", TARGET, "--if-exists", "replace"), 2, "--if-exists: "),
    "a comma in a tag": (("create", TARGET, "--tag", "a,b"), 2, "--tag: "),
    "showing nothing": (("show", "nothing"), 3, "There is no link called 'nothing'."),
    "a code that is a path": (("show", "../keys"), 3, ""),
    "a code that is a dot": (("show", "."), 3, "There is no link called '.'."),
    "a code that is two dots": (("show", ".."), 3, "There is no link called '..'."),
    "an empty code": (("show", ""), 3, ""),
    "editing nothing": (("edit", "nothing", "--title", "x"), 3, "There is no link called 'nothing'."),
    "editing a wrong target": (("edit", "there", "--target", "x"), 2, "--target: A target must start with"),
    "clearing what must be there": (("edit", "there", "--clear", "target"), 2, "--clear target: "),
    "clearing what there is not": (
        ("edit", "there", "--clear", "colour"),
        2,
        "--clear colour: There is no such field here.",
    ),
    "a new code that is taken": (
        ("edit", "other", "--new-code", "there"),
        5,
        "--new-code: Another link is called 'there'",
    ),
    "given and cleared": (
        ("edit", "there", "--title", "x", "--clear", "title"),
        2,
        "--clear title: it cannot be given and",
    ),
    "given and cleared again": (
        ("edit", "there", "--expires-at", "2027-01-01", "--clear", "expires-at"),
        2,
        "--clear expires-at: it cannot be given and cleared at once",
    ),
    "clearing a switch": (("edit", "there", "--clear", "track"), 2, "--clear track: "),
    "a limit of nothing": (("create", TARGET, "--max-clicks", "0"), 2, "--max-clicks: "),
    "a negative limit": (("create", TARGET, "--max-clicks", "-5"), 2, "--max-clicks: "),
    "a short password": (("create", TARGET, "--password", "abc"), 2, "--password: The password has 3 characters"),
    "no rules there": (("create", TARGET, "--rules", "no.json"), 2, "no.json cannot be read: No such file"),
    "a folder of rules": (("create", TARGET, "--rules", "."), 2, ". cannot be read: Is a directory"),
    "rules that are no text": (
        ("create", TARGET, "--rules", "latin-1"),
        2,
        "latin-1 cannot be read: it is not UTF-8",
    ),
    "rules that are no JSON": (("create", TARGET, "--rules", "text"), 2, "--rules: text is not valid JSON: "),
    "rules that are no number": (("create", TARGET, "--rules", "nan"), 2, "--rules: nan is not valid JSON: "),
    "rules that are one rule": (("create", TARGET, "--rules", "rule"), 2, "--rules: Input should be a valid list"),
    "rules that are wrong": (("edit", "there", "--rules", "wrong"), 2, "--rules, rules.0.conditions.0.value: "),
    "two from one input": (
        ("create", TARGET, "--rules", "-", "--password", "-"),
        2,
        "only one of --password and --rules can come from standard input",
    ),
    "an unknown domain": (
        ("create", TARGET, "--domain", "no.example"),
        3,
        "--domain: The domain 'no.example' is not",
    ),
    "showing on an unknown domain": (
        ("show", "there", "--domain", "no.example"),
        3,
        "There is no link called 'there'",
    ),
    "an idempotency key with a space": (("create", TARGET, "--idempotency-key", "a b"), 2, "--idempotency-key: "),
    "an idempotency key of two lines": (("create", TARGET, "--idempotency-key", "a\nb"), 2, "--idempotency-key: "),
    "an empty idempotency key": (("create", TARGET, "--idempotency-key", ""), 2, "--idempotency-key: "),
    "a long idempotency key": (("create", TARGET, "--idempotency-key", "a" * 256), 2, "--idempotency-key: "),
    "an idempotency key that is not ASCII": (
        ("create", TARGET, "--idempotency-key", "ключ"),
        2,
        "--idempotency-key: ",
    ),
    "a version that there is not": (
        ("edit", "there", "--title", "x", "--if-match", "99"),
        5,
        "--if-match: The link is",
    ),
    "a version of nothing": (("edit", "nothing", "--title", "x", "--if-match", "1"), 3, "There is no link called"),
    "sorting in a third order": (("list", "--order", "up"), 2, "--order: "),
    "deleting nothing": (("delete", "--yes", "nothing"), 3, "There is no link called 'nothing'."),
    "deleting a dot": (("delete", "--yes", "."), 3, "There is no link called '.'."),
    "sorting by what it has not": (("list", "--sort", "colour"), 2, "--sort: "),
    "a tag that is none": (("list", "--tag", "a,b"), 2, ""),
}


@pytest.mark.parametrize(("arguments", "exit_code", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(
    instance: Instance, nowhere: Path, arguments: tuple[str, ...], exit_code: int, message: str
) -> None:
    for code in ("there", "other") if arguments[0] == "edit" else ("there",):
        instance.cli("link", "create", TARGET, "--code", code, "--if-exists", "return")
    for name, data in FILES.items():
        (nowhere / name).write_bytes(data)
    result = instance.cli("link", *arguments)
    assert result.exit_code == exit_code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith(f"shortener: {message}")
    assert result.stderr.count("\n") == 1


def test_several_wrong_fields_are_a_line_each(instance: Instance) -> None:
    result = instance.cli("link", "create", TARGET, "--status", "303", "--expires-at", "soon")
    assert result.exit_code == 2
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == ["--status", "--expires-at"]


USAGE = {
    "no target": ("link", "create"),
    "no code": ("link", "show"),
    "no such option": ("link", "list", "--colour"),
    "no such command": ("link", "paint"),
    "no number": ("link", "list", "--limit", "x"),
    "a limit that is no number": ("link", "create", TARGET, "--max-clicks", "many"),
    "a password without one": ("link", "create", TARGET, "--password"),
    "nothing to delete": ("link", "delete"),
    "no alias to remove": ("link", "alias", "remove", "code"),
    "no version": ("link", "revert", "code"),
    "no moment": ("link", "schedule", "code", "--title", "x"),
    "a version that is no number": ("link", "edit", "code", "--if-match", "x"),
    "no file": ("link", "import"),
    "no picture": ("link", "qr", "code"),
    "too few": ("link", "list", "--limit", "0"),
    "no scope": ("key", "create", "name"),
    "a port beyond": ("serve", "--port", "65536"),
    "no command": ("link",),
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE.keys())
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


HELPS = [(), ("serve",), ("stats",), ("orphans",), ("link",), ("link", "alias"), ("key",), ("db",)]
HELPS += [
    ("link", name) for name in ("create", "list", "show", "edit", "delete", "history", "revert", "explain", "qr")
]
HELPS += [("link", name) for name in ("schedule", "schedules", "unschedule", "import")]
HELPS += [("link", "alias", name) for name in ("add", "remove")]
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


@pytest.mark.parametrize("where", [("show",), ("list", "--search")], ids=" ".join)
def test_an_argument_that_is_no_text(
    where: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["shortener", "link", *where, b"a\xff".decode(errors="surrogateescape")])
    with pytest.raises(SystemExit) as ending:
        cli.main()
    captured = capsys.readouterr()
    assert (ending.value.code, captured.out, captured.err) == (2, "", "shortener: 'a\\udcff' is not UTF-8\n")


def test_a_field_that_is_no_text(instance: Instance) -> None:
    result = instance.cli("link", "create", TARGET, "--title", b"\xff".decode(errors="surrogateescape"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("shortener: --title: Remove the lone surrogates")
