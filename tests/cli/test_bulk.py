"""`shortener link import`, on this machine's database and on a server alike."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.cli import bulk
from shortener.cli.items import Item
from shortener.services.bulk import MAX_ITEMS
from shortener.settings import Settings
from shortener.web.api.bulk import MAX_PASSWORDS
from tests.cli.conftest import Instance, answered, run

TARGET = "https://example.com/"


def table(instance: Instance, *lines: str) -> str:
    """A table of links with a tag that is this instance's own."""
    tagged = [f"{line},{tag(instance)}" for line in lines]
    return "\n".join(("target,code,tags", *tagged))


def tag(instance: Instance) -> str:
    """Files with the same text are the same import, for whichever test: so they differ by test."""
    return f"{'remote' if instance.where else 'local'} {Path.cwd().name}"


def made(instance: Instance) -> list[str]:
    """The codes of the links that have been made from `table`, the oldest first."""
    return [link["code"] for link in instance.get("/links", tag=tag(instance), order="asc", limit=200)["data"]]


def test_every_link_is_made(instance: Instance, nowhere: Path) -> None:
    (nowhere / "links.csv").write_text(table(instance, f"{TARGET}1,import-1", f"{TARGET}2,", f"{TARGET}3,import-3"))
    result = instance.cli("link", "import", "links.csv")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Created 3 links.\n", "")
    first, second, third = made(instance)
    assert (first, len(second), third) == ("import-1", 7, "import-3")


def test_a_list_can_be_imported_again(instance: Instance, nowhere: Path) -> None:
    (nowhere / "links.csv").write_text(table(instance, f"{TARGET}1,again-1", f"{TARGET}2,again-2"))
    instance.cli("link", "import", "links.csv")
    instance.cli("link", "edit", "again-1", "--password", "open sesame", "--title", "First")
    instance.cli("link", "alias", "add", "again-1", "again-too")
    listed = answered(instance.cli("link", "list", "--tag", tag(instance), "--json"))
    assert instance.cli("link", "delete", "--yes", "again-1", "again-2").exit_code == 0
    (nowhere / "list.json").write_text(json.dumps(listed))
    result = instance.cli("link", "import", "list.json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "Created 2 links.\nNot imported: the password of 1 link.\nNot imported: the aliases of 1 link.\n"
    )
    assert sorted(made(instance)) == ["again-1", "again-2"]
    assert instance.get("/links/again-1")["title"] == "First"


def test_every_field(instance: Instance) -> None:
    link = {
        "target": f"{TARGET}full",
        "code": "import-full",
        "title": "[red]é 東",
        "notes": "one\ntwo",
        "tags": ["a", "b"],
        "status": 307,
        "enabled": False,
        "valid_from": "2026-01-01T00:00:00Z",
        "expires_at": "2096-01-01T00:00:00Z",
        "expired_target": f"{TARGET}over",
        "max_clicks": 5,
        "admit_programs": True,
        "password": "open sesame",
        "forward_query": True,
        "forward_path": True,
        "track": False,
        "rules": [{"target": f"{TARGET}rule", "conditions": [{"type": "device", "value": "ios"}]}],
        "external_id": "import full",
    }
    result = answered(instance.cli("link", "import", "-", "--json", stdin=json.dumps([link])))
    assert [(each["line"], each["status"]) for each in result] == [(1, 201)]
    stored = instance.get("/links/import-full")
    assert result[0]["link"] == stored
    same = link.keys() - {"password", "rules"}
    assert {name: stored[name] for name in same} == {name: link[name] for name in same}
    assert stored["has_password"]
    assert stored["rules"][0]["conditions"][0]["value"] == "ios"


def test_what_is_refused_is_told_by_its_line(instance: Instance) -> None:
    instance.cli("link", "create", TARGET, "--code", "import-taken")
    lines = (f"{TARGET}1,", "example.com,", f"{TARGET}3,import-taken", f"{TARGET}4,a.b", f"{TARGET}5,")
    result = instance.cli("link", "import", "-", stdin=table(instance, *lines))
    assert (result.exit_code, result.stdout) == (6, "Created 2 links.\nRefused 3 links.\n")
    told = result.stderr.splitlines()
    assert [line.partition(": ")[2].rpartition(": ")[0].split(": ")[:2] for line in told] == [
        ["line 3", "target"],
        ["line 4", "code"],
        ["line 5", "code"],
    ]
    assert len(made(instance)) == 2


