"""Server-sent events as a browser reads them (WHATWG HTML section 9.2.6), and someone who follows them."""

import json
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.server import eventually


@dataclass(frozen=True)
class Event:
    """What a browser hands to a page."""

    name: str
    #: Its JSON.
    data: Any
    #: The last id so far.
    id: str


class Reader:
    """Reads a stream piece by piece."""

    def __init__(self) -> None:
        self.last_id = ""
        self.retry: int | None = None
        self.comments = 0
        self._rest = ""

    def read(self, piece: bytes) -> list[Event]:
        """The events that end in `piece`."""
        *blocks, self._rest = (self._rest + piece.decode()).split("\n\n")
        return [event for block in blocks if (event := self._event(block)) is not None]

    def _event(self, block: str) -> Event | None:
        name, data = "message", []
        for line in block.split("\n"):
            what, colon, value = line.partition(":")
            value = value.removeprefix(" ")
            if colon and not what:
                self.comments += 1
            elif what == "event":
                name = value
            elif what == "data":
                data.append(value)
            elif what == "id":
                self.last_id = value
            elif what == "retry":
                self.retry = int(value)
            else:
                raise AssertionError(f"a line that is of no stream: {line!r}")
        return Event(name, json.loads("\n".join(data)), self.last_id) if data else None


def ids(events: Iterable[Event]) -> list[int]:
    """The ids of those that are clicks."""
    return [int(event.id) for event in events if event.name == "click"]


@dataclass
class Following:
    """Someone who follows a stream in a thread of their own."""

    reader: Reader = field(default_factory=Reader)
    events: list[Event] = field(default_factory=list)
    #: When each came.
    moments: list[float] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    is_over: bool = False

    def clicks(self) -> list[str]:
        """The codes that were clicked."""
        return [event.data["code"] for event in self.events if event.name == "click"]

    def until(self, number: int, seconds: float = 10.0) -> list[Event]:
        """The events, once there are so many."""
        eventually(lambda: len(self.events) >= number, seconds)
        return self.events

    def _run(self, response: httpx2.Response) -> None:
        try:
            for piece in response.iter_bytes():
                for event in self.reader.read(piece):
                    self.moments.append(time.monotonic())
                    self.events.append(event)
        except (httpx2.HTTPError, httpx2.StreamError, OSError):
            pass  # the test has closed it, or the server has
        finally:
            self.is_over = True


@contextmanager
def following(client: httpx2.Client, path: str = "/live", **options: Any) -> Iterator[Following]:
    """Follows while the block lasts, from the moment the server has answered."""
    with client.stream("GET", f"/api/v1{path}", **options) as response:
        assert response.status_code == 200, response.read()
        found = Following(headers=dict(response.headers))
        thread = threading.Thread(target=found._run, args=(response,))
        thread.start()
        eventually(lambda: found.reader.last_id != "" or found.is_over)
        yield found
        # Closing it would not wake who is reading.
        with suppress(OSError):
            response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        thread.join(10)
