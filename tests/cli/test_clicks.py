"""`shortener clicks`: single clicks as a table, as JSON, and in files."""

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import typer

from shortener.cli import files
from tests.cli.conftest import answered, cells, run
from tests.cli.process import Serving, eventually, served
from tests.conftest import ADMIN_KEY, FIREFOX

AUTHORIZED = {"authorization": f"Bearer {ADMIN_KEY}"}
CURL = "curl/8.5.0"


@pytest.fixture(scope="module")
def clicked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server with clicks on two links, one with a tag and one on a domain, and with an orphan; all counted."""
    with (
        served(tmp_path_factory.mktemp("clicked"), SHORTENER_ADMIN_KEY=ADMIN_KEY) as serving,
        httpx2.Client(base_url=serving.url, headers=AUTHORIZED) as client,
    ):
        assert client.post("/api/v1/domains", json={"name": "other.example"}).is_success
        for fields in ({"code": "x", "tags": ["a/b"]}, {"code": "y", "domain": "other.example"}):
            assert client.post("/api/v1/links", json={"target": "https://example.com", **fields}).is_success
        for path, headers in (
            ("/x?utm_source=%3D1%2B1", {"user-agent": FIREFOX, "referer": "https://www.news.example/"}),
            ("/x", {"user-agent": CURL}),
            ("/y", {"user-agent": FIREFOX, "host": "other.example"}),
            ("/nothing", {"user-agent": FIREFOX}),
        ):
            client.get(path, headers=headers)

        def counted() -> bool:
            found = [client.get(f"/api/v1{of}/clicks?class=human,bot").json()["data"] for of in ("", "/orphans")]
            return [len(rows) for rows in found] == [3, 1]

        eventually(counted)
        yield serving


@pytest.fixture(params=["local", "remote"])
def where(request: pytest.FixtureRequest, clicked: Serving, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The same instance by its database and over the network."""
    if request.param == "local":
        monkeypatch.setenv("SHORTENER_DATA_DIR", str(clicked.errors.parent / "data"))
        return ()
    return ("--url", clicked.url, "--key", ADMIN_KEY)


def test_a_row_a_click(where: tuple[str, ...]) -> None:
    result = run("clicks", "--class", "human,bot", *where)
    assert (result.exit_code, result.stderr) == (0, "")
    header, *rows = cells(result.stdout)
    assert header == ["time", "code", "class", "referrer", "country", "device", "os", "browser"]
    assert sorted(row[1:3] for row in rows) == [["x", "bot"], ["x", "human"], ["y", "human"]]
    assert rows == sorted(rows, key=lambda row: row[0], reverse=True)
    assert ["x", "human", "news.example", "–", "desktop", "Linux", "Firefox"] in [row[1:] for row in rows]


SCOPES: dict[str, tuple[tuple[str, ...], str]] = {
    "all": ((), "/clicks"),
    "link": (("x",), "/links/x/clicks"),
    "link on a domain": (("y", "--domain", "other.example"), "/links/y/clicks?domain=other.example"),
    "domain": (("--domain", "other.example"), "/domains/other.example/clicks"),
    "tag": (("--tag", "a/b"), "/tags/a%2Fb/clicks"),
    "orphans": (("--orphans",), "/orphans/clicks"),
    "period": (
        ("--start", "2026-01-01", "--end", "2026-01-02"),
        "/clicks?start=2026-01-01T00:00:00Z&end=2026-01-02T00:00:00Z",
    ),
    "interval": (("--interval", "all", "--timezone", "Asia/Tokyo"), "/clicks?interval=all&timezone=Asia/Tokyo"),
    "class": (("--class", "bot"), "/clicks?class=bot"),
    "filter": (("--where", "code=x,z"), "/clicks?code=x,z"),
    "filters": (
        ("x", "--where", "browser=-Chrome", "--where", "utm_source==1+1"),
        "/links/x/clicks?browser=-Chrome&utm_source=%3D1%2B1",
    ),
    "no value": (("--where", "referrer="), "/clicks?referrer="),
    "a filter that nothing passes": (("--where", "country=XX"), "/clicks?country=XX"),
}


@pytest.mark.parametrize(("arguments", "path"), SCOPES.values(), ids=SCOPES.keys())
def test_every_form_says_what_the_api_says(
    clicked: Serving, where: tuple[str, ...], nowhere: Path, arguments: tuple[str, ...], path: str
) -> None:
    api = httpx2.get(f"{clicked.url}/api/v1{path}", headers=AUTHORIZED).json()["data"]
    assert answered(run("clicks", *arguments, "--json", *where)) == api
    assert answered(run("clicks", *arguments, "--json", "--limit", "1", *where)) == api[:1]
    for form in ("csv", "ndjson"):
        result = run("clicks", *arguments, f"--{form}", f"out.{form}", *where)
        assert (result.exit_code, result.stdout) == (0, f"Wrote {len(api)} clicks to out.{form}.\n"), result.stderr
    assert [json.loads(line) for line in (nowhere / "out.ndjson").read_text().splitlines()] == api[::-1]
    with (nowhere / "out.csv").open(newline="") as file:
        assert [row["time"] for row in csv.DictReader(file)] == [row["time"] for row in api[::-1]]
    assert sorted(os.listdir(nowhere)) == ["out.csv", "out.ndjson"]


