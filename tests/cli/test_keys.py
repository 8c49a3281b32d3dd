"""`shortener key`, and what keys open."""

import re

import pytest

from shortener.cli.output import date_and_time
from tests.cli.conftest import Instance, answered, cells, run
from tests.cli.process import Serving


def test_create_prints_the_key_alone(instance: Instance) -> None:
    result = instance.cli("key", "create", "robot", "--scope", "links:read")
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.fullmatch(r"shk_[0-9a-f]{12}_[A-Za-z0-9_-]{43}\n", result.stdout)


def test_create_as_json_is_the_api_answer(instance: Instance) -> None:
    made = answered(
        instance.cli(
            *("key", "create", "robot", "--scope", "stats:read", "--scope", "links:read", "--json"),
            *("--expires-at", "2096-01-01T00:00:00Z"),
        )
    )
    assert (made["scopes"], made["expires_at"]) == (["links:read", "stats:read"], "2096-01-01T00:00:00Z")
    key = made.pop("key")
    assert made.pop("warnings") == []
    assert made == instance.get(f"/keys/{made['id']}")
    assert key.startswith(f"shk_{made['id']}_")


def test_list(instance: Instance) -> None:
    made = answered(
        instance.cli(
            *("key", "create", "[red]listed", "--scope", "admin", "--json"), *("--expires-at", "2096-01-01T00:00:00Z")
        )
    )
    other = answered(instance.cli("key", "create", "other", "--scope", "links:read", "--json"))
    instance.cli("key", "revoke", other["id"])
    assert answered(instance.cli("key", "list", "--json")) == instance.get("/keys")["data"]
    header, *rows = cells(instance.cli("key", "list").stdout)
    assert header == ["id", "name", "scopes", "created", "expires", "last used", "revoked"]
    created = date_and_time(made["created_at"])
    assert [made["id"], "[red]listed", "admin", created, "2096-01-01 00:00:00", "–", "–"] in rows
    revoked = instance.get(f"/keys/{other['id']}")["revoked_at"]
    assert [
        other["id"],
        "other",
        "links:read",
        date_and_time(other["created_at"]),
        "–",
        "–",
        date_and_time(revoked),
    ] in rows


def test_revoke(instance: Instance) -> None:
    made = answered(instance.cli("key", "create", "gone", "--scope", "admin", "--json"))
    for _ in range(2):
        result = instance.cli("key", "revoke", made["id"])
        assert (result.exit_code, result.stdout, result.stderr) == (0, f"Revoked {made['id']}.\n", "")
    assert instance.get(f"/keys/{made['id']}")["revoked_at"] is not None


REFUSED = {
    "an unknown scope": (("create", "x", "--scope", "everything"), 2, "--scope: "),
    "no name": (("create", "", "--scope", "admin"), 2, "NAME: "),
    "no moment": (("create", "x", "--scope", "admin", "--expires-at", "never"), 2, "--expires-at: "),
    "no such key": (("revoke", "0123456789ab"), 3, "There is no API key with this id."),
    "no id": (("revoke", ".."), 3, "There is no API key with this id."),
}


@pytest.mark.parametrize(("arguments", "exit_code", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(instance: Instance, arguments: tuple[str, ...], exit_code: int, message: str) -> None:
    result = instance.cli("key", *arguments)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.startswith(f"shortener: {message}")
    assert result.stderr.count("\n") == 1


def test_a_key_opens_what_its_scopes_say(server: Serving, instance: Instance) -> None:
    key = instance.cli("key", "create", "reader", "--scope", "links:read").stdout.strip()
    if not instance.where:
        assert run("link", "list", "--key", key).exit_code == 0  # local: needs none, and ignores it
        return
    where = ("--url", server.url, "--key", key)
    assert run("link", "list", *where).exit_code == 0
    refused = run("link", "create", "https://example.com", *where)
    assert refused.exit_code == 4
    assert refused.stderr == "shortener: This needs the scope links:write; the key has links:read.\n"
    assert run("key", "list", *where).exit_code == 4


NO_ACCESS = {
    "no key": ((), "This server asks for an API key: give one by --key or SHORTENER_API_KEY."),
    "an empty key": (("--key", " "), "This server asks for an API key: give one by --key or SHORTENER_API_KEY."),
    "a wrong key": (("--key", "x" * 30), "This API key is unknown, revoked or expired."),
    "a key of other letters": (("--key", "ключ" * 8), "This API key is unknown, revoked or expired."),
}


@pytest.mark.parametrize(("given", "message"), NO_ACCESS.values(), ids=NO_ACCESS.keys())
def test_no_access(server: Serving, given: tuple[str, ...], message: str) -> None:
    for command in (("link", "list"), ("stats",), ("key", "list"), ("link", "delete", "--yes", "x")):
        result = run(*command, "--url", server.url, *given)
        assert (result.exit_code, result.stdout, result.stderr) == (4, "", f"shortener: {message}\n")
