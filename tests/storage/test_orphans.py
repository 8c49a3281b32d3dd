"""Unknown paths and what may have been meant, on both kinds of database."""

import random
import string
import time
from collections.abc import Iterable

import pytest
from sqlalchemy import event, update

from shortener import errors
from shortener.clicks.labels import Labels
from shortener.domain import period, suggestion
from shortener.domain.click import OTHER_LABEL, ClickClass
from shortener.domain.link import LinkDraft
from shortener.domain.suggestion import Suggestion
from shortener.services import aliases, domains, links, orphans
from shortener.services.orphans import Missed
from shortener.storage import orphans as rows
from shortener.storage.click_tables import click
from shortener.storage.engine import Database
from shortener.storage.orphans import Span
from tests.clicks import BOT, BROWSERS, POLICY, click_on, drain, make_link
from tests.frames import Click

HUMANS = frozenset({ClickClass.HUMAN})
EVERYBODY = frozenset(ClickClass)
TODAY = period.day_of(time.time_ns() // 1_000_000)
ALPHABET = string.ascii_letters + string.digits + "-_"


def orphan(
    path: str,
    *,
    days_ago: int = 0,
    referrer: str = "",
    user_agent: str = BROWSERS["Firefox"],
    domain: str = "",
) -> Click:
    time_ms = time.time_ns() // 1_000_000 - days_ago * period.DAY_MS
    return Click(time_ms, None, 0, path, user_agent=user_agent, referrer=referrer, domain=domain)


def configure(database: Database, *names: str) -> None:
    for name in names:
        domains.create(database, POLICY.targets, "https://go.example", name, {}, actor="test")


def make_link_on(database: Database, domain: str, code: str) -> None:
    draft = LinkDraft(target="https://example.com/", code=code, domain=domain)
    links.create(database, POLICY, draft, actor="test")


def ask(database: Database, **question: object) -> list[Missed]:
    plain: dict[str, object] = {"days": 30, "classes": HUMANS, "limit": 20}
    return list(orphans.listing(database, **{**plain, **question}).items)  # type: ignore[arg-type]


def suggested(database: Database, path: str, domain: str = "") -> list[Suggestion]:
    with database.read() as connection:
        return orphans.suggest(connection, domain, path)


def codes_of(found: Iterable[Suggestion]) -> list[str]:
    return [suggestion.code for suggestion in found]


class TestPaths:
    def test_most_clicks_first(self, database: Database) -> None:
        drain(database, [orphan(path) for path in ("/a", "/bb/c", "/a", "/d", "/a", "/bb/c")])
        found = ask(database)
        assert [(missed.path, missed.clicks) for missed in found] == [("/a", 3), ("/bb/c", 2), ("/d", 1)]

    def test_clicks_on_links_are_none(self, database: Database) -> None:
        link = make_link(database, "known")
        drain(database, [click_on(link, time.time_ns() // 1_000_000), orphan("/unknown")])
        assert [missed.path for missed in ask(database)] == ["/unknown"]

    def test_people_only_unless_asked(self, database: Database) -> None:
        drain(database, [orphan("/a"), orphan("/a", user_agent=BOT), orphan("/b", user_agent=BOT)])
        assert [(missed.path, missed.clicks) for missed in ask(database)] == [("/a", 1)]
        everybody = ask(database, classes=EVERYBODY)
        assert [(missed.path, missed.clicks) for missed in everybody] == [("/a", 2), ("/b", 1)]
        robots = ask(database, classes=frozenset({ClickClass.BOT}))
        assert {(missed.path, missed.clicks) for missed in robots} == {("/a", 1), ("/b", 1)}

    @pytest.mark.parametrize(
        ("days", "paths"),
        [
            pytest.param(1, {"/0"}, id="today"),
            pytest.param(2, {"/0", "/1"}, id="two-days"),
            pytest.param(30, {"/0", "/1", "/29"}, id="month"),
            pytest.param(90, {"/0", "/1", "/29", "/30", "/89"}, id="all-that-is-kept"),
        ],
    )
    def test_the_last_days(self, database: Database, days: int, paths: set[str]) -> None:
        drain(database, [orphan(f"/{ago}", days_ago=ago) for ago in (0, 1, 29, 30, 89, 90)])
        assert {missed.path for missed in ask(database, days=days)} == paths

    def test_the_last_click(self, database: Database) -> None:
        clicks = [orphan("/a", days_ago=ago) for ago in (3, 1, 2)]
        drain(database, clicks)
        (found,) = ask(database)
        assert found.last_clicked_at == period.from_ms(clicks[1].time_ms)

    def test_who_sent_most(self, database: Database) -> None:
        sent = {"a": 1, "b": 4, "c": 2, "d": 3, "": 5}
        hosts = [f"https://{name}.example" if name else "" for name, count in sent.items() for _ in range(count)]
        drain(database, [orphan("/x", referrer=host) for host in hosts])
        drain(database, [orphan("/y", referrer="https://a.example"), orphan("/z")])
        found = {missed.path: missed.referrers for missed in ask(database)}
        assert found["/x"] == [("b.example", 4), ("d.example", 3), ("c.example", 2)]
        assert (found["/y"], found["/z"]) == ([("a.example", 1)], [])

    def test_referrers_are_those_of_the_question(self, database: Database) -> None:
        drain(
            database,
            [
                orphan("/x", referrer="https://people.example"),
                orphan("/x", referrer="https://robots.example", user_agent=BOT),
                orphan("/x", referrer="https://old.example", days_ago=2),
            ],
        )
        (found,) = ask(database, days=1)
        assert found.referrers == [("people.example", 1)]

    @pytest.mark.parametrize("limit", [1, 2, 3, 7])
    def test_pages_show_each_path_once(self, database: Database, limit: int) -> None:
        dice = random.Random(limit)
        paths = [f"/{number}" for number in range(7) for _ in range(dice.randrange(1, 4))]
        drain(database, [orphan(path) for path in paths])
        seen: list[Missed] = []
        cursor = None
        while True:
            page = orphans.listing(database, days=30, classes=HUMANS, limit=limit, cursor=cursor)
            seen.extend(page.items)
            assert len(page.items) == limit or page.next is None
            if page.next is None:
                break
            cursor = page.next
        assert {missed.path: missed.clicks for missed in seen} == {path: paths.count(path) for path in paths}
        assert len(seen) == 7
        assert [missed.clicks for missed in seen] == sorted((missed.clicks for missed in seen), reverse=True)

    def test_a_cursor_is_good_for_its_question_only(self, database: Database) -> None:
        drain(database, [orphan("/a"), orphan("/b")])
        cursor = orphans.listing(database, days=30, classes=HUMANS, limit=1).next
        assert cursor
        for other in ({"days": 7}, {"classes": EVERYBODY}, {"cursor": cursor[:-3]}):
            with pytest.raises(errors.CursorInvalid):
                ask(database, **{"cursor": cursor, **other})

    def test_each_domain_has_its_own(self, database: Database) -> None:
        """Clicks, referrers and the link that was created afterwards, with that very code."""
        configure(database, "b.example", "c.example")
        drain(database, [orphan("/sale", domain="b.example", referrer="https://b.example.org") for _ in range(3)])
        drain(database, [orphan("/sale", domain="c.example"), orphan("/sale", domain="c.example"), orphan("/sale")])
        make_link_on(database, "c.example", "sale")
        seen: list[Missed] = []
        cursor = None
        while not seen or cursor is not None:
            page = orphans.listing(database, days=30, classes=HUMANS, limit=1, cursor=cursor)
            seen += page.items
            cursor = page.next
        assert [(missed.domain, missed.path, missed.clicks) for missed in seen] == [
            ("b.example", "/sale", 3),
            ("c.example", "/sale", 2),
            ("", "/sale", 1),
        ]
        assert [missed.referrers for missed in seen] == [[("b.example.org", 3)], [], []]
        assert [missed.suggestions for missed in seen] == [[], [Suggestion("sale", 0)], []]

    def test_pages_of_one_path_on_many_domains(self, database: Database) -> None:
        """As many clicks, the same path: only the domain tells them apart."""
        names = ["", *(f"{letter}.example" for letter in "abcde")]
        configure(database, *names[1:])
        drain(database, [orphan("/x", domain=name) for name in names])
        seen: list[str] = []
        cursor = None
        while not seen or cursor is not None:
            page = orphans.listing(database, days=30, classes=HUMANS, limit=2, cursor=cursor)
            seen += [missed.domain for missed in page.items]
            cursor = page.next
        assert sorted(seen) == names

    def test_hosts_of_no_domain_are_the_default_one(self, database: Database) -> None:
        """Rows from before domains were stored, and domains that were deleted before the drain and after it."""
        drain(database, [orphan("/sale")])
        with database.write() as connection:
            connection.execute(update(click).values(domain_id=0))
        configure(database, "late.example")
        drain(database, [orphan("/sale", domain=name) for name in ("", "late.example", "never.example")])
        domains.delete(database, "late.example", actor="test")
        make_link(database, "sale")
        (found,) = ask(database)
        assert (found.domain, found.clicks, found.suggestions) == ("", 4, [Suggestion("sale", 0)])

    def test_what_is_too_much_is_shown_together(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("shortener.clicks.labels.NEW_PER_DAY", 2)
        drain(database, [orphan(f"/sale{number}") for number in range(5)], Labels())
        make_link(database, "other")
        found = {missed.path: missed for missed in ask(database)}
        assert found[OTHER_LABEL].clicks == 3
        assert found[OTHER_LABEL].suggestions == []

    def test_nothing_is_nothing(self, database: Database) -> None:
        assert ask(database) == []


SUGGESTED = [
    pytest.param("/sumer-sale", ["summer-sale"], id="missing"),
    pytest.param("/summmer-sale", ["summer-sale"], id="too-many"),
    pytest.param("/sunmer-sale", ["summer-sale"], id="wrong"),
    pytest.param("/smumer-sale", ["summer-sale"], id="swapped"),
    pytest.param("/ummer-sale", ["summer-sale"], id="first-missing"),
    pytest.param("/xsummer-sale", ["summer-sale"], id="one-before"),
    pytest.param("/summer-sale.", ["summer-sale"], id="full-stop"),
    pytest.param("/summer-sale/more", ["summer-sale"], id="path-behind-it"),
    pytest.param("/Summer-Sale", ["summer-sale"], id="capitals"),
    pytest.param("/SUMMER-SALE", ["summer-sale"], id="caps-lock"),
    pytest.param("/SUMMER-SAL", ["summer-sale"], id="caps-lock-and-an-error"),
    pytest.param("/summer-sa1e", ["summer-sale"], id="one-for-l"),
    pytest.param("/summer-xxle", ["summer-sale"], id="two-errors-at-the-end"),
    pytest.param("/summer-sale", ["summer-sale"], id="there-by-now"),
    pytest.param("/aB3xYzO", ["aB3xYz0"], id="generated"),
    pytest.param("/ab3xyz0", ["aB3xYz0"], id="generated-in-lower-case"),
    pytest.param("/Bücher", ["bücher"], id="letters"),
    pytest.param("/bucher", ["bücher"], id="without-its-dots"),
    pytest.param("/winter-sale", [], id="another-word"),
    pytest.param("/xx", [], id="two-characters"),
    pytest.param("/", [], id="nothing"),
    pytest.param("/wp-login.php", [], id="robots"),
    pytest.param("/\x00\ud800", [], id="no-text"),
    pytest.param("/" + "x" * 5000, [], id="very-long"),
]


class TestSuggestions:
    @pytest.mark.parametrize(("path", "codes"), SUGGESTED)
    def test_what_may_have_been_meant(self, database: Database, path: str, codes: list[str]) -> None:
        for code in ("summer-sale", "aB3xYz0", "bücher", "xy", "z"):
            make_link(database, code)
        assert codes_of(suggested(database, path)) == codes

    def test_the_nearest_three(self, database: Database) -> None:
        for code in ("menu-12", "menu12", "menu-22", "Menu12", "menu-1"):
            make_link(database, code)
        assert suggested(database, "/menu12") == [
            Suggestion("menu12", 0),
            Suggestion("Menu12", 0),
            Suggestion("menu-12", 1),
        ]

    def test_deleted_links_are_not_meant(self, database: Database) -> None:
        make_link(database, "summer")
        links.delete(database, "summer", actor="test")
        assert suggested(database, "/sumer") == []

    def test_aliases_are(self, database: Database) -> None:
        make_link(database, "x")
        aliases.add(database, POLICY, "x", "summer", actor="test")
        assert codes_of(suggested(database, "/sumer")) == ["summer"]

    @pytest.mark.parametrize(("path", "errors"), [("/summer", 0), ("/sumer", 1), ("/summmmer", 2)])
    @pytest.mark.parametrize("domain", ["", "b.example", "c.example"])
    def test_only_links_of_the_own_domain(self, database: Database, path: str, errors: int, domain: str) -> None:
        """Whether they are looked up exactly or found among neighbours."""
        configure(database, "b.example", "c.example")
        make_link_on(database, domain, "summer")
        for visited in ("", "b.example", "c.example"):
            meant = [Suggestion("summer", errors)] if visited == domain else []
            assert suggested(database, path, visited) == meant

    @pytest.mark.parametrize("seed", range(3))
    def test_every_code_one_error_away_is_found(self, database: Database, seed: int) -> None:
        dice = random.Random(seed)
        codes = ["".join(dice.choices(ALPHABET, k=dice.randrange(4, 12))) for _ in range(60)]
        for code in set(codes):
            make_link(database, code)
        for code in dice.sample(codes, 25):
            place, character = dice.randrange(len(code)), dice.choice(ALPHABET)
            typed = code[:place] + dice.choice(["", character, character + code[place]]) + code[place + 1 :]
            nearest = suggested(database, f"/{typed}")
            assert nearest[0].distance <= 1
            assert code in codes_of(nearest), (code, typed)

    def test_two_errors_are_found_among_the_neighbours(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Some codes on either side in alphabetical order are looked at, and no further ones."""
        monkeypatch.setattr(orphans, "_NEIGHBOURS", 5)
        for number in range(5):
            make_link(database, f"n{number}bcdef")
        make_link(database, "m000xyz")
        assert codes_of(suggested(database, "/m000xab")) == ["m000xyz"]
        assert "n4bcdef" in codes_of(suggested(database, "/n4bcxyf"))
        assert suggested(database, "/xm000xyzx") == []


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_lists_are_looked_up_by_index(database: Database) -> None:
    """Neither all clicks nor all links are read. (PostgreSQL's planner reads tables as small as these as a whole.)"""
    drain(database, [orphan("/summerr")])
    make_link(database, "summer")
    statements: list[tuple[str, object]] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        statements.append((statement, parameters))

    assert codes_of(ask(database)[0].suggestions) == ["summer"]
    noted = [(text, values) for text, values in statements if text.startswith(("SELECT", "WITH"))]
    plans = ""
    with database.engine.connect() as connection:
        for text, values in noted:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)  # type: ignore[arg-type]
            plans += "\n".join(row.detail for row in plan) + "\n"
    assert "ix_click_day (day=? AND link_id=?)" in plans
    assert "ix_link_living_code (domain=? AND code=?)" in plans
    assert "ix_link_living_code (domain=? AND code>?)" in plans
    assert "SCAN click" not in plans
    assert "SCAN link" not in plans


def test_neighbours(database: Database) -> None:
    for code in ("a", "b", "c", "d", "e"):
        make_link(database, code)
    links.delete(database, "c", actor="test")
    with database.read() as connection:
        assert rows.neighbours(connection, "", "c", 1) == ["d", "b"]
        assert rows.neighbours(connection, "", "0", 2) == ["a", "b"]
        assert rows.neighbours(connection, "b.example", "c", 2) == []


def test_spans_of_nobody(database: Database) -> None:
    drain(database, [orphan("/a")])
    with database.read() as connection:
        assert rows.asked_most(connection, Span(range(TODAY, TODAY + 1), frozenset()), 5, None) == []
        assert rows.living(connection, "", []) == []
    assert suggestion.spellings("") == set()
