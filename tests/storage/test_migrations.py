"""Migrations: up, down and up again give the same schema, and models and migrations agree, on both engines."""

import secrets
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from shortener import errors
from shortener.domain import access
from shortener.domain.link import LinkDraft
from shortener.services import aliases, domains, links, sessions, signin_links, undelete
from shortener.services.keys import preset_of
from shortener.storage import migration, schema
from shortener.storage.click_tables import click_series
from shortener.storage.engine import Database
from shortener.storage.tables import metadata
from tests.clicks import POLICY, age_link, click_on, drain, make_link
from tests.spools import now_ms

KEY = b"a preset key of 30 characters."
PRESET = preset_of(KEY.decode())


def shape(database: Database) -> dict[str, Any]:
    """Everything the database says about its tables."""
    with database.read() as connection:
        seen = sqlalchemy.inspect(connection)
        return {
            table: {
                "columns": [
                    (c["name"], str(c["type"]), c["nullable"], c["default"]) for c in seen.get_columns(table)
                ],
                "key": seen.get_pk_constraint(table)["constrained_columns"],
                "indexes": sorted(
                    (i["name"], tuple(i["column_names"]), i["unique"]) for i in seen.get_indexes(table)
                ),
                "foreign": sorted(tuple(f["constrained_columns"]) for f in seen.get_foreign_keys(table)),
                "checks": sorted(str(c["name"]) for c in seen.get_check_constraints(table)),
            }
            for table in sorted(seen.get_table_names())
        }


def test_up_down_up_is_the_same_schema(database: Database) -> None:
    first = shape(database)
    migration.downgrade(database, "base")
    assert set(shape(database)) <= {"alembic_version", "sqlite_sequence"}
    migration.upgrade(database)
    assert shape(database) == first


def test_each_step_down_and_up(database: Database) -> None:
    first = shape(database)
    migration.downgrade(database, "0001")
    assert "click" not in shape(database)
    migration.upgrade(database)
    assert shape(database) == first


def test_signing_in_comes_and_goes(database: Database) -> None:
    made = {"session", "signin_link"}
    session = sessions.sign_in(database, PRESET, KEY, b"")
    signin_links.create(database)
    migration.downgrade(database, "0013")
    assert made.isdisjoint(shape(database))
    migration.upgrade(database)
    assert made < set(shape(database))
    with pytest.raises(errors.SignedOut):
        sessions.principal_of(database, PRESET, session)