def test_standard_output(where: tuple[str, ...], nowhere: Path) -> None:
    result = run("clicks", "x", "--csv", "-", *where)
    assert (result.exit_code, result.stderr) == (0, "")
    (row,) = csv.DictReader(io.StringIO(result.stdout_bytes.decode(), newline=""))
    assert row["utm_source"] == "'=1+1"
    with_mark = run("clicks", "x", "--csv", "-", "--bom", *where).stdout_bytes
    assert with_mark == b"\xef\xbb\xbf" + result.stdout_bytes
    assert os.listdir(nowhere) == []


def test_a_file_is_replaced_whole(where: tuple[str, ...], nowhere: Path) -> None:
    (nowhere / "out.csv").write_text("old")
    assert run("clicks", "--csv", "out.csv", *where).exit_code == 0
    assert (nowhere / "out.csv").read_text().startswith("time,code,domain,class,unique,")


REFUSED = {
    "an unknown link": (("nothing",), 3, "There is no link called 'nothing'."),
    "an unknown tag": (("--tag", "nothing"), 3, "There is no tag 'nothing'."),
    "an unknown domain": (("--domain", "nothing.example"), 3, "The domain 'nothing.example' is not configured here."),
    "an unknown interval": (("--interval", "2d"), 2, "--interval: "),
    "no moment": (("--start", "yesterday"), 2, "--start: "),
    "an unknown class": (("--class", "ghost"), 2, "--class: 'ghost' is no class; "),
    "no filter": (("--where", "Firefox"), 2, "'Firefox' is no filter: write it as browser=Firefox."),
    "an unknown filter": (
        ("--where", "colour=red"),
        2,
        "--where colour: There is no such filter. Did you mean 'country'?",
    ),
    "a filter twice": (("--where", "os=a", "--where", "os=b"), 2, "--where os: write all its values in one, "),
    "two things": (("x", "--tag", "sale"), 2, "CODE and --tag: ask for one of them at a time"),
    "two more": (("--orphans", "--domain", "a.example"), 2, "--orphans and --domain: ask for one"),
}


@pytest.mark.parametrize(("arguments", "exit_code", "message"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize(
    "form", [(), ("--csv", "out.csv"), ("--ndjson", "out.ndjson")], ids=["table", "csv", "ndjson"]
)
def test_refusals(
    where: tuple[str, ...],
    nowhere: Path,
    form: tuple[str, ...],
    arguments: tuple[str, ...],
    exit_code: int,
    message: str,
) -> None:
    """And no file is there for it, nor is one that was there another."""
    for name in form[1:]:
        (nowhere / name).write_text("old")
    result = run("clicks", *arguments, *form, *where)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.startswith(f"shortener: {message}")
    assert result.stderr.count("\n") == 1
    assert os.listdir(nowhere) == list(form[1:])
    assert all((nowhere / name).read_text() == "old" for name in form[1:])


def test_two_files(where: tuple[str, ...]) -> None:
    result = run("clicks", "--csv", "a", "--ndjson", "b", *where)
    assert (result.exit_code, result.stderr) == (2, "shortener: --csv and --ndjson: write one file at a time\n")


def test_no_such_folder(where: tuple[str, ...], nowhere: Path) -> None:
    result = run("clicks", "--csv", "missing/out.csv", *where)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "shortener: missing/out.csv cannot be written: No such file or directory\n"
    assert run("clicks", "--csv", str(nowhere), *where).exit_code == 1


def test_what_is_no_file_is_written_to(where: tuple[str, ...]) -> None:
    assert run("clicks", "--csv", os.devnull, *where).exit_code == 0
    assert Path(os.devnull).is_char_device()


def test_a_link_to_a_file_stays_one(nowhere: Path) -> None:
    (nowhere / "real").write_text("old")
    (nowhere / "link").symlink_to("real")
    with files.replacing("link") as file:
        file.write(b"new")
    assert (nowhere / "link").is_symlink()
    assert (nowhere / "real").read_text() == "new"


@pytest.mark.parametrize("failure", [typer.Exit(3), KeyboardInterrupt(), RuntimeError()])
def test_what_breaks_off_leaves_nothing(nowhere: Path, failure: BaseException) -> None:
    def write() -> None:
        with files.replacing("out") as file:
            file.write(b"half")
            raise failure

    (nowhere / "out").write_text("old")
    with pytest.raises(type(failure)):
        write()
    assert os.listdir(nowhere) == ["out"]
    assert (nowhere / "out").read_text() == "old"
