"""`shortener link alias`, on this machine's database and on a server alike."""

import pytest

from tests.cli.conftest import Instance, answered, cells

TARGET = "https://example.com/"


def test_add(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "aliased")
    rows = cells(instance.cli("link", "alias", "add", "aliased", "aliased-too").stdout)
    assert ["aliases", "aliased-too"] in rows
    # By an alias a link is found, and shown by its own code.
    assert answered(instance.cli("link", "show", "aliased-too", "--json"))["code"] == "aliased"


def test_add_makes_a_code(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "generated")
    link = answered(instance.cli("link", "alias", "add", "generated", "--json"))
    assert len(link["aliases"]) == 1
    assert link == instance.get("/links/generated")


def test_remove(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "stays")
    for alias in ("goes-1", "goes-2"):
        instance.cli("link", "alias", "add", "stays", alias)
    result = instance.cli("link", "alias", "remove", "stays", "goes-1")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Removed the alias goes-1 of stays.\n", "")
    assert answered(instance.cli("link", "alias", "remove", "stays", "goes-2", "--json"))["aliases"] == []
    assert instance.cli("link", "show", "goes-1").exit_code == 3


def test_on_a_domain(instance: Instance) -> None:
    on = ("--domain", "aliases.cli.example")
    instance.cli("domain", "create", "aliases.cli.example")
    instance.cli("link", "create", TARGET, "--code", "here", *on)
    assert answered(instance.cli("link", "alias", "add", "here", "there", *on, "--json"))["aliases"] == ["there"]
    assert instance.cli("link", "alias", "remove", "here", "there").exit_code == 3
    assert instance.cli("link", "alias", "remove", "here", "there", *on).exit_code == 0


REFUSED = {
    "a link that there is not": (("add", "nobodys", "a"), 3, "There is no link called 'nobodys'."),
    "a code that is taken": (("add", "mine", "mine"), 5, "ALIAS: Another link is called 'mine' already"),
    "no code": (("add", "mine", "a.b"), 2, "ALIAS: "),
    "a reserved code": (("add", "mine", "api"), 2, "ALIAS: "),
    "an alias of an alias": (("add", "mine-too", "a"), 2, "'mine-too' is an alias itself: make one of 'mine'."),
    "removing from nothing": (("remove", "nobodys", "a"), 3, "There is no link called 'nobodys'."),
    "removing none": (("remove", "mine", "a"), 3, "'mine' has no alias 'a'."),
    "removing the link itself": (("remove", "mine", "mine"), 3, "'mine' has no alias 'mine'."),
    "removing two dots": (("remove", "mine", ".."), 3, "'mine' has no alias '..'."),
}


@pytest.mark.parametrize(("arguments", "exit_code", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(instance: Instance, arguments: tuple[str, ...], exit_code: int, message: str) -> None:
    # On the shared server they are there from the second test on.
    instance.cli("link", "create", TARGET, "--code", "mine")
    instance.cli("link", "alias", "add", "mine", "mine-too")
    result = instance.cli("link", "alias", *arguments)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.startswith(f"shortener: {message}")
    assert result.stderr.count("\n") == 1
