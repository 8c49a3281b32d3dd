"""What can be done with tags. Each writing function is one transaction that also records the change.

Tags are made by giving them to links, too: that is services/links'.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shortener import errors
from shortener.domain import color as colors
from shortener.domain import page as pages
from shortener.domain import tag as tags
from shortener.domain import text
from shortener.domain.page import Page
from shortener.domain.tag import Tag
from shortener.storage import changes
from shortener.storage import tags as rows
from shortener.storage.engine import Connection, Database


def create(database: Database, name: str, color: str | None, *, actor: str) -> Tag:
    """Makes a tag that no link carries yet. Raises TagInvalid, ColorInvalid, TagTaken."""
    name = tags.normal_form(name, name="name")
    color = None if color is None else colors.normal_form(color)
    with database.write() as connection:
        changes.lock(connection)
        if not rows.add(connection, name, color):
            raise errors.TagTaken(f"There is a tag '{name}' already: change that one.", field="name")
        _record(connection, "tag-created", name, {"name": [None, name], "color": [None, color]}, actor)
        return _find(connection, name)


def search(database: Database, *, limit: int, containing: str | None = None, cursor: str | None = None) -> Page[Tag]:
    """A page of the tags whose names contain `containing`, in any case, by name. Raises CursorInvalid."""
    part = text.nfc(containing or "").lower()
    question = pages.question("tags", part)
    after = "" if cursor is None else _name_in(question, cursor)
    with database.read() as connection:
        found = rows.page(connection, limit=limit + 1, search=part, after=after)
    if len(found) <= limit:
        return Page(found, None)
    # A cursor has no room for 64 characters of any script as JSON escapes them.
    last = base64.urlsafe_b64encode(found[limit - 1].name.encode()).decode()
    return Page(found[:limit], pages.make_cursor(question, [last]))


def exists(database: Database, name: str) -> bool:
    """Whether there is a tag called `name`, in any spelling."""
    with database.read() as connection:
        try:
            _find(connection, name)
        except errors.TagNotFound:
            return False
    return True


def edit(database: Database, name: str, edits: Mapping[str, Any], *, actor: str) -> Tag:
    """Gives a tag another `name`, `color` or both, on all its links.

    Raises TagNotFound, TagInvalid, ColorInvalid, and TagTaken if there is a tag of the new name.
    """
    with database.write() as connection:
        changes.lock(connection)
        before = _find(connection, name)
        new_name = tags.normal_form(edits["name"], name="name") if "name" in edits else before.name
        color = edits.get("color", before.color)
        color = None if color is None else colors.normal_form(color)
        pairs: dict[str, list[Any]] = {"name": [before.name, new_name], "color": [before.color, color]}
        difference = {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}
        if not difference:
            return before
        if new_name != before.name and rows.by_name(connection, new_name) is not None:
            detail = f"There is a tag '{new_name}' already; to make the two one, merge '{before.name}' into it."
            raise errors.TagTaken(detail, field="name")
        rows.change(connection, before.name, new_name=new_name, color=color)
        _record(connection, "tag-edited", before.name, difference, actor)
        return _find(connection, new_name)


def merge(database: Database, name: str, into: str, *, actor: str) -> Tag:
    """Gives every link with the tag `name` the tag `into` instead, deletes the first and returns the second.

    Raises TagNotFound, and TagInvalid if the two are the same.
    """
    with database.write() as connection:
        changes.lock(connection)
        before, other = _find(connection, name), _find(connection, into, field="into")
        if other.name == before.name:
            raise errors.TagInvalid("A tag cannot be merged into itself; name another one.", field="into")
        rows.merge(connection, before.name, other.name)
        _record(connection, "tag-merged", before.name, {"name": [before.name, other.name]}, actor)
        return _find(connection, other.name)


def delete(database: Database, name: str, *, actor: str) -> None:
    """Deletes a tag and takes it off all links, which stay. Raises TagNotFound."""
    with database.write() as connection:
        changes.lock(connection)
        before = _find(connection, name)
        rows.remove(connection, before.name)
        diff = {"name": [before.name, None], "color": [before.color, None]}
        _record(connection, "tag-deleted", before.name, diff, actor)


def _find(connection: Connection, name: str, *, field: str | None = None) -> Tag:
    try:
        found = rows.by_name(connection, tags.normal_form(name))
    except errors.TagInvalid:
        found = None
    if found is None:
        shown = name[: tags.MAX_LENGTH]
        raise errors.TagNotFound(f"There is no tag '{shown}'.", field=field)
    return found


def _name_in(question: str, cursor: str) -> str:
    [place] = pages.read_cursor(question, cursor, (str,))
    try:
        return tags.normal_form(base64.b64decode(place, altchars=b"-_", validate=True).decode())
    except (ValueError, errors.TagInvalid) as error:
        raise errors.CursorInvalid(field="cursor") from error


def _record(connection: Connection, kind: str, name: str, diff: dict[str, list[Any]], actor: str) -> None:
    """Writes down a change of a tag, which no visit asks for, under its name before it."""
    changes.append(connection, at=datetime.now(UTC), actor=actor, kind=kind, code=name, diff=diff)
