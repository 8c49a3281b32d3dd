"""`shortener stats`: what the API answers, as a table and as JSON."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.cli.conftest import answered, cells, run
from tests.cli.process import Serving, eventually, served
from tests.conftest import ADMIN_KEY, FIREFOX

CURL = "curl/8.5.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.0 Mobile/15E148 Safari/604.1"
)
VISITS = (
    ("code", {"user-agent": FIREFOX, "referer": "https://www.news.example/x"}),
    ("code", {"user-agent": FIREFOX}),
    ("code", {"user-agent": SAFARI}),
    ("code", {"user-agent": CURL}),
    ("code", {"user-agent": "WhatsApp/2.23.20.0"}),
)


@pytest.fixture(scope="module")
def clicked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server whose link `code` has been visited, all of it counted."""
    with (
        served(tmp_path_factory.mktemp("clicked"), SHORTENER_ADMIN_KEY=ADMIN_KEY) as serving,
        httpx2.Client(base_url=serving.url, headers={"authorization": f"Bearer {ADMIN_KEY}"}) as client,
    ):
        assert client.post("/api/v1/links", json={"target": "https://example.com", "code": "code"}).is_success
        assert client.post("/api/v1/links", json={"target": "https://example.com", "code": "quiet"}).is_success
        for code, headers in VISITS:
            assert client.get(f"/{code}", headers=headers).status_code == 302
        everyone = {"class": "human,bot,preview,prefetch,monitor"}
        eventually(lambda: client.get("/api/v1/stats", params=everyone).json()["totals"]["clicks"] == len(VISITS))
        yield serving


