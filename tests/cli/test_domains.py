"""`shortener domain`, on this machine's database and on a server alike."""

import pytest

from tests.cli.conftest import Instance, answered, cells

ANSWERS = {
    "home_target": "https://example.com/about",
    "not_found_target": "https://example.com/lost",
    "expired_target": "https://example.com/over",
    "status": 307,
}
GIVEN = (
    *("--home-target", "https://example.com/about", "--not-found-target", "https://example.com/lost"),
    *("--expired-target", "https://example.com/over", "--status", "307"),
)


def test_create_shows_what_was_made(instance: Instance) -> None:
    rows = cells(instance.cli("domain", "create", "Made.example").stdout)
    assert rows[:3] == [["name", "made.example"], ["unicode_name", "made.example"], ["links", "0"]]
    assert instance.get("/domains/made.example")["status"] is None


def test_create_with_every_field(instance: Instance) -> None:
    made = answered(instance.cli("domain", "create", "Bücher.example", *GIVEN, "--json"))
    assert made == instance.get("/domains/xn--bcher-kva.example")
    assert {name: made[name] for name in ANSWERS} == ANSWERS


def test_show(instance: Instance) -> None:
    instance.cli("domain", "create", "2001:db8::1", *GIVEN)
    shown = instance.cli("domain", "show", "[2001:db8::1]")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert ["not_found_target", "https://example.com/lost"] in cells(shown.stdout)
    as_json = answered(instance.cli("domain", "show", "2001:db8::1", "--json"))
    assert as_json == instance.get("/domains/2001:db8::1")


def test_list(instance: Instance) -> None:
    instance.cli("domain", "create", "straße.example", *GIVEN)
    instance.cli("domain", "create", "listed.example")
    header, *rows = cells(instance.cli("domain", "list").stdout)
    assert header == ["domain", "links", "status", "home", "not found", "expired"]
    assert ["listed.example", "0", "–", "–", "–", "–"] in rows
    assert ["straße.example", "0", "307", *list(ANSWERS.values())[:3]] in rows
    assert answered(instance.cli("domain", "list", "--json")) == instance.get("/domains")["data"]


def test_edit(instance: Instance) -> None:
    instance.cli("domain", "create", "edited.example", *GIVEN)
    edited = answered(
        instance.cli(
            *("domain", "edit", "edited.example", "--home-target", "https://example.com/new", "--status", "301"),
            *("--clear", "not_found_target", "--clear", "expired_target", "--json"),
        )
    )
    assert edited == instance.get("/domains/edited.example")
    assert {name: edited[name] for name in ANSWERS} == {
        "home_target": "https://example.com/new",
        "not_found_target": None,
        "expired_target": None,
        "status": 301,
    }
    shown = cells(instance.cli("domain", "edit", "edited.example", "--clear", "status").stdout)
    assert ["home_target", "https://example.com/new"] in shown
    assert instance.get("/domains/edited.example")["status"] is None


def test_delete(instance: Instance) -> None:
    instance.cli("domain", "create", "gone.example")
    result = instance.cli("domain", "delete", "--yes", "gone.example")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Deleted gone.example.\n", "")
    assert instance.cli("domain", "show", "gone.example").exit_code == 3


REFUSED = {
    "a port": (("create", "go.example:8000"), 2, "NAME: Leave out the port"),
    "a bad target": (("create", "refused.example", "--home-target", "nowhere"), 2, "--home-target: A target must"),
    "a bad status": (("create", "refused.example", "--status", "303"), 2, "--status: Input should be 301"),
    "an unknown field": (
        ("edit", "there.example", "--clear", "name"),
        2,
        "--clear name: There is no such field here.",
    ),
    "a taken name": (
        ("create", "there.example"),
        5,
        "NAME: The domain 'there.example' is configured already",
    ),
    "no such domain": (("show", "nobodys.example"), 3, "The domain 'nobodys.example' is not configured here."),
    "nothing to edit": (("edit", "nobodys.example", "--status", "301"), 3, "The domain 'nobodys.example'"),
    "nothing to delete": (("delete", "--yes", ".."), 3, "The domain '..' is not configured here."),
}


@pytest.mark.parametrize(("arguments", "exit_code", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(instance: Instance, arguments: tuple[str, ...], exit_code: int, message: str) -> None:
    instance.cli("domain", "create", "there.example")  # on the shared server it is there from the second test on
    result = instance.cli("domain", *arguments)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.startswith(f"shortener: {message}")
    assert result.stderr.count("\n") == 1


def test_links_to_a_domain_of_ours_are_refused(instance: Instance) -> None:
    """No worker has told a local command which domains there are."""
    instance.cli("domain", "create", "own.example")
    refused = instance.cli("link", "create", "https://own.example/x")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "own.example" in refused.stderr
