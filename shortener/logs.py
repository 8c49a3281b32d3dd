"""Log lines as data: key=value for people, JSON for machines. One line per event, whatever a visitor sent."""

import logging
import sys
import threading
import time
from typing import Any

import orjson
import structlog

#: Lines that a kind of event may have in a second.
LINES_A_SECOND = 5
#: Libraries that tell at length how they start.
_CHATTY = ("alembic", "uvicorn", "asyncio")


class Bounded:
    """A log for what strangers can bring about as often as they like: LINES_A_SECOND, and how many were left out."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()
        self._lock = threading.Lock()
        self._second = self._lines = self._left_out = 0

    def warning(self, event: str, **fields: Any) -> None:
        """Logs `event`, unless this second has had its lines. Says how many events before it were not logged."""
        if self._has_room(fields):
            self._log.warning(event, **fields)

    def error(self, event: str, **fields: Any) -> None:
        """The same of an error."""
        if self._has_room(fields):
            self._log.error(event, **fields)

    def _has_room(self, fields: dict[str, Any]) -> bool:
        with self._lock:
            second = int(time.monotonic())
            if second != self._second:
                self._second, self._lines = second, 0
            if self._lines >= LINES_A_SECOND:
                self._left_out += 1
                return False
            self._lines += 1
            left_out, self._left_out = self._left_out, 0
        if left_out:
            fields["left_out"] = left_out
        return True


def configure(level: str, *, as_json: bool) -> None:
    """Sets up logging to standard error for this process; the standard library's loggers go through structlog too."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if as_json else _pass,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(_dumps)
        if as_json
        # Its default draws every variable of every frame: seconds of work, and keys and addresses among them.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    if level != "debug":
        for chatty in _CHATTY:
            logging.getLogger(chatty).setLevel(logging.WARNING)


def _pass(_logger: Any, _name: str, event: Any) -> Any:
    return event


def _dumps(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=str).decode()
