"""The outbox: answers of one turn of the event loop. Their clicks are written together, and then they are sent.

Under load a turn has dozens of visits, so that one write to the spool, the dearest part of a visit of our own, is
shared by all of them. The promise stays: a click is with the kernel before its redirect is.
"""

import asyncio
from typing import NamedTuple

from shortener.clicks.spool import Spool


class Answer(NamedTuple):
    """What is to be sent on a connection, and whether that is its end."""

    transport: asyncio.Transport
    data: bytes
    is_last: bool


class Outbox:
    """One per worker, used on its event loop only."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._loop = asyncio.get_running_loop()
        self._answers: list[Answer] = []
        self._clicks: list[bytes] = []
        #: Takes a click, which is written before any answer that is put afterwards is sent.
        self.count = self._clicks.append

    def put(self, answer: Answer) -> None:
        """Takes an answer. Whatever the event loop is asked to do from now on, it does after sending it."""
        if not self._answers:
            self._loop.call_soon(self.send)
        self._answers.append(answer)

    def send(self) -> None:
        """Writes the clicks and sends the answers that there are."""
        if self._clicks:
            self._spool.append_together(self._clicks)
            self._clicks.clear()
        answers, self._answers = self._answers, []
        for transport, data, is_last in answers:
            if not transport.is_closing():  # else the visitor is gone
                transport.write(data)
                if is_last:
                    transport.close()
