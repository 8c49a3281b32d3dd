"""`shortener orphans`: paths that were asked for in vain."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.cli.conftest import answered, cells, run
from tests.cli.process import Serving, eventually, served
from tests.conftest import ADMIN_KEY, FIREFOX


@pytest.fixture(scope="module")
def missed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server that was asked for codes that it has not."""
    with (
        served(tmp_path_factory.mktemp("missed"), SHORTENER_ADMIN_KEY=ADMIN_KEY) as serving,
        httpx2.Client(base_url=serving.url, headers={"authorization": f"Bearer {ADMIN_KEY}"}) as client,
    ):
        assert client.post("/api/v1/links", json={"target": "https://example.com", "code": "summer-sale"}).is_success
        for headers in ({"referer": "https://www.news.example/x"}, {}):
            assert client.get("/sumer-sale", headers={"user-agent": FIREFOX, **headers}).status_code == 404
        assert client.get("/wp-login", headers={"user-agent": "curl/8"}).status_code == 404
        domain = {"name": "b.example", "not_found_target": "https://example.com/lost"}
        assert client.post("/api/v1/domains", json=domain).is_success
        monitor = {"user-agent": "UptimeRobot/2.0", "host": "b.example"}
        # HEAD is not counted.
        eventually(lambda: client.head("/sumer-sale", headers=monitor).status_code == 302)
        assert client.get("/sumer-sale", headers=monitor).status_code == 302

        def counted() -> bool:
            found = client.get("/api/v1/orphans", params={"class": "human,bot,monitor"}).json()["data"]
            return bool(sum(each["clicks"] for each in found) == 4)

        eventually(counted)
        yield serving


@pytest.fixture(params=["local", "remote"])
def where(request: pytest.FixtureRequest, missed: Serving, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The same instance by its database and over the network."""
    if request.param == "local":
        monkeypatch.setenv("SHORTENER_DATA_DIR", str(missed.errors.parent / "data"))
        return ()
    return ("--url", missed.url, "--key", ADMIN_KEY)


def test_a_row_a_path(where: tuple[str, ...]) -> None:
    result = run("orphans", *where)
    assert (result.exit_code, result.stderr) == (0, "")
    header, row = cells(result.stdout)
    assert header == ["path", "clicks", "last clicked", "from", "meant"]
    assert row[:2] == ["/sumer-sale", "2"]
    assert row[3:] == ["news.example 1", "summer-sale"]


def test_of_other_classes(where: tuple[str, ...]) -> None:
    rows = cells(run("orphans", "--class", "bot", "--days", "1", *where).stdout)
    assert [(row[0], row[3:]) for row in rows[1:]] == [("/wp-login", ["–", "–"])]


def test_the_domain_where_it_is_not_the_default_one(where: tuple[str, ...]) -> None:
    rows = cells(run("orphans", "--class", "human,monitor", *where).stdout)
    assert rows[0] == ["path", "domain", "clicks", "last clicked", "from", "meant"]
    assert [row[:-3] for row in rows[1:]] == [["/sumer-sale", "2"], ["/sumer-sale", "b.example", "1"]]
    assert [row[-1] for row in rows[1:]] == ["summer-sale", "–"]


def test_as_json_it_is_the_api_answer(where: tuple[str, ...], missed: Serving) -> None:
    authorized = {"authorization": f"Bearer {ADMIN_KEY}"}
    whole = httpx2.get(f"{missed.url}/api/v1/orphans?class=human,bot", headers=authorized).json()["data"]
    listed = answered(run("orphans", "--class", "human,bot", "--limit", "150", "--json", *where))
    assert len(listed) == 2
    if where:  # the address of a link is by what a process knows of its own
        assert listed == whole
    assert answered(run("orphans", "--class", "human,bot", "--limit", "1", "--json", *where)) == listed[:1]


REFUSED = {
    "no days": (("--days", "0"), "--days: "),
    "too many days": (("--days", "91"), "--days: "),
    "an unknown class": (("--class", "ghost"), "--class: 'ghost' is no class; "),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(where: tuple[str, ...], arguments: tuple[str, ...], message: str) -> None:
    result = run("orphans", *arguments, *where)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"shortener: {message}")
    assert result.stderr.count("\n") == 1
