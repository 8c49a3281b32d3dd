"""The outbox: answers of one turn of the event loop. Their clicks are written together, and then they are sent.

Under load a turn has dozens of visits, so that one write to the spool, the dearest part of a visit of our own, is
shared by all of them. The promise stays: a click is with the kernel before its redirect is.
"""

import asyncio
from typing import NamedTuple

from shortener.clicks.spool import Spool


class Answer(NamedTuple):
    """What is to be sent on a connection."""

    transport: asyncio.Transport
    data: bytes
    #: Whether the connection ends with it.
    is_last: bool
    #: What is written to the spool before; None where nothing is counted.
    click: bytes | None


class Outbox:
    """One per worker, used on its event loop only."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._loop = asyncio.get_running_loop()
        self._answers: list[Answer] = []

    def put(self, answer: Answer) -> None:
        """Takes an answer. Whatever the event loop is asked to do from now on, it does after sending it."""
        if not self._answers:
            self._loop.call_soon(self.send)
        self._answers.append(answer)

    def send(self) -> None:
        """Writes the clicks and sends the answers that there are."""
        answers, self._answers = self._answers, []
        if clicks := [answer.click for answer in answers if answer.click is not None]:
            self._spool.append_together(clicks)
        for transport, data, is_last, _ in answers:
            if not transport.is_closing():  # else the visitor is gone
                transport.write(data)
                if is_last:
                    transport.close()
