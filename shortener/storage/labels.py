"""Labels: the texts that are values of dimensions, by their ids, and the other way round."""

from collections.abc import Iterable

from sqlalchemy import Connection

from shortener.storage import pairs
from shortener.storage.click_tables import label


def texts(connection: Connection, wanted: Iterable[int]) -> dict[int, str]:
    """The texts of labels, by the ids of those that there are. A query for each 500."""
    return pairs.read(connection, label.c.id, label.c.text, wanted)


def ids(connection: Connection, wanted: Iterable[str]) -> dict[str, int]:
    """The ids of labels, by the texts of those that there are. A query for each 500."""
    return pairs.read(connection, label.c.text, label.c.id, wanted)