@pytest.fixture(params=["local", "remote"])
def where(request: pytest.FixtureRequest, clicked: Serving, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The same instance by its database and over the network."""
    if request.param == "local":
        monkeypatch.setenv("SHORTENER_DATA_DIR", str(clicked.errors.parent / "data"))
        return ()
    return ("--url", clicked.url, "--key", ADMIN_KEY)


def api(clicked: Serving, path: str, **params: str) -> object:
    return httpx2.get(
        f"{clicked.url}/api/v1{path}", params=params, headers={"authorization": f"Bearer {ADMIN_KEY}"}
    ).json()


QUESTIONS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "as it comes": ((), {}),
    "an interval": (("--interval", "7d"), {"interval": "7d"}),
    "a period": (
        ("--start", "2026-01-01T00:00:00Z", "--end", "2026-02-01T00:00:00Z"),
        {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"},
    ),
    "days": (
        ("--start", "2026-01-01", "--end", "2026-02-01"),
        {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"},
    ),
    "days of a zone": (
        ("--start", "2026-03-01", "--end", "2026-04-01", "--timezone", "Europe/Berlin"),
        {"start": "2026-03-01T00:00:00+01:00", "end": "2026-04-01T00:00:00+02:00", "timezone": "Europe/Berlin"},
    ),
    "a zone": (("--timezone", "Asia/Tokyo"), {"timezone": "Asia/Tokyo"}),
    "a granularity": (("--granularity", "hour"), {"granularity": "hour"}),
    "a breakdown": (("--group-by", "browser"), {"group_by": "browser"}),
    "classes": (("--class", "human,bot"), {"class": "human,bot"}),
    "a limit": (("--group-by", "os", "--limit", "1"), {"group_by": "os", "limit": "1"}),
    "a comparison": (("--interval", "7d", "--compare", "year"), {"interval": "7d", "compare": "year"}),
    "a comparison with days of a zone": (
        ("--compare-start", "2026-03-01", "--compare-end", "2026-04-01", "--timezone", "Europe/Berlin"),
        {
            "compare_start": "2026-03-01T00:00:00+01:00",
            "compare_end": "2026-04-01T00:00:00+02:00",
            "timezone": "Europe/Berlin",
        },
    ),
}


@pytest.mark.parametrize(("options", "params"), QUESTIONS.values(), ids=QUESTIONS.keys())
@pytest.mark.parametrize(("code", "path"), [((), "/stats"), (("code",), "/links/code/stats")], ids=["all", "link"])
def test_json_is_the_api_answer(
    clicked: Serving,
    where: tuple[str, ...],
    options: tuple[str, ...],
    params: dict[str, str],
    code: tuple[str, ...],
    path: str,
) -> None:
    # An answer that ends now is another one when the next quarter of an hour begins, and that may be just now.
    before = api(clicked, path, **params)
    answer = answered(run("stats", *code, *options, *where, "--json"))
    assert answer in (before, api(clicked, path, **params))


def test_a_time_series(where: tuple[str, ...]) -> None:
    result = run("stats", "code", *where)
    header, *days, total, excluded = cells(result.stdout)
    assert header == ["timeseries", "clicks", "unique"]
    assert len(days) == 30
    assert days[0][1:] == ["0", "0"]
    assert (days[-1][0][4::3], days[-1][1:]) == ("--", ["3", "2"])
    assert total == ["total", "3", "2"]
    assert excluded == ["Not counted: 1 bot, 1 preview (see --class)."]


BUCKETS = {"15m": 16, "hour": 16, "day": 10, "week": 10, "month": 10}


@pytest.mark.parametrize(("granularity", "length"), BUCKETS.items(), ids=BUCKETS.keys())
def test_a_bucket_is_as_long_as_it_must_be(where: tuple[str, ...], granularity: str, length: int) -> None:
    rows = cells(run("stats", "code", "--interval", "7d", "--granularity", granularity, *where).stdout)
    assert {len(row[0]) for row in rows[1:-2]} == {length}


def test_a_breakdown(where: tuple[str, ...]) -> None:
    rows = cells(run("stats", "code", "--group-by", "referrer", *where).stdout)
    assert rows[:4] == [
        ["referrer", "clicks", "unique"],
        ["–", "2", "1"],
        ["news.example", "1", "1"],
        ["total", "3", "2"],
    ]


def test_what_the_limit_cut_is_a_row(where: tuple[str, ...]) -> None:
    rows = cells(run("stats", "code", "--group-by", "browser", "--limit", "1", *where).stdout)
    assert rows[1:4] == [["Firefox", "2", "1"], ["(other)", "1", "1"], ["total", "3", "2"]]


#: Three days, and two to compare them with.
DAYS = ("--start", "2026-10-01", "--end", "2026-10-04")
FEWER_DAYS = ("--compare-start", "2026-01-01", "--compare-end", "2026-01-03")
COMPARED = {
    "days": (
        ("--start", "2026-10-01", "--end", "2026-10-31", "--compare", "previous", "--timezone", "Europe/Berlin"),
        "Compared with 2026-09-01 to 2026-09-30: 0 clicks, 0 unique.",
    ),
    "hours": (
        ("--start", "2026-10-01T03:00", "--end", "2026-10-01T07:15", "--compare", "year"),
        "Compared with 2025-10-01 03:00 to 2025-10-01 07:15: 0 clicks, 0 unique.",
    ),
    "own dates": (
        (*DAYS, *FEWER_DAYS),
        "Compared with 2026-01-01 to 2026-01-02: 0 clicks, 0 unique.",
    ),
}


@pytest.mark.parametrize(("options", "said"), COMPARED.values(), ids=COMPARED)
def test_which_period_it_is_compared_with(where: tuple[str, ...], options: tuple[str, ...], said: str) -> None:
    rows = cells(run("stats", "code", *options, *where).stdout)
    assert rows[0] == ["timeseries", "clicks", "unique", "compared"]
    assert rows[-1] == [said]


def test_what_is_compared_stands_beside(where: tuple[str, ...]) -> None:
    """Today with all days that may have clicks, and with none."""
    every = ("--group-by", "browser", "--compare-start", "2020-01-01", "--compare-end", "2099-01-01")
    rows = cells(run("stats", "code", "--interval", "24h", "--limit", "1", *every, *where).stdout)
    assert rows == [
        ["browser", "clicks", "unique", "compared"],
        ["Firefox", "2", "1", "2"],
        ["(other)", "1", "1", "1"],
        ["total", "3", "2", "3"],
        ["Not counted: 1 bot, 1 preview (see --class)."],
        ["Compared with 2020-01-01 to 2098-12-31: 3 clicks, 2 unique."],
    ]
    rows = cells(run("stats", "code", "--start", "2020-01-01", "--end", "2020-01-03", *every, *where).stdout)
    assert rows[1:3] == [["(other)", "0", "0", "3"], ["total", "0", "0", "3"]]


def test_days_beyond_the_end_of_what_they_are_compared_with(where: tuple[str, ...]) -> None:
    rows = cells(run("stats", "code", *DAYS, *FEWER_DAYS, *where).stdout)
    assert [row[-1] for row in rows[1:5]] == ["0", "0", "–", "0"]


def test_nothing_left_out_is_not_mentioned(where: tuple[str, ...]) -> None:
    assert "Not counted" not in run("stats", "quiet", *where).stdout
    everyone = run("stats", "code", "--class", "human,bot,preview,prefetch,monitor", *where).stdout
    assert "Not counted" not in everyone
    assert cells(everyone)[-1] == ["total", "5", "4"]


REFUSED = {
    "an unknown link": (("nothing",), 3, "There is no link called 'nothing'."),
    "a dot": ((".",), 3, "There is no link called '.'."),
    "two dots": (("..",), 3, "There is no link called '..'."),
    "an unknown interval": (("--interval", "2d"), 2, "--interval: "),
    "no moment": (("--start", "yesterday"), 2, "--start: "),
    "a period backwards": (("--start", "2026-01-02", "--end", "2026-01-01"), 2, "--start: --start (2026-01-02"),
    "no zone for a start": (("--start", "2026-01-01", "--timezone", "Middle/Earth"), 2, "--timezone: "),
    "no zone": (("--timezone", "Middle/Earth"), 2, "--timezone: 'Middle/Earth' is not a time zone"),
    "no comparison": (
        ("--compare", "last"),
        2,
        "--compare: 'last' is nothing to compare with. There are: previous, year, weekday.",
    ),
    "a comparison without an end": (
        ("--compare-start", "2026-01-01"),
        2,
        "--compare-end: --compare-start needs --compare-end too",
    ),
    "a comparison backwards": (
        ("--compare-start", "2026-01-02", "--compare-end", "2026-01-01"),
        2,
        "--compare-start: --compare-start (2026-01-02T00:00:00+00:00) must lie before --compare-end (",
    ),
    "two comparisons": (
        ("--compare", "year", "--compare-start", "2026-01-02", "--compare-end", "2026-01-03"),
        2,
        "--compare: Give either --compare or --compare-start and --compare-end, not both.",
    ),
    "no granularity": (("--granularity", "year"), 2, "--granularity: "),
    "too many buckets": (
        ("--start", "2020-01-01", "--granularity", "15m"),
        2,
        "--granularity: By 15m this period has more than 10000 buckets",
    ),
    "no dimension": (("--group-by", "shoes"), 2, "--group-by: "),
    "no class": (("--class", "alien"), 2, "--class: 'alien' is no class; the classes are human, bot"),
    "too few": (("--limit", "0"), 2, "--limit: "),
}


@pytest.mark.parametrize(("arguments", "exit_code", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(where: tuple[str, ...], arguments: tuple[str, ...], exit_code: int, message: str) -> None:
    result = run("stats", *arguments, *where)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.startswith(f"shortener: {message}")
    assert result.stderr.count("\n") == 1
