"""Tables of the click side: raw clicks, what is summed up from them, and the marks that make it exact.

They are Core tables, because clicks are never loaded as objects (500 rows by ORM: 30 ms, by Core: 0.8).
What only PostgreSQL has (keys that hold the counts too, conditions of indexes) is in the migrations: to name it here
would load its dialect.
Times are integers with their unit in the name; `day` counts UTC days from 1970-01-01, `month` is
12 × year + month − 1.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from shortener.domain.click import ClickClass, Dimension
from shortener.domain.link import INSTANCE_ID
from shortener.storage.tables import AUTOINCREMENT, CLUSTERED, ID, metadata

#: Beside the numbers of domain.click.Dimension.
TOTAL = 0
#: For who asks for all of them: by name, so that the index finds each one's slots at once.
EVERY_CLASS = tuple(map(int, ClickClass))
#: The rows that are kept in order of their clicks (storage/leaders): those of the instance's codes, and those of
#: single links. There are as many of each as links. As text, since an index takes no parameters.
OF_CODES = text(f"link_id = {INSTANCE_ID} AND dimension = {int(Dimension.CODE)}")
OF_LINKS = text(f"dimension = {TOTAL} AND link_id > 0")


def _number(name: str, kind: Any = BigInteger, **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **options)


def _key(name: str, kind: Any = BigInteger) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _counts() -> tuple[Column[Any], Column[Any]]:
    return _number("clicks"), _number("unique")


def _leaders(table: str, time: str) -> tuple[Index, Index]:
    # With the columns that are the same in all rows: SQLite takes the index that fits the most conditions.
    codes = (time, "dimension", "link_id", "class", "clicks", "value_id")
    links = (time, "dimension", "class", "clicks", "link_id")
    return (
        Index(f"ix_{table}_leaders", *codes, sqlite_where=OF_CODES),
        Index(f"ix_{table}_links", *links, sqlite_where=OF_LINKS),
    )


#: Raw clicks, one row each. Dimensions are label ids, NULL where absent.
click = Table(
    "click",
    metadata,
    _key("id", ID),
    _number("day", Integer),
    _number("link_id"),
    _number("time_ms"),
    _number("domain_id"),
    _number("class", SmallInteger),
    _number("first", SmallInteger),
    _number("flags", SmallInteger),
    *(Column(dimension.label, BigInteger) for dimension in Dimension),
    Index("ix_click_day", "day", "link_id", "id"),
)
#: Clicks by slots of 15 minutes, counted from 1970. Those of a class lie together: mostly people's alone are read.
click_series = Table(
    "click_series",
    metadata,
    _key("month", Integer),
    _key("link_id"),
    _key("bucket", Integer),
    _key("class", SmallInteger),
    *_counts(),
    PrimaryKeyConstraint("month", "link_id", "class", "bucket"),
    **CLUSTERED,
)
#: Clicks by day and value. Dimension TOTAL has a link's clicks whatever their values, under the value 0.
click_breakdown = Table(
    "click_breakdown",
    metadata,
    _key("day", Integer),
    _key("dimension", SmallInteger),
    _key("link_id"),
    _key("value_id"),
    _key("class", SmallInteger),
    *_counts(),
    *_leaders("click_breakdown", "day"),
    **CLUSTERED,
)
click_breakdown_month = Table(
    "click_breakdown_month",
    metadata,
    _key("month", Integer),
    _key("dimension", SmallInteger),
    _key("link_id"),
    _key("value_id"),
    _key("class", SmallInteger),
    *_counts(),
    *_leaders("click_breakdown_month", "month"),
    **CLUSTERED,
)
link_total = Table(
    "link_total",
    metadata,
    _key("link_id"),
    _key("class", SmallInteger),
    *_counts(),
    _number("last_clicked_ms"),
    **CLUSTERED,
)
label = Table(
    "label",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("text", Text, nullable=False, unique=True),
    **AUTOINCREMENT,
)
#: Up to which click a dimension has been folded.
fold_mark = Table("fold_mark", metadata, _key("dimension", SmallInteger), _number("click_id"))
#: One row, locked by the drainer that writes: the last click id given out, and the day before which raw clicks are
#: gone (storage/pruning).
drain_head = Table(
    "drain_head",
    metadata,
    _key("id", SmallInteger),
    _number("click_id"),
    _number("pruned_before", Integer, server_default=text("0")),
)
#: Up to which byte a segment has been drained. Kept when the segment is gone.
spool_mark = Table(
    "spool_mark",
    metadata,
    Column("segment_id", LargeBinary, primary_key=True),
    _number("offset"),
    **CLUSTERED,
)
#: Frames that were committed with a click limit instead of being spooled.
click_inbox = Table(
    "click_inbox",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("frame", LargeBinary, nullable=False),
    **AUTOINCREMENT,
)
#: Who has been counted as unique: destroyed two days after.
visitor_day = Table(
    "visitor_day",
    metadata,
    _key("day", Integer),
    _key("link_id"),
    _key("class", SmallInteger),
    _key("hash"),
    **CLUSTERED,
)
salt = Table("salt", metadata, _key("day", Integer), Column("salt", LargeBinary, nullable=False))
#: Whose clicks have been erased (storage/erasing): the link or pseudo-link, the time up to which frames on their way
#: are dropped, the last click id that goes, the link's domain, and whether some are still there.
erased = Table(
    "erased",
    metadata,
    _key("link_id"),
    _number("until_ms"),
    _number("upto_id"),
    _number("domain_id"),
    _number("pending", SmallInteger),
    **CLUSTERED,
)
