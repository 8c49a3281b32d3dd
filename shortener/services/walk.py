"""A way through raw clicks, in steps: day by day (UTC), and through a day in the order in which they were counted."""

from collections import deque
from collections.abc import Sequence

from shortener.storage import raw_clicks as rows
from shortener.storage.engine import Connection
from shortener.storage.raw_clicks import Part, Recorded, Selection

#: Days looked at in one step, however few clicks they have.
_DAYS_OF_A_STEP = 31
#: Clicks looked through in one step, where a filter lets few of them through: 3 to 12 ms, those of a link 7 to 10;
#: of a tag with 340,000 clicks a day 45, since their ids are sorted each time.
LOOKED_THROUGH = 20_000


class Walk:
    """The clicks of a selection, in steps, each of which may be in a transaction of its own."""

    def __init__(self, selection: Selection, *, newest_first: bool) -> None:
        self._selection = selection
        self._newest_first = newest_first
        #: Those still ahead, and the one on which the last step ended.
        self.days: deque[int] = deque()
        #: No click above it is on the way.
        self.last_id = rows.MOST_ID - 1
        #: Which of the present day are still ahead; None as long as that day has not begun.
        self._ids: range | None = None

    def begin(self, connection: Connection, after: Sequence[int] | None) -> int:
        """Finds the days, from the first one or from behind the click `after`, by day and id; returns its clicks.

        Their number is that of all clicks from the beginning on, filters aside.
        """
        by_day = rows.clicks_by_day(connection, self._selection)
        if rows.are_there(connection, self._selection.filters):
            self.days.extend(day for day, _ in by_day)
        if self._newest_first:
            self.days.reverse()
        if after is not None:
            self._go_to(connection, *after)
        return sum(found for _, found in by_day)

    def _go_to(self, connection: Connection, day: int, click_id: int) -> None:
        while self.days and self.days[0] > day:
            self.days.popleft()
        if self.days and self.days[0] == day:
            ids = rows.ids_of_day(connection, self._selection, day)
            self._ids = range(ids.start, min(ids.stop, click_id))

    def step(self, connection: Connection, limit: int) -> list[Recorded]:
        """Up to `limit` clicks; fewer, or none, also where few of many pass. The end is where no days are left."""
        found: list[Recorded] = []
        unseen = LOOKED_THROUGH
        for _ in range(_DAYS_OF_A_STEP):
            if not self.days or len(found) == limit or unseen <= 0:
                break
            more, seen = self._on(connection, self.days[0], limit - len(found), unseen)
            found += more
            unseen -= seen
        return found

    def _on(self, connection: Connection, day: int, limit: int, most: int) -> tuple[list[Recorded], int]:
        """Up to `limit` clicks of the present day, by looking through up to `most`, and how many these were.

        Goes on to the next day if none are left of this one. Without filters what is looked through is what is found.
        """
        ids = rows.ids_of_day(connection, self._selection, day) if self._ids is None else self._ids
        ids = range(ids.start, min(ids.stop, self.last_id + 1))
        part = Part(ids, 0)
        if self._selection.filters:
            part = rows.part_of_day(connection, self._selection, day, ids, most, newest_first=self._newest_first)
        found = rows.of_day(connection, self._selection, day, part.ids, limit, newest_first=self._newest_first)
        self._ids = self._behind(ids, part.ids, found[-1].id if len(found) == limit else None)
        if not self._ids:
            self.days.popleft()
            self._ids = None
        return found, part.clicks

    def _behind(self, ids: range, part: range, last: int | None) -> range:
        """Which of `ids` are still ahead behind the click `last`, or behind all of a part of them."""
        if self._newest_first:
            return range(ids.start, part.start if last is None else last)
        return range(part.stop if last is None else last + 1, ids.stop)
