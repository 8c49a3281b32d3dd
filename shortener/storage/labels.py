"""Labels: the texts that are values of dimensions, by their ids, and the other way round."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from shortener.storage.click_tables import label

#: Values of one IN: far below what either database takes.
_CHUNK = 500


def texts(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    """The texts of those of these labels that there are. A query for each 500."""
    wanted = sorted(ids)
    found: dict[int, str] = {}
    for start in range(0, len(wanted), _CHUNK):
        query = select(label.c.id, label.c.text).where(label.c.id.in_(wanted[start : start + _CHUNK]))
        found.update((row.id, row.text) for row in connection.execute(query))
    return found


def ids(connection: Connection, texts: Iterable[str]) -> dict[str, int]:
    """The ids of those of these texts that are labels. A query for each 500."""
    wanted = sorted(texts)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), _CHUNK):
        query = select(label.c.text, label.c.id).where(label.c.text.in_(wanted[start : start + _CHUNK]))
        found.update((row.text, row.id) for row in connection.execute(query))
    return found
