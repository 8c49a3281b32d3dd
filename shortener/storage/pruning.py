"""Pruning: which raw clicks are gone."""

from sqlalchemy import Connection


def pruned_before(_connection: Connection) -> int:
    """The first UTC day of which raw clicks are kept; 0 where none are gone."""
    return 0
