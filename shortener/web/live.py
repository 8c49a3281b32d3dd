"""Live clicks: one poller per worker for all who follow, and a bounded queue for each of them.

Used on the worker's event loop only; what asks the database does so in a thread. Without followers nothing runs.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import structlog

from shortener import errors, metrics
from shortener.domain.click import ClickClass, Dimension
from shortener.services import live
from shortener.services.live import Feed
from shortener.storage.live import Wanted
from shortener.web import events
from shortener.web.events import Reason

#: Clicks that wait for one follower, at most: two batches of them. Those who want the same share the bytes.
MOST_QUEUED = 2 * live.BATCH

log = structlog.get_logger()


class Pace(NamedTuple):
    """How often what is done, in seconds."""

    #: Between looks for new clicks. The drainer needs about as long, and two seconds are promised.
    poll: float = 0.3
    #: Of silence before a follower is told that the stream is alive. Proxies cut after 30 or 60.
    beat: float = 15.0
    #: Between looks whether the followers' keys are still good: each key once.
    check: float = 15.0


class Event(NamedTuple):
    """A click, ready to be sent."""

    id: int
    link_id: int
    click_class: ClickClass
    values: Mapping[Dimension, str]
    data: bytes


class Batch(NamedTuple):
    """What was read at a time."""

    wanted: Wanted
    events: Sequence[Event]
    #: What those are told of it who followed when it was read, and how many clicks that is.
    chosen: Mapping[Wanted, tuple[bytes, int]]


class Follower:
    """One stream's queue."""

    def __init__(self, wanted: Wanted, key: bytes, position: int, beat_at: float) -> None:
        self.wanted = wanted
        self.key = key
        #: Clicks above this id are put into the queue.
        self.position = position
        #: When it will have been silent for long enough.
        self.beat_at = beat_at
        self._pieces: deque[bytes] = deque()
        self._clicks = 0
        self._is_over = False
        self._changed = asyncio.Event()

    def put(self, piece: bytes, clicks: int = 0) -> bool:
        """Puts bytes with so many clicks into the queue; False if that would be too many, which ends it."""
        if self._clicks + clicks > MOST_QUEUED:
            self.end(Reason.SLOW)
            return False
        if not self._is_over:
            self._pieces.append(piece)
            self._clicks += clicks
            self._changed.set()
        return True

    def end(self, reason: Reason | None = None) -> None:
        """Takes nothing more. Without a reason nobody is there to be told, so the queue goes too."""
        if not self._is_over and reason is not None:
            self._pieces.append(events.closed(reason))
        elif reason is None:
            self._pieces.clear()
        self._is_over = True
        self._changed.set()

    async def take(self) -> bytes | None:
        """What is in the queue, as soon as there is something; None at its end."""
        while not self._pieces:
            if self._is_over:
                return None
            self._changed.clear()
            await self._changed.wait()
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self._clicks = 0
        return taken


