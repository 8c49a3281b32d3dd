"""`shortener tag`, on this machine's database and on a server alike."""

import pytest

from tests.cli.conftest import Instance, answered, cells

TARGET = "https://example.com/"


def test_create(instance: Instance) -> None:
    made = answered(instance.cli("tag", "create", "CLI/Made", "--color", "#FF8800", "--json"))
    assert made == {"name": "cli/made", "color": "#ff8800", "links": 0, "clicks": 0, "unique": 0}
    rows = cells(instance.cli("tag", "create", "cli-plain").stdout)
    assert rows == [["name", "cli-plain"], ["links", "0"], ["clicks", "0"], ["unique", "0"]]


def test_list(instance: Instance) -> None:
    instance.cli("tag", "create", "[red]shelved 1", "--color", "#000000")
    instance.cli("link", "create", TARGET, "--tag", "shelved 2")
    header, *rows = cells(instance.cli("tag", "list", "--search", "SHELVED").stdout)
    assert header == ["tag", "links", "clicks", "unique", "color"]
    assert rows == [["[red]shelved 1", "0", "0", "0", "#000000"], ["shelved 2", "1", "0", "0", "–"]]
    found = answered(instance.cli("tag", "list", "--search", "listed", "--json"))
    assert found == instance.get("/tags", search="listed")["data"]
    assert answered(instance.cli("tag", "list", "--search", "listed", "--limit", "1", "--json")) == found[:1]


def test_edit(instance: Instance) -> None:
    link = answered(instance.cli("link", "create", TARGET, "--tag", "before/%2F..", "--json"))
    edited = answered(instance.cli("tag", "edit", "before/%2F..", "--name", "After", "--color", "#ABCDEF", "--json"))
    assert (edited["name"], edited["color"], edited["links"]) == ("after", "#abcdef", 1)
    assert instance.get(f"/links/{link['code']}")["tags"] == ["after"]
    shown = cells(instance.cli("tag", "edit", "after", "--clear", "color").stdout)
    assert shown[0] == ["name", "after"]
    assert [tag["color"] for tag in instance.get("/tags", search="after")["data"]] == [None]
    instance.cli("tag", "delete", "--yes", "after")


def test_merge(instance: Instance) -> None:
    link = answered(instance.cli("link", "create", TARGET, "--tag", "merged/merge", "--json"))
    instance.cli("tag", "create", "into")
    merged = answered(instance.cli("tag", "merge", "merged/merge", "Into", "--json"))
    assert (merged["name"], merged["links"]) == ("into", 1)
    assert instance.get(f"/links/{link['code']}")["tags"] == ["into"]
    assert instance.get("/tags", search="merged")["data"] == []
    instance.cli("tag", "delete", "--yes", "into")


def test_delete(instance: Instance) -> None:
    link = answered(instance.cli("link", "create", TARGET, "--tag", "..", "--json"))
    result = instance.cli("tag", "delete", "--yes", "..")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Deleted ...\n", "")
    assert instance.get(f"/links/{link['code']}")["tags"] == []


REFUSED = {
    "a comma": (("create", "a,b"), 2, "TAG: U+002C cannot stand in a tag."),
    "no color": (("create", "colored", "--color", "red"), 2, "--color: Write a colour as #"),
    "an unknown field": (("edit", "there", "--clear", "links"), 2, "--clear links: There is no such field here."),
    "a taken name": (
        ("edit", "there", "--name", "here"),
        5,
        "--name: There is a tag 'here' already; to make the two",
    ),
    "a tag made before": (("create", "there"), 5, "TAG: There is a tag 'there' already"),
    "no such tag": (("edit", "nobodys", "--color", "#000000"), 3, "There is no tag 'nobodys'."),
    "nothing to merge": (("merge", "nobodys", "there"), 3, "There is no tag 'nobodys'."),
    "nothing to merge into": (("merge", "there", "nobodys"), 3, "INTO: There is no tag 'nobodys'."),
    "itself": (("merge", "there", "there"), 2, "INTO: A tag cannot be merged into itself"),
    "nothing to delete": (("delete", "--yes", "nobodys"), 3, "There is no tag 'nobodys'."),
}


@pytest.mark.parametrize(("arguments", "exit_code", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(instance: Instance, arguments: tuple[str, ...], exit_code: int, message: str) -> None:
    for tag in ("there", "here"):  # on the shared server they are there from the second test on
        instance.cli("tag", "create", tag)
    result = instance.cli("tag", *arguments)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.startswith(f"shortener: {message}")
    assert result.stderr.count("\n") == 1