def test_autogenerate_finds_nothing_to_do(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_keys_have_the_order_of_the_models(database: Database) -> None:
    with database.read() as connection:
        seen = sqlalchemy.inspect(connection)
        for table in metadata.tables.values():
            found = seen.get_pk_constraint(table.name)["constrained_columns"]
            assert found == [column.name for column in table.primary_key], table.name


def test_clicks_by_slot_are_still_there_in_another_order(database: Database) -> None:
    link = make_link(database, "x")
    age_link(database, link, 60)
    drain(database, [click_on(link, now_ms() - number * 40_000_000) for number in range(100)])
    before = _rows(database)
    migration.downgrade(database, "0007")
    assert _rows(database) == before
    migration.upgrade(database)
    assert _rows(database) == before
    assert len(before) > 100


def _rows(database: Database) -> list[tuple[int, ...]]:
    with database.read() as connection:
        return sorted(tuple(row) for row in connection.execute(sqlalchemy.select(click_series)))


def test_head_is_the_newest_migration() -> None:
    script = ScriptDirectory.from_config(migration.configuration())
    assert script.get_current_head() == schema.HEAD


def test_upgrading_again_keeps_the_database_id(database: Database) -> None:
    with database.read() as connection:
        before = schema.database_id(connection)
    migration.upgrade(database)
    with database.read() as connection:
        assert schema.database_id(connection) == before
    assert before is not None
    assert len(before) == 16


def test_a_newer_database_is_refused_and_untouched(database: Database) -> None:
    with database.write() as connection:
        connection.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(errors.StartFailed, match="revision 9999, which this version"):
        migration.upgrade(database)
    with database.read() as connection:
        assert schema.current(connection) == "9999"


def test_an_empty_database_has_no_revision(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / secrets.token_hex(4)}.db")
    with database.read() as connection:
        assert schema.current(connection) is None
    database.close()


def test_migrations_are_found_in_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel carries them inside the package; a checkout beside it."""
    assert schema.migrations_folder().name == "migrations"
    inside = tmp_path / "shortener" / "migrations"
    inside.mkdir(parents=True)
    monkeypatch.setattr(schema, "__file__", str(tmp_path / "shortener" / "storage" / "schema.py"))
    assert schema.migrations_folder() == inside


@pytest.mark.parametrize(("last", "marks"), [(0, []), (7, [(13, 7), (14, 7), (15, 7), (16, 7), (17, 7)])])
def test_old_clicks_are_not_folded_by_what_they_do_not_have(
    database: Database, last: int, marks: list[tuple[int, int]]
) -> None:
    migration.downgrade(database, "0002")
    with database.write() as connection:
        connection.execute(sqlalchemy.text("UPDATE drain_head SET click_id = :last"), {"last": last})
    migration.upgrade(database)
    with database.read() as connection:
        query = sqlalchemy.text("SELECT dimension, click_id FROM fold_mark WHERE dimension > 12 ORDER BY dimension")
        assert [tuple(row) for row in connection.execute(query)] == marks


def test_links_that_were_deleted_before_come_back_on_the_domain_that_they_were_on(database: Database) -> None:
    domains.create(database, POLICY.targets, "https://go.example", "b.example", {}, actor="test")
    deleted = {make_link(database, "x", domain=name).id: name for name in ("", "b.example")}
    for name in deleted.values():
        links.delete(database, "x", actor="test", domain=name)
    domains.delete(database, "b.example", actor="test")
    migration.downgrade(database, "0011")
    migration.upgrade(database)
    domains.create(database, POLICY.targets, "https://go.example", "b.example", {}, actor="test")
    brought_back = {link_id: undelete.undelete(database, link_id, actor="test")[0].domain for link_id in deleted}
    assert brought_back == deleted


def test_links_that_exist_are_found_by_what_people_read(database: Database) -> None:
    links.create(database, POLICY, LinkDraft(target="https://bücher.example/wiki/日本"), actor="test")
    with database.read() as connection:
        found = connection.exec_driver_sql("SELECT search_text FROM link").scalar_one()
    migration.downgrade(database, "0008")
    migration.upgrade(database)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT search_text FROM link").scalar_one() == found
    assert "bücher.example/wiki/日本" in found


def test_links_that_exist_get_what_lists_filter_and_sort_them_by(database: Database) -> None:
    """Also those that are deleted; an alias has none of it."""
    key_id = "5f0c2a9be1d4"
    for code, title, actor in (
        ("sale", "Sale", access.actor(key_id)),
        ("other", None, "preset admin key"),
        ("gone", "Gone", access.actor(key_id)),
    ):
        links.create(database, POLICY, LinkDraft("https://bücher.example:8443/a", "", code, title), actor=actor)
    links.edit(database, POLICY, "other", {"title": "Zoo"}, actor=access.actor("0" * 12))
    aliases.add(database, POLICY, "sale", "alias", actor=access.actor(key_id))
    links.delete(database, "gone", actor="test")
    migration.downgrade(database, "0012")
    migration.upgrade(database)
    with database.read() as connection:
        found = connection.exec_driver_sql("SELECT code, title_key, target_host, owner FROM link ORDER BY id").all()
    host = "xn--bcher-kva.example"
    assert [tuple(row) for row in found] == [
        ("sale", "sale", host, key_id),
        ("other", "zoo", host, None),
        ("gone", "gone", host, key_id),
        ("alias", None, None, None),
    ]