class Hub:
    """All who follow clicks at one worker. `stop` it when the worker is told to end, `close` it at the end."""

    def __init__(self, feed: Feed, may_follow: Callable[[bytes], bool], most: int, pace: Pace | None = None) -> None:
        """`may_follow` says of a key whether it is still good, and may ask the database; `most` follow at once."""
        self._feed = feed
        self._may_follow = may_follow
        self._most = most
        self._pace = pace or Pace()
        self._groups: dict[Wanted, set[Follower]] = {}
        self._number = 0
        self._beginning = asyncio.Lock()
        self._poller: asyncio.Task[None] | None = None
        #: Up to which id everything has been handed on. Of no meaning without a poller.
        self._position = 0
        self._check_at = 0.0
        self._is_failing = self._is_stopped = False
        metrics.LIVE_FOLLOWERS.set(0)

    @property
    def followers(self) -> list[Follower]:
        """Who follows at the moment."""
        return [follower for group in self._groups.values() for follower in group]

    @asynccontextmanager
    async def following(self, wanted: Wanted, key: bytes) -> AsyncIterator[Follower]:
        """Follows while the block lasts. Raises LiveUnavailable, DatabaseUnavailable."""
        follower = await self._admit(wanted, key)
        try:
            yield follower
        finally:
            follower.end()
            self._dismiss(follower)

    def stop(self) -> None:
        """Ends every stream, and lets none begin."""
        self._is_stopped = True
        self._end(self.followers, Reason.STOPPING)

    async def close(self) -> None:
        """Likewise, and lets go of the database."""
        self.stop()
        if self._poller is not None:
            await self._poller
        await asyncio.to_thread(self._feed.close)

    async def _admit(self, wanted: Wanted, key: bytes) -> Follower:
        async with self._beginning:
            self._check_room()
            if self._poller is None:
                # Known before the client hears of its stream: the next click is told of, whatever takes long here.
                self._position = await asyncio.to_thread(self._feed.head)
                self._check_room()
            now = time.monotonic()
            follower = Follower(wanted, key, self._position, now + self._pace.beat)
            self._groups.setdefault(wanted, set()).add(follower)
            self._count(1)
            if self._poller is None:
                self._check_at = now + self._pace.check
                self._poller = asyncio.create_task(self._poll())
        return follower

    def _check_room(self) -> None:
        if self._is_stopped:
            raise errors.LiveUnavailable("The server is stopping; try again shortly.")
        if self._number >= self._most:
            detail = f"As many clients follow clicks as this server allows ({self._most} per worker)."
            raise errors.LiveUnavailable(detail)

    def _dismiss(self, follower: Follower) -> None:
        """Forgets a follower; it may be forgotten already."""
        group = self._groups.get(follower.wanted, set())
        if follower in group:
            group.remove(follower)
            self._count(-1)
        if not group:
            self._groups.pop(follower.wanted, None)

    def _count(self, more: int) -> None:
        self._number += more
        metrics.LIVE_FOLLOWERS.set(self._number)

    def _end(self, followers: Iterable[Follower], reason: Reason) -> None:
        for follower in followers:
            follower.end(reason)
            self._dismiss(follower)

    async def _poll(self) -> None:
        """Runs while anybody follows. Faults of any kind are logged and outlived."""
        while self._groups:
            is_behind = False
            try:
                is_behind = await self._step()
                self._is_failing = False
            except Exception as error:  # nothing may end this loop: all would wait for ever
                self._note(error)
            self._beat()
            if time.monotonic() >= self._check_at:
                await self._check_keys()
            if not is_behind:
                await asyncio.sleep(self._pace.poll)
        self._poller = None

    async def _step(self) -> bool:
        """Hands on what has been committed; whether there may be more."""
        head = await asyncio.to_thread(self._feed.head)
        if head <= self._position:
            self._position = head  # lower: the database has been restored
            return False
        batch = await asyncio.to_thread(self._read, head, list(self._groups))
        if not batch.wanted.covers(live.united(self._groups)):
            return True  # somebody has come meanwhile who wants more: what was read is read again
        self._hand_on(batch)
        is_full = len(batch.events) == live.BATCH
        self._position = batch.events[-1].id if is_full else head
        return is_full

    def _read(self, upto: int, groups: Sequence[Wanted]) -> Batch:
        """In a thread, which a worker that answers visits does not wait for: new clicks, ready to be sent."""
        wanted = live.united(groups)
        found = self._feed.between(self._position, upto, wanted)
        told = [Event(it.id, it.link_id, it.click_class, it.values, events.click(it)) for it in found]
        return Batch(wanted, told, dict(_chosen(told, groups)))

    def _hand_on(self, batch: Batch) -> None:
        beat_at = time.monotonic() + self._pace.beat
        newcomers = [wanted for wanted in self._groups if wanted not in batch.chosen]
        chosen = {**batch.chosen, **dict(_chosen(batch.events, newcomers))}
        for wanted, group in list(self._groups.items()):
            piece, clicks = chosen[wanted]
            if not clicks:
                continue
            for follower in list(group):
                follower.beat_at = beat_at
                if not follower.put(piece, clicks):
                    self._dismiss(follower)

    def _beat(self) -> None:
        """Tells those that their stream is alive who have heard nothing for long; each at a time of its own."""
        now = time.monotonic()
        silent = [follower for follower in self.followers if follower.beat_at <= now]
        if silent:
            piece = events.heartbeat(self._position)
            for follower in silent:
                follower.beat_at = now + self._pace.beat
                follower.put(piece)

    async def _check_keys(self) -> None:
        self._check_at = time.monotonic() + self._pace.check
        bad = await asyncio.to_thread(self._bad, {follower.key for follower in self.followers})
        self._end([follower for follower in self.followers if follower.key in bad], Reason.KEY)

    def _bad(self, keys: Iterable[bytes]) -> set[bytes]:
        """In a thread: those of `keys` that are good no more, as far as can be known."""
        bad = set()
        for key in keys:
            try:
                if not self._may_follow(key):
                    bad.add(key)
            except Exception as error:  # it is asked again soon; nobody is cut off because the database is away
                self._note(error)
        return bad

    def _note(self, error: Exception) -> None:
        if not self._is_failing:
            cause = str(error.__cause__ or error)
            foreseen = isinstance(error, errors.Broken)
            log.warning("live clicks cannot be read, trying again", cause=cause, exc_info=not foreseen)
        self._is_failing = True


def _chosen(found: Sequence[Event], groups: Iterable[Wanted]) -> Iterator[tuple[Wanted, tuple[bytes, int]]]:
    """What each of `groups` is told of what was found: 0.4 µs for each click that is compared with a filter."""
    by_link = defaultdict(list)
    for event in found:
        by_link[event.link_id].append(event)
    for wanted in groups:
        links = wanted.links
        of_links = found if links is None else [event for link_id in links for event in by_link.get(link_id, ())]
        pieces = [event.data for event in of_links if wanted.means(event.click_class, event.values)]
        yield wanted, (b"".join(pieces), len(pieces))