NOTHING_MADE = {
    "bad input": (f"{TARGET}1,a.b", 2),
    "taken": (f"{TARGET}1,import-gone", 5),
    "the first counts": (f"{TARGET}1,import-gone\n{TARGET}2,a.b", 5),
}


@pytest.mark.parametrize(("lines", "exit_code"), NOTHING_MADE.values(), ids=NOTHING_MADE.keys())
def test_where_nothing_is_made_the_first_refusal_says_why(instance: Instance, lines: str, exit_code: int) -> None:
    instance.cli("link", "create", TARGET, "--code", "import-gone")
    result = instance.cli("link", "import", "-", stdin=table(instance, *lines.splitlines()))
    assert (result.exit_code, result.stdout.splitlines()[0]) == (exit_code, "Created 0 links.")


def test_importing_again_creates_nothing_twice(instance: Instance) -> None:
    text = table(instance, f"{TARGET}1,", f"{TARGET}2,", "wrong,")
    first = json.loads(instance.cli("link", "import", "-", "--json", stdin=text).stdout)
    again = instance.cli("link", "import", "-", stdin=text)
    assert (again.exit_code, again.stdout) == (
        6,
        "Created 0 links.\n"
        "2 links had been created by an earlier import of the same; --again creates more.\n"
        "Refused 1 link.\n",
    )
    assert again.stderr.startswith("shortener: line 4: target: ")
    assert json.loads(instance.cli("link", "import", "-", "--json", stdin=text).stdout) == first
    assert made(instance) == [each["link"]["code"] for each in first[:2]]
    anew = instance.cli("link", "import", "-", "--again", stdin=text)
    assert (anew.exit_code, anew.stdout) == (6, "Created 2 links.\nRefused 1 link.\n")
    assert len(made(instance)) == 4


def test_many_passwords_take_several_calls(instance: Instance) -> None:
    links = [{"target": TARGET, "password": "open sesame", "tags": [tag(instance)]} for _ in range(MAX_PASSWORDS + 1)]
    result = instance.cli("link", "import", "-", stdin="\n".join(map(json.dumps, links)))
    assert (result.exit_code, result.stdout) == (0, "Created 21 links.\n")


