"""Durability: which kind of spool the operator has chosen."""

from shortener.clicks.memory import MemorySpool
from shortener.clicks.room import Room
from shortener.clicks.spool import Spool
from shortener.settings import Settings


def room(configured: Settings) -> Room:
    """The bounds that the settings give the spool."""
    return Room(configured.spool_max_bytes, configured.spool_min_free_bytes)


def open_spool(configured: Settings, database_id: bytes) -> Spool:
    """The spool that the settings ask for, which is the caller's to close."""
    if configured.click_durability == "memory":
        return MemorySpool(configured.spool_dir, database_id, room(configured))
    return Spool(configured.spool_dir, database_id, room(configured), waits=configured.click_durability == "power")
