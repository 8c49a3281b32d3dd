"""`shortener erase`, on this machine's database and on a server alike."""

import pytest

from tests.cli.conftest import Instance, answered, run


@pytest.fixture
def code(instance: Instance) -> str:
    link = answered(instance.cli("link", "create", "https://example.com/", "--json"))
    return str(link["code"])


def test_a_link(instance: Instance, code: str) -> None:
    result = instance.cli("erase", "link", code, "--yes")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Erased 0 clicks.\n", "")
    assert answered(instance.cli("erase", "link", code, "--yes", "--json")) == {"clicks": 0, "finished": True}


def test_orphans(instance: Instance) -> None:
    result = instance.cli("erase", "orphans", "--yes", "--json")
    assert answered(result)["finished"] is True


def test_it_asks(instance: Instance, code: str) -> None:
    asked = instance.cli("erase", "link", code, stdin="y\n")
    assert asked.exit_code == 0
    assert asked.stdout.endswith("Erased 0 clicks.\n")
    assert asked.stderr.startswith(f"Erase all clicks on {code}? It cannot be undone. [y/N]")
    for answer in ("n\n", "\n", ""):
        refused = instance.cli("erase", "link", code, stdin=answer)
        assert refused.exit_code == 1
        assert "Erased" not in refused.stdout


def test_refusals(instance: Instance) -> None:
    result = instance.cli("erase", "link", "nobodys", "--yes")
    assert (result.exit_code, result.stderr) == (3, "shortener: There is no link called 'nobodys'.\n")
    assert run("erase").exit_code == 2