def test_several_batches(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MOST_ITEMS", 2)
    # The batches are alike, and yet each is made.
    text = table(instance, *[f"{TARGET}same,"] * 5)
    assert instance.cli("link", "import", "-", stdin=text).stdout == "Created 5 links.\n"
    assert len(made(instance)) == 5
    more = instance.cli("link", "import", "-", stdin=text + f"\n{TARGET}6,,{tag(instance)}")
    assert more.stdout == (
        "Created 2 links.\n4 links had been created by an earlier import of the same; --again creates more.\n"
    )


@contextmanager
def failing(after: int) -> Iterator[str]:
    """A server that makes what it is asked for `after` times, and then says that its database is away."""
    calls = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            calls.append(body)
            data = [{"index": 0, "status": 201, "link": {"code": "x"}}]
            answer: dict[str, Any] = {"data": data} if len(calls) <= after else {"detail": "The database is away."}
            encoded = json.dumps(answer).encode()
            self.send_response(207 if len(calls) <= after else 503)
            self.send_header("content-length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_failure_half_way_says_how_far_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MOST_ITEMS", 1)
    text = "target\n" + "a\n" * 4
    with failing(after=2) as url:
        result = run("link", "import", "-", "--url", url, stdin=text)
    assert (result.exit_code, result.stderr) == (1, "shortener: The database is away.\n")
    assert result.stdout == "Created 2 links.\nNot sent: 2 links. Import the same again to go on.\n"
    with failing(after=1) as url:
        result = run("link", "import", "-", "--url", url, "--json", stdin=text)
    assert result.exit_code == 1
    assert json.loads(result.stdout) == [{"line": 2, "status": 201, "link": {"code": "x"}}]


def test_a_terminal_shows_how_far_it_is(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nowhere / "links").write_text(f"target\n{TARGET}\n{TARGET}")
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = run("link", "import", "links")
    assert result.stdout == "Created 2 links.\n"
    assert re.search(r"Importing.*2/2", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", result.stderr))


REFUSED = {
    "no file": (("no.csv",), None, 2, "no.csv cannot be read: No such file or directory"),
    "a folder": ((".",), None, 2, ". cannot be read: Is a directory"),
    "an empty file": (("-",), "", 2, "standard input holds no links"),
    "broken half-way": (("-",), f'{{"target": "{TARGET}"}}\n{{', 2, "standard input, line 2: not valid JSON: "),
    "an unknown column": (("-",), f"target,colour\n{TARGET},red", 2, "standard input, line 1: there is no column"),
}


@pytest.mark.parametrize(("arguments", "stdin", "exit_code", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_broken_files_change_nothing(
    instance: Instance, arguments: tuple[str, ...], stdin: str | None, exit_code: int, message: str
) -> None:
    before = instance.get("/links", limit=1)["data"]
    result = instance.cli("link", "import", *arguments, stdin=stdin)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.startswith(f"shortener: {message}")
    assert result.stderr.count("\n") == 1
    assert instance.get("/links", limit=1)["data"] == before


def test_limits_are_those_of_the_api() -> None:
    limits = (MAX_ITEMS, MAX_PASSWORDS, Settings(_env_file=None).max_bulk_bytes)
    assert limits == (bulk.MOST_ITEMS, bulk.MOST_PASSWORDS, bulk.MOST_BYTES)


ITEMS = st.lists(st.builds(Item, st.integers(1, 9), st.binary(max_size=40), st.booleans()), max_size=60)


@given(ITEMS, st.integers(1, 20), st.integers(1, 3), st.integers(41, 200))
def test_batches(found: list[Item], items: int, passwords: int, size: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bulk, "MOST_ITEMS", items)
        patched.setattr(bulk, "MOST_PASSWORDS", passwords)
        patched.setattr(bulk, "MOST_BYTES", size)
        batches = list(bulk._batches(found))
    assert [item for batch in batches for item in batch] == found
    for batch in batches:
        assert 1 <= len(batch) <= items
        assert sum(item.has_password for item in batch) <= passwords
        assert len(b"\n".join(item.body for item in batch)) <= size
    # None could have begun in the batch before it.
    for before, after in pairwise(batches):
        joined = [*before, after[0]]
        assert (
            len(joined) > items
            or sum(item.has_password for item in joined) > passwords
            or sum(len(item.body) + 1 for item in joined) > size
        )


#: By name: a target of a file from elsewhere, and the target as it is read and as visits are sent.
FROM_ELSEWHERE = {
    "none": (f"{TARGET}a?b", f"{TARGET}a?b"),
    "placeholder": (f"{TARGET}?{{code}}&{{query.a}}", f"{TARGET}?{{{{code}}}}&{{{{query.a}}}}"),
    "doubled-braces": (f"{TARGET}?{{{{code}}}}", f"{TARGET}?{{{{{{code}}}}}}"),
    "half-a-placeholder": (f"{TARGET}?{{query.a/b}}", f"{TARGET}?%7Bquery.a/b}}"),
    "percent-encoded": (f"{TARGET}%7Bcode%7D", f"{TARGET}%7Bcode%7D"),
}


@pytest.mark.parametrize(("target", "read"), FROM_ELSEWHERE.values(), ids=list(FROM_ELSEWHERE))
def test_targets_from_elsewhere_are_text(instance: Instance, target: str, read: str) -> None:
    link: dict[str, Any] = {"target": target, "expired_target": target, "tags": [tag(instance)], "title": target}
    link |= {"rules": [{"conditions": [{"type": "device", "value": "ios"}], "target": target}]}
    result = instance.cli("link", "import", "-", "--literal", stdin=json.dumps([link]))
    assert (result.exit_code, result.stdout) == (0, "Created 1 link.\n")
    found = instance.get("/links", tag=tag(instance))["data"][0]
    assert found["target"] == found["expired_target"] == found["rules"][0]["target"] == read
    assert found["warnings"] == []
